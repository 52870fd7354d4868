internal import StageProtocol

/// Why a stage could not do its work: what, where, and what to do about it.
///
/// The worker puts the stage and its item in front, so that the whole line reads
/// `section-keypoints[brain=B01,section=0012]: labels: /store/ab12.h5: holds no tissue; check the stain`.
public struct StageError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// The job or its config is not what the stage expects.
        case badJob
        /// An input holds something that the stage cannot work with.
        case badInput
        /// The computation came to nothing (no tissue, no matches, no convergence).
        case noResult
        /// A file could not be read or written; another try may succeed.
        case inputOutput
        /// What the stage wrote is not what its manifest declares: a defect of the stage.
        case badOutput
    }

    public let code: Code
    public let message: String
    /// The input or output port, where one is meant.
    public var port: String?
    /// The file, where one is meant.
    public var file: String?

    public init(_ code: Code, _ message: String, port: String? = nil, file: String? = nil) {
        self.code = code
        self.message = message
        self.port = port
        self.file = file
    }

    public var description: String {
        [port, file, message].compactMap { $0 }.joined(separator: ": ")
    }

    /// The worker's exit code for this error.
    var exitCode: Int32 {
        switch code {
        case .badJob: WorkerExit.badJob
        case .badInput, .noResult: WorkerExit.failed
        case .inputOutput: WorkerExit.inputOutput
        case .badOutput: WorkerExit.defect
        }
    }
}
