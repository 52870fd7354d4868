/// What is wrong with a transform file: a code, and a message that says where and what.
public struct TransformFileError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// The file is absent or may not be read.
        case cannotOpen
        /// The file is none of the kinds that are read here.
        case unknownFormat
        /// The kind is known, but not this transform in it.
        case unsupported
        /// The file is cut off or contradicts itself.
        case damaged
        /// The matrix has no inverse: no map between two spaces.
        case singular
        /// A value is infinite or not a number.
        case notFinite
        /// The file holds several transforms that are not one composite.
        case severalTransforms
        /// The file could not be written.
        case inputOutput
    }

    public let code: Code
    public let file: String
    /// What is wrong and what to do.
    public let problem: String

    public init(_ code: Code, file: String, problem: String) {
        self.code = code
        self.file = file
        self.problem = problem
    }

    public var description: String { "\(file): \(problem)" }
}
