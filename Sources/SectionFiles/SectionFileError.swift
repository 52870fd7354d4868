internal import JPEG
internal import PNG
internal import TIFF

/// Why a section's scan could not be read: the file, what is wrong, and what to do where that is known.
public struct SectionFileError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// The file is absent, empty, of another format, damaged or cut off.
        case unreadable
        /// The file is of a known format but a kind that is not read.
        case unsupported
        /// The file declares, or the request needs, more than is allowed.
        case tooLarge
        /// Nothing says how large a pixel is.
        case noPixelSize
        /// A place that was asked for lies outside the scan.
        case outside
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

    /// Runs `body` with the readers' errors turned into this one.
    static func translating<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as TIFFError {
            let code: Code =
                switch error.code {
                case .unsupported: .unsupported
                case .tooLarge: .tooLarge
                case .unreadable, .unwritable: .unreadable
                }
            throw SectionFileError(code, file: error.file, problem: error.problem)
        } catch let error as PNGError {
            throw SectionFileError(
                error.code == .tooLarge ? .tooLarge : .unreadable, file: error.file, problem: error.problem)
        } catch let error as JPEGError {
            throw SectionFileError(
                error.code == .tooLarge ? .tooLarge : .unreadable, file: error.file, problem: error.problem)
        }
    }
}
