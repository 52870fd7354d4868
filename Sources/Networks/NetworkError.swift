/// What went wrong in building, loading or training a network.
public struct NetworkError: Error, Sendable, CustomStringConvertible {
    /// The kind of mistake, for callers that act on it.
    public enum Code: String, Sendable {
        /// Sizes that no network can have.
        case invalidShape
        /// Stored tensors that are not this network's.
        case mismatch
        /// Data that cannot be learned from, such as positions that are not numbers.
        case invalidData
        /// The loss or a gradient is not a number.
        case diverged
    }

    public let code: Code
    /// What is wrong, with which value, and what to do.
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
