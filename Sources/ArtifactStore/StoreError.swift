/// What went wrong in a store: which file, what about it, and what to do.
public struct StoreError: Error, Sendable, Equatable {
    /// The kind of failure, for programs.
    public enum Code: String, Sendable {
        /// A file or folder could not be read or written.
        case inputOutput
        /// The folder is not a store, or one of a format that this program does not know.
        case notAStore
        /// Bytes are not what their name or digest says.
        case damaged
        /// No artifact, action or task answers to that name.
        case notFound
        /// A prefix or label fits several.
        case ambiguous
        /// Another process holds what this one needs.
        case busy
        /// A file changed while it was read.
        case changedWhileRead
        /// A stage ended well but did not write what it promised.
        case outputMissing
    }

    public var code: Code
    /// A sentence or two: what, where, what to do.
    public var message: String
    /// The file or folder that it is about.
    public var path: String?
    /// What the system said.
    public var cause: String?

    public init(_ code: Code, _ message: String, path: String? = nil, cause: String? = nil) {
        self.code = code
        self.message = message
        self.path = path
        self.cause = cause
    }
}

extension StoreError: CustomStringConvertible {
    public var description: String {
        var text = message
        if let path, !message.contains(path) { text += " (\(path))" }
        if let cause { text += ": \(cause)" }
        return text
    }
}
