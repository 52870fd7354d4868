internal import Scheduling

/// Why tasks ran or would run, gathered into a few lines: equal sentences count together.
struct ReasonGroups {
    private var counts: [String: Int] = [:]
    private var order: [String] = []

    mutating func add(_ reason: RunReason?) {
        let text = reason.map { ReasonGroups.summary(of: $0) } ?? "only if an input changes"
        if counts[text] == nil { order.append(text) }
        counts[text, default: 0] += 1
    }

    /// The groups, largest first.
    var groups: [(text: String, count: Int)] {
        order.enumerated().map { (offset: $0.offset, text: $0.element, count: counts[$0.element] ?? 0) }
            .sorted { ($1.count, $0.offset) < ($0.count, $1.offset) }.map { ($0.text, $0.count) }
    }

    /// `never run before (600), input 'section' changed (3)`; at most `limit` groups, then how many more there are.
    func line(limit: Int = 3) -> String {
        let groups = self.groups
        var parts = groups.prefix(limit).map { groups.count == 1 ? $0.text : "\($0.text) (\(CountText.of($0.count)))" }
        if groups.count > limit { parts.append("\(groups.count - limit) more reasons") }
        return parts.joined(separator: ", ")
    }

    /// A reason without what differs from task to task.
    static func summary(of reason: RunReason) -> String {
        switch reason {
        case .inputChanged(let changes, count: _):
            let ports = Set(changes.map(\.port)).sorted()
            guard let first = changes.first, ports.count == 1 else { return "inputs changed" }
            switch first.kind {
            case .added: return "new files at input '\(first.port)'"
            case .removed: return "files gone from input '\(first.port)'"
            default: return "input '\(first.port)' changed"
            }
        case .previouslyFailed: return "its last run failed"
        default: return reason.sentence
        }
    }
}
