/// What went wrong with a NIfTI file: a code, and a message that says where and what.
public struct NIfTIError: Error, Sendable, CustomStringConvertible {
    /// The kind of mistake, for callers that act on it.
    public enum Code: String, Sendable {
        /// The file is absent or may not be opened.
        case cannotOpen
        /// The file is not NIfTI-1 or NIfTI-2.
        case notNIfTI
        /// The header contradicts itself or holds nonsense (dimensions, matrix).
        case badHeader
        /// The file ends before its data do, or its compressed data are damaged.
        case truncated
        /// A kind of voxel that is not read here (complex numbers, colours).
        case unsupported
        /// A value does not fit the type that was asked for, or the shape is not the one expected.
        case wrongType
        /// The file could not be written.
        case inputOutput
    }

    public let code: Code
    /// The file.
    public let file: String
    /// What is wrong and, where it is known, what to do.
    public let problem: String

    public init(_ code: Code, file: String, problem: String) {
        self.code = code
        self.file = file
        self.problem = problem
    }

    public var description: String { "\(file): \(problem)" }
}
