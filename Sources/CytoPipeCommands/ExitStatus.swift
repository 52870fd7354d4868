/// What the process tells its caller when it ends.
public enum ExitStatus: Int32, Sendable {
    case done = 0
    /// A task failed.
    case taskFailed = 1
    /// The pipeline or the arguments are wrong.
    case badInput = 2
    /// The store or a file could not be read or written.
    case inputOutput = 3
    /// A defect of this program.
    case defect = 70
    case interrupted = 130
}

/// Ends a command with a status; the message, where there is one, goes to stderr.
struct CommandFailure: Error {
    var status: ExitStatus
    var message: String?

    init(_ status: ExitStatus, _ message: String? = nil) {
        self.status = status
        self.message = message
    }
}
