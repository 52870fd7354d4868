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
        /// Whether a run prints where this output lies, last of all (`announce: true`).
        public var isAnnounced = false
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
