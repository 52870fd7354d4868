/// What went wrong in libtorch: a code, the operation, and libtorch's own sentence.
public struct TorchError: Error, Sendable, CustomStringConvertible {
    /// The kind of mistake, for callers that act on it.
    public enum Code: String, Sendable {
        /// Shapes, element types or devices do not fit the operation.
        case invalid
        /// There is not enough memory on the device: a smaller batch, or checkpoints, may help.
        case outOfMemory
        /// Anything else that libtorch threw.
        case failed
    }

    public let code: Code
    /// The operation, by the name of the Swift function.
    public let operation: String
    /// libtorch's sentence, without its C++ stack.
    public let message: String

    public init(_ code: Code, operation: String, message: String) {
        self.code = code
        self.operation = operation
        self.message = message
    }

    public var description: String { "\(operation): \(message)" }
}
