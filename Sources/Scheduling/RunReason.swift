public import StageProtocol

/// Why a task runs. Each case has one sentence for the user (`sentence`).
public enum RunReason: Codable, Sendable, Equatable {
    case neverRun
    case forced
    case versionChanged(old: Int, new: Int)
    case manifestChanged
    case configChanged(changes: [ConfigChange])
    case seedChanged(old: UInt64, new: UInt64)
    /// The first few inputs that differ, and how many there are.
    case inputChanged(changes: [InputChange], count: Int)
    /// The action is known but the file of this output port is gone from the store.
    case outputMissing(port: String)
    case previouslyFailed(message: String)

    /// One config value that differs; nil where it is absent.
    public struct ConfigChange: Codable, Sendable, Equatable {
        public var name: String
        public var old: ConfigValue?
        public var new: ConfigValue?

        public init(name: String, old: ConfigValue?, new: ConfigValue?) {
            self.name = name
            self.old = old
            self.new = new
        }
    }

    /// One input that differs.
    public struct InputChange: Codable, Sendable, Equatable {
        public enum Kind: String, Codable, Sendable {
            case content, added, removed, attributes, order
        }
        public var port: String
        public var kind: Kind
        public var item: [Coordinate]
        /// The producing task's label or the source file's path.
        public var origin: String

        public init(port: String, kind: Kind, item: [Coordinate], origin: String) {
            self.port = port
            self.kind = kind
            self.item = item
            self.origin = origin
        }
    }

    /// The case's name alone, for tables and JSON.
    public var name: String {
        switch self {
        case .neverRun: "neverRun"
        case .forced: "forced"
        case .versionChanged: "versionChanged"
        case .manifestChanged: "manifestChanged"
        case .configChanged: "configChanged"
        case .seedChanged: "seedChanged"
        case .inputChanged: "inputChanged"
        case .outputMissing: "outputMissing"
        case .previouslyFailed: "previouslyFailed"
        }
    }
}
