public import StageProtocol

/// What the engine tells while it runs, for a terminal or a log. Tasks are indices into the graph.
public enum RunEvent: Sendable {
    /// The first look at the store is done: this many tasks are up to date, must run, or may have to.
    case planned(upToDate: Int, mustRun: Int, mayRun: Int)
    /// These were found up to date after `planned` (early cut-off, or another run did them).
    case upToDate(tasks: [Int])
    case started(task: Int, reason: RunReason, attempt: Int)
    case progress(task: Int, ProgressMessage)
    /// Succeeded and published. `unchanged`: all outputs are the same bytes as those of its last run.
    case finished(task: Int, seconds: Double, cpuSeconds: Double, peakMemoryBytes: Int64, unchanged: Bool)
    /// A try failed and another one follows.
    case retrying(task: Int, failure: TaskFailure, attempt: Int)
    case failed(task: Int, failure: TaskFailure, logPath: String)
    /// Not run because `cause`, which it needs, failed, was left out or was cancelled.
    case skipped(task: Int, cause: Int)
    /// Another run on the same store is doing this task; its result will be taken over.
    case waitingForOtherRun(task: Int)
    /// The run was asked to stop; running tasks are being ended.
    case stopping
}

/// Listens to a run. Called on the engine's thread: return at once.
public protocol RunObserver: AnyObject {
    func handle(_ event: RunEvent)
}
