public import StageProtocol

/// What a stage is, as its manifest (`stages/<name>.yaml`) declares it: ports, config, command line, needs.
public struct StageManifest: Sendable {
    public struct Input: Sendable {
        public var name: String
        /// Name of the artifact type; `file` takes every type.
        public var type: String
        /// Whether the stage works without it.
        public var optional: Bool
        /// The axis attributes that the stage wants to get with each file: only these enter the key and the job.
        public var attributes: [Located<String>]
        public var summary: String
        public var mark: Mark
    }

    public struct Output: Sendable {
        public var name: String
        public var type: ArtifactType
        public var summary: String
        public var mark: Mark
    }

    /// A file named on the command line, for example a script: its bytes decide about results like the command line itself.
    public struct Script: Sendable {
        /// The argument as it is written.
        public var argument: String
        public var bytes: [UInt8]
    }

    public var name: String
    public var version: Int
    public var summary: String
    /// argv with `${…}` references.
    public var run: [String]
    public var inputs: [Input]
    public var outputs: [Output]
    public var config: ConfigSchema
    public var resources: ResourceRequest
    /// Whether a task that was broken off goes on from what it left in its folder of checkpoints.
    public var resumable: Bool
    public var scripts: [Script]
    /// Folder of the manifest file, absolute.
    public var folder: String
    public var mark: Mark

    public func input(_ name: String) -> Int? { inputs.firstIndex { $0.name == name } }
    public func output(_ name: String) -> Int? { outputs.firstIndex { $0.name == name } }
}

/// What a task of a stage needs; nil where nothing is said.
public struct ResourceRequest: Sendable, Equatable {
    public var cores: Int?
    public var memoryBytes: Int64?
    public var gpus: Int?
    public var timeLimitSeconds: Double?
    public var retries: Int?

    public init() {}

    /// What stands here, and where nothing does, what stands in `other`.
    public func filled(from other: ResourceRequest) -> ResourceRequest {
        var result = self
        result.cores = cores ?? other.cores
        result.memoryBytes = memoryBytes ?? other.memoryBytes
        result.gpus = gpus ?? other.gpus
        result.timeLimitSeconds = timeLimitSeconds ?? other.timeLimitSeconds
        result.retries = retries ?? other.retries
        return result
    }

    static func read(_ node: YAMLNode, what: String, problems: DiagnosticList) -> ResourceRequest {
        var request = ResourceRequest()
        guard var reader = MappingReader(node, what: what, problems: problems) else { return request }
        request.read(from: &reader)
        reader.finish()
        return request
    }

    /// Takes `cores`, `memory`, `gpu`, `time` and `retries`; the caller finishes the reader.
    mutating func read(from reader: inout MappingReader) {
        cores = reader.integer("cores", in: 1...65536).map { Int($0) }
        memoryBytes = reader.take("memory").flatMap { Quantity.memoryBytes($0, problems: reader.problems) }
        gpus = reader.integer("gpu", in: 0...1024).map { Int($0) }
        timeLimitSeconds = reader.take("time").flatMap { Quantity.seconds($0, problems: reader.problems) }
        retries = reader.integer("retries", in: 0...100).map { Int($0) }
    }
}
