/// A piece of HTML that is safe to put into a page: what is interpolated into it as a text is escaped, what is markup stays.
///
///     let cell: Markup = "<td>\(name)</td>"        // a name like <b> shows as written
///     let row: Markup = "<tr>\(cell)\(cell)</tr>"
package struct Markup: ExpressibleByStringInterpolation, Sendable, Equatable {
    /// The HTML.
    package private(set) var html: String

    package init(stringLiteral value: String) { html = value }

    package init(stringInterpolation: Pieces) { html = stringInterpolation.html }

    /// A text, escaped.
    package init(text: String) { html = Markup.escaped(text) }

    /// HTML that is known to be safe: only for files of our own (styles, scripts).
    init(trusted html: String) { self.html = html }

    static let empty: Markup = ""

    var isEmpty: Bool { html.isEmpty }

    package static func + (left: Markup, right: Markup) -> Markup { Markup(trusted: left.html + right.html) }
    package static func += (left: inout Markup, right: Markup) { left.html += right.html }

    /// The text with the five characters that mean something in HTML replaced, in text and in quoted attributes alike.
    static func escaped(_ text: String) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count + 16)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            // Control characters other than line breaks and tabs have no place in a page.
            case _ where scalar.value < 0x20 && scalar != "\n" && scalar != "\t": result += "\u{FFFD}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    package struct Pieces: StringInterpolationProtocol {
        fileprivate var html = ""

        package init(literalCapacity: Int, interpolationCount: Int) { html.reserveCapacity(literalCapacity * 2) }

        package mutating func appendLiteral(_ literal: String) { html += literal }
        package mutating func appendInterpolation(_ text: String) { html += Markup.escaped(text) }
        package mutating func appendInterpolation(_ number: Int) { html += "\(number)" }
        package mutating func appendInterpolation(_ markup: Markup) { html += markup.html }
        package mutating func appendInterpolation(_ markups: [Markup]) { for markup in markups { html += markup.html } }
    }
}

extension Sequence where Element == Markup {
    /// All of them, one after the other.
    func joined(_ separator: Markup = "") -> Markup {
        var result = Markup.empty
        for (index, markup) in enumerated() {
            if index > 0 { result += separator }
            result += markup
        }
        return result
    }
}
