public import ContentHash

/// How a run may use the machine and what it does about failures; nothing of this enters a key.
public struct RunOptions: Sendable {
    /// All running tasks together get no more than this.
    public var cores: Int
    public var memoryBytes: Int64
    public var gpus: Int
    /// How many tasks run at once at most.
    public var jobs: Int
    /// After a failure go on with everything that does not need the failed task; otherwise only let running tasks finish.
    public var keepGoing: Bool
    public var modes: TaskModes
    /// Seconds between SIGTERM and SIGKILL.
    public var graceSeconds: Double
    /// How often to look whether another run is through with a task.
    public var lockPollSeconds: Double
    /// Threads that publish outputs; 0 publishes on the engine's own thread.
    public var publishLanes: Int
    /// Threads that hash source files.
    public var hashLanes: Int

    public init(
        cores: Int, memoryBytes: Int64, gpus: Int = 0, jobs: Int = .max, keepGoing: Bool = false,
        modes: TaskModes = TaskModes(), graceSeconds: Double = 10, lockPollSeconds: Double = 0.1,
        publishLanes: Int = 2, hashLanes: Int = 2
    ) {
        self.cores = cores
        self.memoryBytes = memoryBytes
        self.gpus = gpus
        self.jobs = jobs
        self.keepGoing = keepGoing
        self.modes = modes
        self.graceSeconds = graceSeconds
        self.lockPollSeconds = lockPollSeconds
        self.publishLanes = publishLanes
        self.hashLanes = hashLanes
    }
}

/// What became of a task in a run.
public enum TaskStatus: UInt8, Sendable {
    /// Not reached: the run stopped before.
    case pending
    /// In the queue, or waiting for another run that does the same task.
    case ready
    case running
    case publishing
    case upToDate
    /// Ran and was published in this run.
    case executed
    case failed
    /// Needs a task that failed or was left out.
    case skipped
    case leftOut
    /// Was running when the run was asked to stop.
    case cancelled
}

/// The outcome of a run.
public struct RunSummary: Sendable {
    public var statuses: [TaskStatus]
    public var failures: [Int: TaskFailure]
    public var wasCancelled: Bool
    public var seconds: Double
    /// Keys of the tasks that are up to date or were executed; nil for others.
    public var keys: [Digest?] = []

    /// How many tasks ended so.
    public func count(_ status: TaskStatus) -> Int { statuses.reduce(0) { $0 + ($1 == status ? 1 : 0) } }

    /// Every task is up to date, was executed, or was left out on purpose.
    public var isComplete: Bool {
        statuses.allSatisfy { $0 == .upToDate || $0 == .executed || $0 == .leftOut }
    }
}
