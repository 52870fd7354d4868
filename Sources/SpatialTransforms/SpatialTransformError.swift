/// What is wrong with a transform: a code and a sentence.
public struct SpatialTransformError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// A matrix has no inverse.
        case singular
        /// A number is infinite or not a number.
        case notFinite
        /// The number of values does not fit the grid.
        case wrongShape
    }

    public let code: Code
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
