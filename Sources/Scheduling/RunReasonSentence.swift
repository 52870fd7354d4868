internal import StageProtocol

extension RunReason {
    /// One sentence for the user, for example "config changed: clahe_kernel_px 250 → 128".
    public var sentence: String {
        switch self {
        case .neverRun: "never run before"
        case .forced: "forced"
        case .versionChanged(let old, let new): "the stage's version changed: \(old) → \(new)"
        case .manifestChanged: "the stage's manifest changed"
        case .seedChanged(let old, let new): "the seed changed: \(old) → \(new)"
        case .outputMissing(let port): "output '\(port)' is missing from the store"
        case .previouslyFailed(let message): "its last run failed: \(message)"
        case .configChanged(let changes):
            "config changed: "
                + changes.map { "\($0.name) \($0.old.briefText) → \($0.new.briefText)" }
                .joined(separator: ", ")
        case .inputChanged(let changes, let count): RunReason.sentence(changes, count: count)
        }
    }

    private static func sentence(_ changes: [InputChange], count: Int) -> String {
        guard let first = changes.first else { return "its inputs changed" }
        let verb =
            switch first.kind {
            case .content: "changed"
            case .added: "is new"
            case .removed: "is gone"
            case .attributes: "has other attributes"
            case .order: "came in another order"
            }
        let rest = count > 1 ? " (and \(count - 1) more)" : ""
        return "input '\(first.port)' \(verb): \(first.origin)\(rest)"
    }
}

extension Optional where Wrapped == ConfigValue {
    fileprivate var briefText: String { self?.briefText ?? "(absent)" }
}

extension ConfigValue {
    /// The value as YAML would write it on one line.
    var briefText: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .integer(let value): "\(value)"
        case .real(let value): "\(value)"
        case .text(let value): value
        case .list(let values): "[" + values.map(\.briefText).joined(separator: ", ") + "]"
        case .map(let map):
            "{" + map.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value.briefText)" }.joined(separator: ", ")
                + "}"
        }
    }
}
