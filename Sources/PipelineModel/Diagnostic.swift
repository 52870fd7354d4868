/// One mistake in a pipeline, with its place, what was expected there and, where one is near, a better spelling.
public struct Diagnostic: Sendable {
    public enum Severity: String, Sendable, Codable { case error, warning }

    public var severity: Severity
    public var mark: Mark
    /// What is wrong, with the offending text.
    public var message: String
    /// What would be right here; nil where the message says it.
    public var expected: String?
    /// The likely spelling, for "did you mean".
    public var suggestion: String?

    public init(
        _ severity: Severity = .error, at mark: Mark, _ message: String, expected: String? = nil,
        suggestion: String? = nil
    ) {
        self.severity = severity
        self.mark = mark
        self.message = message
        self.expected = expected
        self.suggestion = suggestion
    }

    /// The message as it is shown: place, message, the line with a caret below, what was expected.
    ///
    ///     pipelines/full.yaml:12:5: error: unknown key 'confg' in stage 'report'
    ///        12 |     confg: { spacing_um: 64 }
    ///           |     ^~~~~
    ///           = expected one of config, for, inputs; did you mean 'config'?
    public var rendered: String {
        var text = "\(mark.text): \(severity.rawValue): \(message)\n"
        let gutter = String(repeating: " ", count: 5)
        if let line = mark.file.line(Int(mark.line)) {
            let number = String(mark.line)
            let padding = String(repeating: " ", count: max(0, 5 - number.utf8.count))
            let (window, column) = Diagnostic.window(of: line, around: Int(mark.column))
            let rest = max(0, window.unicodeScalars.count - column)
            let tail = String(repeating: "~", count: min(max(0, Int(mark.length) - 1), max(0, rest)))
            text += "\(padding)\(number) | \(window)\n\(gutter) | "
            text += String(repeating: " ", count: max(0, column - 1)) + "^" + tail + "\n"
        }
        var help: [String] = []
        if let expected { help.append("expected \(expected)") }
        if let suggestion { help.append("did you mean '\(suggestion)'?") }
        if !help.isEmpty { text += "\(gutter) = " + help.joined(separator: "; ") + "\n" }
        return text
    }

    /// At most 160 characters of a line around a column, tabs and control characters as spaces, and the column within them.
    private static func window(of line: String, around column: Int) -> (text: String, column: Int) {
        let scalars = Array(line.unicodeScalars.map { $0.value < 32 ? " " : $0 })
        let width = 160
        var start = 0
        if scalars.count > width, column > width / 2 { start = min(column - width / 2, scalars.count - width) }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars[start..<min(scalars.count, start + width)])
        return (String(text), max(1, column - start))
    }
}

/// Collects the mistakes of one reading; shared by everything that reads.
final class DiagnosticList {
    private(set) var diagnostics: [Diagnostic] = []
    /// More than so many help nobody and cost time on hostile input.
    static let limit = 200

    var hasErrors: Bool { diagnostics.contains { $0.severity == .error } }

    func error(at mark: Mark, _ message: String, expected: String? = nil, suggestion: String? = nil) {
        guard diagnostics.count < DiagnosticList.limit else { return }
        diagnostics.append(Diagnostic(at: mark, message, expected: expected, suggestion: suggestion))
    }

    func warning(at mark: Mark, _ message: String, expected: String? = nil, suggestion: String? = nil) {
        guard diagnostics.count < DiagnosticList.limit else { return }
        diagnostics.append(Diagnostic(.warning, at: mark, message, expected: expected, suggestion: suggestion))
    }
}

/// The mistakes that keep a pipeline from being used: all that could be found, in order of file and line.
public struct PipelineMistakes: Error, CustomStringConvertible {
    public var diagnostics: [Diagnostic]

    /// Sorts the mistakes by file in order of appearance, then by line and column, and drops repetitions.
    public init(_ diagnostics: [Diagnostic]) {
        var order: [String: Int] = [:]
        for diagnostic in diagnostics where order[diagnostic.mark.file.path] == nil {
            order[diagnostic.mark.file.path] = order.count
        }
        var seen: Set<String> = []
        self.diagnostics = diagnostics.enumerated().sorted { left, right in
            let leftMark = left.element.mark
            let rightMark = right.element.mark
            let leftKey = (order[leftMark.file.path] ?? 0, leftMark.line, leftMark.column, left.offset)
            let rightKey = (order[rightMark.file.path] ?? 0, rightMark.line, rightMark.column, right.offset)
            return leftKey < rightKey
        }.map(\.element).filter { seen.insert("\($0.mark.text) \($0.message)").inserted }
    }

    public var errorCount: Int { diagnostics.count { $0.severity == .error } }

    /// Every mistake as it is shown, and how many there are.
    public var description: String {
        let count = errorCount
        let last = count == 0 ? "" : count == 1 ? "1 mistake\n" : "\(count) mistakes\n"
        return diagnostics.map(\.rendered).joined() + last
    }
}
