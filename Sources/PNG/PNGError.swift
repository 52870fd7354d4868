/// Why a PNG file could not be read or written.
public struct PNGError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// The file is absent, not a PNG, damaged or cut off.
        case unreadable
        /// The image is larger than allowed.
        case tooLarge
        /// The file could not be written.
        case unwritable
    }

    public let code: Code
    public let file: String
    /// What is wrong, in libpng's words where it was the one to notice.
    public let problem: String

    public var description: String { "\(file): \(problem)" }
}
