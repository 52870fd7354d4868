/// Why two volumes cannot be registered: what, where, and what to do.
public struct VolumeRegistrationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Kinds of failure that a caller may tell apart.
    public enum Code: String, Sendable {
        /// There is no tissue to register.
        case empty
        /// A value is not a number, or not a share of tissue.
        case badValue
        /// A grid is too small, or its map to mm is singular.
        case badGrid
        /// A setting is outside its range.
        case badSetting
        /// Nothing that was tried brings the two together.
        case noMatch
        /// The map found would fold space.
        case notInvertible
    }

    public var code: Code
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
