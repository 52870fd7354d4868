/// What went wrong with an HDF5 file: a code, and a message that says where and what.
public struct HDF5Error: Error, Sendable, CustomStringConvertible {
    /// The kind of mistake, for callers that act on it.
    public enum Code: String, Sendable {
        /// The file is absent or may not be opened.
        case cannotOpen
        /// The file is not HDF5, or is damaged or cut off.
        case notHDF5
        /// A dataset, group or attribute is absent.
        case missing
        /// The element type in the file is not one that was asked for.
        case wrongType
        /// The shape in the file or the region asked for does not fit.
        case wrongShape
        /// The library could not read or write (damaged data, full disk).
        case inputOutput
    }

    public let code: Code
    /// The file.
    public let file: String
    /// Path of the dataset or group in the file, or of the attribute as `/path@name`; empty where the file as a whole is meant.
    public let object: String
    /// What is wrong and, where it is known, what to do.
    public let problem: String
    /// The innermost sentence of HDF5's own error stack; empty where the library was not involved.
    public let cause: String

    public init(_ code: Code, file: String, object: String = "", problem: String, cause: String = "") {
        self.code = code
        self.file = file
        self.object = object
        self.problem = problem
        self.cause = cause
    }

    public var description: String {
        let place = object.isEmpty ? file : "\(file): \(object)"
        return cause.isEmpty ? "\(place): \(problem)" : "\(place): \(problem) (HDF5: \(cause))"
    }
}
