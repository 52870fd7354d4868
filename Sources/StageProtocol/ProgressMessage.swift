/// What a worker says while it works: one JSON object a line on the job's progress descriptor.
public struct ProgressMessage: Codable, Sendable, Equatable {
    /// How much is done, 0 to 1.
    public var fraction: Double?
    /// What is being done now, for example "CLAHE".
    public var step: String?
    /// Figures worth keeping with the task's record, for example ["inliers": 212].
    public var figures: [String: Double]?
    /// A warning that the user should see though the stage goes on.
    public var warning: String?

    public init(
        fraction: Double? = nil, step: String? = nil, figures: [String: Double]? = nil, warning: String? = nil
    ) {
        self.fraction = fraction
        self.step = step
        self.figures = figures
        self.warning = warning
    }
}

/// Exit codes of a worker.
public enum WorkerExit {
    public static let success: Int32 = 0
    /// The stage failed for a reason that its message tells; another try would fail the same way.
    public static let failed: Int32 = 1
    /// The job file or config is not what the stage expects.
    public static let badJob: Int32 = 2
    /// A file could not be read or written; another try may succeed.
    public static let inputOutput: Int32 = 3
    /// A defect of the worker.
    public static let defect: Int32 = 70
}

/// Commands of a worker that the runner gives it, beside the names of stages.
public enum WorkerCommand {
    /// Stay loaded, and split off a process for each start that comes over the socket at descriptor 3.
    public static let serveStarts = "serve-starts"
}
