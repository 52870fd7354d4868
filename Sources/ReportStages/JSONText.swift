/// JSON for the scripts of the page, written compactly and safe to stand inside a `<script>` element.
package enum JSONText: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int)
    /// With so many significant digits as a plot can show.
    case number(Double)
    case text(String)
    case list([JSONText])
    /// In the order given.
    case object([(String, JSONText)])
    /// Numbers of one kind, the bulk of a page.
    case integers([Int32])

    package static func numbers(_ values: [Double]) -> JSONText { .list(values.map { .number($0) }) }
    package static func texts(_ values: [String]) -> JSONText { .list(values.map { .text($0) }) }

    package static func == (left: JSONText, right: JSONText) -> Bool { left.written == right.written }

    /// The text; `<`, `>` and `&` are written as escapes, so that no text can end the element it stands in.
    package var written: String {
        var result = ""
        write(to: &result)
        return result
    }

    private func write(to result: inout String) {
        switch self {
        case .null: result += "null"
        case .bool(let bool): result += bool ? "true" : "false"
        case .integer(let integer): result += "\(integer)"
        case .number(let number): result += JSONText.short(number)
        case .text(let text): JSONText.write(text, to: &result)
        case .list(let list):
            result += "["
            for (index, element) in list.enumerated() {
                if index > 0 { result += "," }
                element.write(to: &result)
            }
            result += "]"
        case .object(let entries):
            result += "{"
            for (index, entry) in entries.enumerated() {
                if index > 0 { result += "," }
                JSONText.write(entry.0, to: &result)
                result += ":"
                entry.1.write(to: &result)
            }
            result += "}"
        case .integers(let integers):
            result += "["
            for (index, integer) in integers.enumerated() {
                if index > 0 { result += "," }
                result += "\(integer)"
            }
            result += "]"
        }
    }

    /// Five significant digits; JSON has no NaN and no infinity: null.
    private static func short(_ number: Double) -> String {
        guard number.isFinite else { return "null" }
        guard number != 0 else { return "0" }
        if number == number.rounded(), abs(number) < 1e9 { return "\(Int(number))" }
        var scale = 1.0
        while abs(number) * scale < 10_000, scale < 1e15 { scale *= 10 }
        return "\((number * scale).rounded() / scale)"
    }

    private static func write(_ text: String, to result: inout String) {
        result += "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "<", ">", "&", "\u{2028}", "\u{2029}": result += JSONText.escape(scalar.value)
            case _ where scalar.value < 0x20: result += JSONText.escape(scalar.value)
            default: result.unicodeScalars.append(scalar)
            }
        }
        result += "\""
    }

    private static func escape(_ value: UInt32) -> String {
        let digits = String(value, radix: 16)
        return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
    }
}
