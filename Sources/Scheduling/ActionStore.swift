public import ContentHash

/// A file in the store.
public struct StoredFile: Codable, Sendable, Hashable {
    public var digest: Digest
    /// File name extension without the dot.
    public var fileExtension: String
    public var byteCount: Int64

    public init(digest: Digest, fileExtension: String, byteCount: Int64) {
        self.digest = digest
        self.fileExtension = fileExtension
        self.byteCount = byteCount
    }
}

/// What the action cache holds under a key.
public struct CachedAction: Sendable, Equatable {
    /// Outputs in the order of the manifest's output ports.
    public var outputs: [StoredFile]
    /// Index of the first output whose file is not in the store with its recorded size; nil where all are there.
    public var missingOutput: Int?

    public init(outputs: [StoredFile], missingOutput: Int? = nil) {
        self.outputs = outputs
        self.missingOutput = missingOutput
    }
}

/// A finished task's outputs on their way into the store.
public struct Publication: Sendable {
    public var record: ActionRecord
    /// Files in the order of the manifest's output ports, written in the task's work folder; the store takes them over.
    public var files: [ProducedFile]

    public struct ProducedFile: Sendable, Equatable {
        public var port: String
        public var path: String
        public var fileExtension: String

        public init(port: String, path: String, fileExtension: String) {
            self.port = port
            self.path = path
            self.fileExtension = fileExtension
        }
    }

    public init(record: ActionRecord, files: [ProducedFile]) {
        self.record = record
        self.files = files
    }
}

/// The store as the engine sees it: keys, records, locks, publishing. `ArtifactStore` implements it on files, tests in memory.
///
/// All functions may be called from several threads at once.
public protocol ActionStore: AnyObject, Sendable {
    /// What is cached under each key, in the keys' order; nil where nothing is. Always the present state of the store: another
    /// run may have published since. One call asks for up to a whole level of the graph (100,000 keys).
    func actions(for keys: [Digest]) throws -> [CachedAction?]

    /// The newest record of each task, by its label within the pipeline: of its last run, failed or not; nil where it never ran.
    func latestRecords(pipeline: String, labels: [String]) throws -> [LatestRecord?]

    /// Seconds that a task of each stage (manifest name) took lately; nil where unknown. Used to find the critical path.
    func typicalSeconds(manifests: [String]) throws -> [Double?]

    /// Takes the lock of a key, so that two runs on one store don't do the same work twice; nil while another holds it.
    /// Never waits. The lock vanishes with the process.
    func tryLock(_ key: Digest) throws -> (any KeyLock)?

    /// Whether some run holds the lock of the key now.
    func isLocked(_ key: Digest) throws -> Bool

    /// Takes the outputs over: hash, make durable, rename into place, and only then the action records, and last each record as the
    /// newest of its label. One result a publication; a batch lets the store share the cost of durability.
    func publish(_ batch: [Publication]) -> [Result<[StoredFile], any Error>]

    /// Keeps the record of a failed task (`record.failure` is set) as the newest of its label.
    func recordFailure(_ record: ActionRecord) throws

    /// Absolute path of a stored file. It need not exist.
    func path(of file: StoredFile) -> String

    /// A new empty private folder on the store's file system. What a killed run leaves of these, a later run removes.
    func makeWorkFolder(for key: Digest) throws -> String

    /// Removes a work folder with all that is in it.
    func removeWorkFolder(_ path: String)

    /// Where a task keeps what its next try can go on from: the same path in every run, on the store's file system. Whoever
    /// starts the task makes the folder.
    func checkpointFolder(for key: Digest) -> String

    /// Removes such a folder with all that is in it.
    func removeCheckpoints(_ path: String)

    /// Absolute path of the log of an action; its folder exists.
    func logPath(for key: Digest) throws -> String
}

/// What `ActionStore.latestRecords` gives: the task's ingredients and, where it failed, why.
public struct LatestRecord: Sendable, Equatable {
    public var task: TaskRecord
    /// nil where the run succeeded.
    public var failureMessage: String?

    public init(task: TaskRecord, failureMessage: String? = nil) {
        self.task = task
        self.failureMessage = failureMessage
    }
}

/// The lock of a key, held until it is released.
public protocol KeyLock: AnyObject, Sendable {
    func release()
}

/// Digests of source files, remembered by path, size, modification time and inode.
///
/// All functions may be called from several threads at once.
public protocol SourceDigests: AnyObject, Sendable {
    /// The digests that are known without reading the files, in the paths' order (absolute paths; up to 100,000).
    func known(_ paths: [String]) throws -> [SourceState]

    /// Reads and hashes one file and remembers its digest.
    func hash(_ path: String) throws -> Digest
}

/// What is known of a source file without reading it.
public enum SourceState: Sendable, Equatable {
    case known(Digest)
    /// The file is there, but new or changed since it was hashed.
    case unknown
    /// No readable regular file; the message says what is there instead and names the path.
    case missing(message: String)
}
