internal import StageProtocol

/// Reads the known keys of one mapping and notes what is missing, of the wrong kind or unknown.
///
/// The keys asked for are the known ones: `finish()` compares the file against them.
struct MappingReader {
    let node: YAMLNode
    /// What the mapping is, in words: `stage 'report'`.
    let what: String
    let problems: DiagnosticList
    private let entries: [YAMLNode.Entry]
    private var asked: [String] = []

    /// Nil, with a mistake noted, where the node is no mapping. An empty node counts as an empty mapping.
    init?(_ node: YAMLNode, what: String, expected: String? = nil, problems: DiagnosticList) {
        self.node = node
        self.what = what
        self.problems = problems
        switch node.content {
        case .mapping(let entries): self.entries = entries
        case .scalar where node.isNull: self.entries = []
        default:
            problems.error(at: node.mark, "\(what) is \(node.briefly)", expected: expected ?? "a mapping (key: value)")
            return nil
        }
    }

    mutating func take(_ key: String) -> YAMLNode? { takeEntry(key)?.value }

    mutating func takeEntry(_ key: String) -> YAMLNode.Entry? {
        asked.append(key)
        return entries.first { $0.key == key }
    }

    /// A value that must be there; a mistake where it is not.
    mutating func require(_ key: String, expected: String) -> YAMLNode? {
        if let node = take(key) { return node }
        problems.error(at: node.mark, "\(what) has no '\(key)'", expected: expected)
        return nil
    }

    mutating func text(_ key: String) -> Located<String>? {
        take(key).flatMap { MappingReader.text($0, what: "'\(key)' of \(what)", problems: problems) }
    }

    mutating func requiredText(_ key: String, expected: String) -> Located<String>? {
        require(key, expected: expected).flatMap {
            MappingReader.text($0, what: "'\(key)' of \(what)", problems: problems)
        }
    }

    mutating func boolean(_ key: String) -> Bool? {
        guard let node = take(key) else { return nil }
        if case .bool(let value) = node.scalar?.value { return value }
        problems.error(at: node.mark, "'\(key)' of \(what) is \(node.briefly)", expected: "true or false")
        return nil
    }

    mutating func integer(_ key: String, in range: ClosedRange<Int64>) -> Int64? {
        guard let node = take(key) else { return nil }
        if case .integer(let value) = node.scalar?.value, range.contains(value) { return value }
        problems.error(
            at: node.mark, "'\(key)' of \(what) is \(node.briefly)",
            expected: "an integer from \(range.lowerBound)"
                + (range.upperBound < .max ? " to \(range.upperBound)" : " up"))
        return nil
    }

    /// One text or a list of texts.
    mutating func texts(_ key: String) -> [Located<String>]? {
        guard let node = take(key) else { return nil }
        return MappingReader.texts(node, what: "'\(key)' of \(what)", problems: problems)
    }

    /// Notes every key that nobody asked for.
    func finish() {
        for entry in entries where !asked.contains(entry.key) {
            if entry.value.isNull, !Names.isValid(entry.key) || entry.value.mark.line == entry.keyMark.line,
                let before = entries.last(where: { isBefore($0, entry) && $0.value.scalar?.isPlain == true })
            {
                problems.error(
                    at: entry.keyMark,
                    "'\(entry.key)' in \(what) is taken for a key of its own, because '\(before.key)' ends at the comma",
                    expected: "quotes around the text of '\(before.key)', or no ',' in it")
                continue
            }
            problems.error(
                at: entry.keyMark, "unknown key '\(entry.key)' in \(what)",
                expected: asked.count == 1 ? "'\(asked[0])'" : "one of \(asked.sorted().joined(separator: ", "))",
                suggestion: SpellingSuggestion.nearest(to: entry.key, among: asked))
        }
    }

    /// Whether `left` ends on the line on which `right` begins, before it: so it is in `{ }`, where a comma ends a text.
    private func isBefore(_ left: YAMLNode.Entry, _ right: YAMLNode.Entry) -> Bool {
        left.value.mark.line == right.keyMark.line && left.value.mark.column < right.keyMark.column
    }

    static func text(_ node: YAMLNode, what: String, problems: DiagnosticList) -> Located<String>? {
        guard let scalar = node.scalar, !node.isNull else {
            problems.error(at: node.mark, "\(what) is \(node.isNull ? "empty" : node.briefly)", expected: "text")
            return nil
        }
        return Located(scalar.text, at: node.mark)
    }

    static func texts(_ node: YAMLNode, what: String, problems: DiagnosticList) -> [Located<String>]? {
        if case .sequence(let nodes) = node.content {
            return nodes.compactMap { text($0, what: "an entry of \(what)", problems: problems) }
        }
        return text(node, what: what, problems: problems).map { [$0] }
    }
}

/// The rule for names of stages, axes, ports, keys.
enum Names {
    static let rule = "a name of letters, digits, '-' and '_' that begins with a letter or digit"

    static func isValid(_ name: String) -> Bool {
        guard let first = name.utf8.first, isLetterOrDigit(first), name.utf8.count <= 100 else { return false }
        return name.utf8.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }

    /// Notes a name that breaks the rule.
    static func check(_ name: String, of what: String, at mark: Mark, problems: DiagnosticList) -> Bool {
        if isValid(name) { return true }
        problems.error(at: mark, "'\(name)' is no name for \(what)", expected: rule)
        return false
    }
}
