public import ContentHash
public import Scheduling
public import StageProtocol

/// Everything that is known of one action: what the engine says (`action`) and what the store adds: the outputs, how the
/// stage was declared, which program ran where. One file a key; never changed once written, replaced only by a rerun.
public struct ProvenanceRecord: Codable, Sendable, Equatable {
    /// The format's version that this program writes.
    public static let currentFormat = 1

    public var format: Int
    public var action: ActionRecord
    /// In the order of the stage's output ports; empty for a failed task.
    public var outputs: [Output]
    /// The stage's declaration, a file in the store's `stages` folder; nil where the run did not register its stages.
    public var declaration: Digest?
    public var code: CodeVersion
    public var host: HostDescription
    /// Where whole-numbered real values stand in the config and the inputs' attributes; JSON alone would make them integers.
    var wholeReals: [String]

    public var key: Digest { action.task.key }
    public var label: String { action.label }

    public init(
        action: ActionRecord, outputs: [Output], declaration: Digest?, code: CodeVersion, host: HostDescription
    ) {
        format = ProvenanceRecord.currentFormat
        self.action = action
        self.outputs = outputs
        self.declaration = declaration
        self.code = code
        self.host = host
        wholeReals = NumberKinds.wholeReals(action.task)
    }

    /// One file that the action made.
    public struct Output: Codable, Sendable, Equatable {
        public var port: String
        public var digest: Digest
        public var byteCount: Int64
        /// Name of the artifact type; empty where the run did not register its stages.
        public var type: String
        /// File name extension without the dot.
        public var fileExtension: String

        public init(port: String, digest: Digest, byteCount: Int64, type: String, fileExtension: String) {
            self.port = port
            self.digest = digest
            self.byteCount = byteCount
            self.type = type
            self.fileExtension = fileExtension
        }

        /// As the engine names it.
        public var file: StoredFile {
            StoredFile(digest: digest, fileExtension: fileExtension, byteCount: byteCount)
        }
    }
}

/// Which code made an artifact.
public struct CodeVersion: Codable, Sendable, Equatable {
    /// The program and every file that the command line names, with their bytes' digests.
    public var programs: [Program]
    /// The commit of the git work tree that the stage's manifest lies in; nil outside of one.
    public var commit: String?
    /// Whether tracked files of that work tree differed from the commit; nil where it is not known.
    public var hasChanges: Bool?

    public init(programs: [Program] = [], commit: String? = nil, hasChanges: Bool? = nil) {
        self.programs = programs
        self.commit = commit
        self.hasChanges = hasChanges
    }

    /// A file that was executed or interpreted.
    public struct Program: Codable, Sendable, Equatable {
        public var path: String
        public var digest: Digest

        public init(path: String, digest: Digest) {
            self.path = path
            self.digest = digest
        }
    }
}

/// The machine that a task ran on.
public struct HostDescription: Codable, Sendable, Equatable {
    public var name: String
    /// Kernel name, release and machine, for example `Linux 6.1.0 x86_64`.
    public var system: String
    public var cores: Int
    /// Versions of the libraries that the program reported or the system tells, by name.
    public var libraries: [String: String]

    public init(name: String, system: String, cores: Int, libraries: [String: String] = [:]) {
        self.name = name
        self.system = system
        self.cores = cores
        self.libraries = libraries
    }
}

/// How a stage was declared when it ran: what a replay needs beyond the action's record.
public struct StageDeclaration: Codable, Sendable, Equatable {
    public var manifest: String
    public var version: Int
    public var manifestDigest: Digest
    public var command: [String]
    /// Folder of the manifest file.
    public var folder: String
    public var inputPorts: [String]
    public var outputPorts: [OutputPort]

    public struct OutputPort: Codable, Sendable, Equatable {
        public var name: String
        public var type: ArtifactType

        public init(name: String, type: ArtifactType) {
            self.name = name
            self.type = type
        }
    }

    /// The declaration of a stage of a work graph.
    public init(_ stage: WorkGraph.Stage) {
        manifest = stage.manifest
        version = stage.version
        manifestDigest = stage.manifestDigest
        command = stage.command
        folder = stage.folder
        inputPorts = stage.inputPorts
        outputPorts = stage.outputPorts.map { OutputPort(name: $0.name, type: $0.type) }
    }
}
