/// What is wrong with the data or settings of an analysis, said so that the user can mend it.
public struct StatisticsError: Error, Equatable, CustomStringConvertible, Sendable {
    /// The kinds of mistake.
    public enum Code: Sendable {
        /// More components, clusters, neighbours or folds than the points allow, or no points at all.
        case tooFewPoints
        /// A value that is NaN or infinite.
        case notFinite
        /// A setting outside its range.
        case badSetting
        /// Labels that make the task meaningless, such as a single class.
        case badLabels
        /// An iteration or a LAPACK routine that gave up.
        case noConvergence
    }

    public var code: Code
    /// What, which value, and what to do.
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
