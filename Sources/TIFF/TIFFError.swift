/// Why a TIFF file could not be read or written.
public struct TIFFError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// The file is absent, not a TIFF, damaged or cut off.
        case unreadable
        /// The file is a TIFF of a kind that is not read (a compression or sample layout).
        case unsupported
        /// The file declares sizes that it cannot hold, or more than is allowed.
        case tooLarge
        /// The file could not be written.
        case unwritable
    }

    public let code: Code
    public let file: String
    public let problem: String

    public init(_ code: Code, file: String, problem: String) {
        self.code = code
        self.file = file
        self.problem = problem
    }

    public var description: String { "\(file): \(problem)" }
}
