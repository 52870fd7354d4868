public import ContentHash
public import StageProtocol

/// What a task was made of when it ran: everything that enters its key, spelled out, so that a later plan can say in words
/// what differs.
public struct TaskRecord: Codable, Sendable, Equatable {
    public var key: Digest
    /// Name of the manifest (not of the stage within the pipeline).
    public var manifest: String
    public var version: Int
    public var manifestDigest: Digest
    public var config: [String: ConfigValue]
    public var seed: UInt64
    public var item: [Coordinate]
    /// Inputs by port in the order of the manifest, gathered ones in the order of their axis.
    public var inputs: [RecordedInput]

    public init(
        key: Digest, manifest: String, version: Int, manifestDigest: Digest, config: [String: ConfigValue],
        seed: UInt64, item: [Coordinate], inputs: [RecordedInput]
    ) {
        self.key = key
        self.manifest = manifest
        self.version = version
        self.manifestDigest = manifestDigest
        self.config = config
        self.seed = seed
        self.item = item
        self.inputs = inputs
    }
}

/// One file that a task read.
public struct RecordedInput: Codable, Sendable, Equatable {
    public var port: String
    public var digest: Digest
    /// The item that the file belongs to.
    public var item: [Coordinate]
    /// The axis attributes that the port asked for, by axis.
    public var attributes: [String: [String: ConfigValue]]
    public var origin: Origin

    /// Where the file came from; not part of the key.
    public enum Origin: Codable, Sendable, Equatable {
        /// Output `port` of the task called `label`, made by the action `key`.
        case task(label: String, key: Digest, port: String)
        /// A source file; the path is absolute.
        case source(path: String)
    }

    public init(
        port: String, digest: Digest, item: [Coordinate], attributes: [String: [String: ConfigValue]] = [:],
        origin: Origin
    ) {
        self.port = port
        self.digest = digest
        self.item = item
        self.attributes = attributes
        self.origin = origin
    }
}

/// All that the engine knows about one executed task; the store adds host, code version and outputs, and keeps it as the
/// action's provenance record.
public struct ActionRecord: Codable, Sendable, Equatable {
    public var pipeline: String
    /// Name of the stage within the pipeline.
    public var stage: String
    /// `stage[axis=value,…]`, as users write it.
    public var label: String
    public var task: TaskRecord
    /// The argv as the manifest declares it, references not yet filled in.
    public var command: [String]
    /// Why it ran.
    public var reason: RunReason
    /// Seconds since 1970.
    public var started: Double
    public var ended: Double
    /// User and system time of the process and the children that it waited for.
    public var cpuSeconds: Double
    public var peakMemoryBytes: Int64
    /// What it was allowed to use.
    public var resources: WorkGraph.Resources
    /// 1 for the first try.
    public var attempt: Int
    public var logPath: String
    /// Figures that the worker reported, for example ["inliers": 212].
    public var figures: [String: Double]
    public var warnings: [String]
    /// nil for a task that succeeded.
    public var failure: TaskFailure?

    public init(
        pipeline: String, stage: String, label: String, task: TaskRecord, command: [String], reason: RunReason,
        started: Double, ended: Double, cpuSeconds: Double, peakMemoryBytes: Int64, resources: WorkGraph.Resources,
        attempt: Int, logPath: String, figures: [String: Double] = [:], warnings: [String] = [],
        failure: TaskFailure? = nil
    ) {
        self.pipeline = pipeline
        self.stage = stage
        self.label = label
        self.task = task
        self.command = command
        self.reason = reason
        self.started = started
        self.ended = ended
        self.cpuSeconds = cpuSeconds
        self.peakMemoryBytes = peakMemoryBytes
        self.resources = resources
        self.attempt = attempt
        self.logPath = logPath
        self.figures = figures
        self.warnings = warnings
        self.failure = failure
    }
}
