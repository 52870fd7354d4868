public import StageProtocol

/// A task as an executor gets it: everything it needs, nothing of the graph.
public struct TaskRequest: Sendable {
    /// Index of the task in the graph.
    public var task: Int
    public var label: String
    /// Name of the manifest: what the job calls the stage.
    public var manifest: String
    /// argv with `${…}` references.
    public var command: [String]
    /// Folder of the manifest file.
    public var folder: String
    public var item: [Coordinate]
    public var inputs: [(port: String, files: [InputFile])]
    public var outputs: [(port: String, type: ArtifactType)]
    public var config: [String: ConfigValue]
    public var seed: UInt64
    public var resources: WorkGraph.Resources
    /// A private empty folder; outputs are written below it, on the store's file system.
    public var workFolder: String
    /// A folder that outlives this try and the whole run, made where it is not there; nil for a stage that cannot be resumed.
    public var checkpointFolder: String?
    public var logPath: String
    /// 1 for the first try; the log of a later one is appended.
    public var attempt: Int

    public init(
        task: Int, label: String, manifest: String, command: [String], folder: String, item: [Coordinate],
        inputs: [(port: String, files: [InputFile])], outputs: [(port: String, type: ArtifactType)],
        config: [String: ConfigValue], seed: UInt64, resources: WorkGraph.Resources, workFolder: String,
        checkpointFolder: String? = nil, logPath: String, attempt: Int
    ) {
        self.task = task
        self.label = label
        self.manifest = manifest
        self.command = command
        self.folder = folder
        self.item = item
        self.inputs = inputs
        self.outputs = outputs
        self.config = config
        self.seed = seed
        self.resources = resources
        self.workFolder = workFolder
        self.checkpointFolder = checkpointFolder
        self.logPath = logPath
        self.attempt = attempt
    }
}

/// Why a task failed: a value, not a throw, so that its siblings go on.
public struct TaskFailure: Codable, Sendable, Equatable, Error {
    public enum Code: String, Codable, Sendable {
        case programNotFound, couldNotStart, exited, signalled, timedOut, outputMissing, outputInvalid
        case sourceUnreadable, sourceChanged, publishing, cancelled
    }
    public var code: Code
    /// What happened, where, and what to do: one or two sentences.
    public var message: String
    /// The program's exit code or the signal's number, where there is one.
    public var status: Int32?
    /// Last lines of the log, broken bytes replaced.
    public var lastLines: [String]
    /// Whether another try may succeed.
    public var mayPass: Bool

    public init(
        code: Code, message: String, status: Int32? = nil, lastLines: [String] = [], mayPass: Bool = false
    ) {
        self.code = code
        self.message = message
        self.status = status
        self.lastLines = lastLines
        self.mayPass = mayPass
    }
}

/// What became of a started task.
public struct TaskResult: Sendable, Equatable {
    /// nil where the program succeeded and wrote what it should.
    public var failure: TaskFailure?
    /// Outputs in the order of the request's ports; empty after a failure.
    public var files: [Publication.ProducedFile]
    public var cpuSeconds: Double
    /// 0 where it ended before it could be measured.
    public var peakMemoryBytes: Int64

    public init(
        failure: TaskFailure? = nil, files: [Publication.ProducedFile] = [], cpuSeconds: Double = 0,
        peakMemoryBytes: Int64 = 0
    ) {
        self.failure = failure
        self.files = files
        self.cpuSeconds = cpuSeconds
        self.peakMemoryBytes = peakMemoryBytes
    }
}

public enum ExecutorEvent: Sendable {
    case progress(task: Int, ProgressMessage)
    case ended(task: Int, TaskResult)
}

/// Runs tasks for the engine, which calls it from one thread only (`wake` excepted) and decides itself what runs when.
public protocol TaskExecutor: AnyObject {
    /// Starts a task and returns at once. A task that cannot start ends with a failure at the next `waitForEvents`.
    func start(_ request: TaskRequest)

    /// Waits until something happened, `seconds` have passed (nil: no limit) or `wake` was called; gives what happened, in order.
    func waitForEvents(seconds: Double?) -> [ExecutorEvent]

    /// Asks a running task to stop (SIGTERM to all its processes), or makes it (SIGKILL). It still ends with an event.
    func stop(task: Int, force: Bool)

    /// Ends a present or the next `waitForEvents`. May be called from any thread.
    var wake: @Sendable () -> Void { get }
}

/// Time as the engine reads it; tests set it by hand.
public protocol EngineClock: AnyObject {
    /// Seconds of a clock that never jumps.
    var monotonicSeconds: Double { get }
    /// Seconds since 1970.
    var wallSeconds: Double { get }
}
