public import StageProtocol

/// A `${…}` in a text: the names between the dots, and where it stands.
public struct TemplateReference: Sendable {
    public var path: [String]
    public var mark: Mark

    public var text: String { "${" + path.joined(separator: ".") + "}" }
}

/// A text with `${…}` references; `$${` stands for `${` itself.
struct TextTemplate {
    enum Segment {
        case text(String)
        case reference(TemplateReference)
    }

    var segments: [Segment]

    var isConstant: Bool {
        segments.allSatisfy { if case .text = $0 { true } else { false } }
    }

    /// Splits a text at its references; unfinished and empty ones are mistakes.
    static func parse(_ text: String, at mark: Mark, isPlain: Bool, problems: DiagnosticList) -> TextTemplate {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return TextTemplate(segments: [.text(text)]) }
        var segments: [Segment] = []
        var plain = ""
        let scalars = Array(text.unicodeScalars)
        var position = 0
        // Quotes shift the text by one column; folded and escaped text is marked as a whole.
        let exact = Int(mark.length) == scalars.count + (isPlain ? 0 : 2)
        func place(_ start: Int, _ end: Int) -> Mark {
            exact ? mark.advanced(by: start + (isPlain ? 0 : 1), length: end - start) : mark
        }
        while position < scalars.count {
            if scalars[position] == "$", position + 2 < scalars.count, scalars[position + 1] == "$",
                scalars[position + 2] == "{"
            {
                plain += "${"
                position += 3
            } else if scalars[position] == "$", position + 1 < scalars.count, scalars[position + 1] == "{" {
                guard let end = scalars[position...].firstIndex(of: "}") else {
                    problems.error(
                        at: place(position, scalars.count), "'${' without '}'", expected: "'}' at the end of the name")
                    break
                }
                var name = String.UnicodeScalarView()
                name.append(contentsOf: scalars[(position + 2)..<end])
                let path = String(name).split(separator: ".", omittingEmptySubsequences: false).map { String($0) }
                let here = place(position, end + 1)
                if path.allSatisfy({ Names.isValid($0) }) {
                    if !plain.isEmpty { segments.append(.text(plain)) }
                    plain = ""
                    segments.append(.reference(TemplateReference(path: path, mark: here)))
                } else {
                    problems.error(
                        at: here, "'${\(String(name))}' is no reference",
                        expected: "names joined by dots, as ${axis.attribute}")
                }
                position = end + 1
            } else {
                plain.unicodeScalars.append(scalars[position])
                position += 1
            }
        }
        if !plain.isEmpty || segments.isEmpty { segments.append(.text(plain)) }
        return TextTemplate(segments: segments)
    }
}

/// A value in which `${…}` references may stand; those to `config` and `params` are already replaced.
public indirect enum ValueTemplate: Sendable {
    case constant(ConfigValue)
    /// A reference as the whole value: it keeps its type.
    case reference(AxisReference)
    /// Text with references inside.
    case text([Piece])
    case list([ValueTemplate])
    case map([(key: String, value: ValueTemplate)])

    public enum Piece: Sendable {
        case text(String)
        case reference(AxisReference)
    }

    /// The constant, or nil where the value depends on the item.
    public var constant: ConfigValue? {
        if case .constant(let value) = self { return value }
        return nil
    }

    /// The axes that the value depends on.
    public func collectAxes(into axes: inout Set<Int>) {
        switch self {
        case .constant: break
        case .reference(let reference): axes.insert(reference.axis)
        case .text(let pieces):
            for case .reference(let reference) in pieces { axes.insert(reference.axis) }
        case .list(let list): for value in list { value.collectAxes(into: &axes) }
        case .map(let map): for (_, value) in map { value.collectAxes(into: &axes) }
        }
    }
}

/// `${axis}` or `${axis.attribute}`.
public struct AxisReference: Sendable {
    /// Index into the pipeline's `axes`.
    public var axis: Int
    /// Index into the axis's attribute columns; nil for the value itself.
    public var attribute: Int?
    public var mark: Mark
}
