/// One text file that was read, kept so that a mistake in it can be shown with its line.
public final class SourceFile: Sendable {
    /// The path as the user would write it.
    public let path: String
    let bytes: [UInt8]

    public init(path: String, bytes: [UInt8]) {
        self.path = path
        self.bytes = bytes
    }

    /// A text that stands in no file, for example an option of the command line.
    public convenience init(path: String, text: String) {
        self.init(path: path, bytes: Array(text.utf8))
    }

    /// The folder part of the path, `.` where it has none.
    public var folder: String { FilePaths.folder(of: path) }

    /// The text of one line, counted from 1, without its line break; nil past the end.
    public func line(_ number: Int) -> String? {
        var start = 0
        var current = 1
        while current < number {
            guard let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
            start = end + 1
            current += 1
        }
        let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) ?? bytes.endIndex
        var line = bytes[start..<end]
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        return String(decoding: line, as: UTF8.self)
    }
}

/// A place in a source file: line and column from 1, and how many characters of the line it spans.
public struct Mark: Sendable {
    public var file: SourceFile
    public var line: Int32
    public var column: Int32
    public var length: Int32

    public init(file: SourceFile, line: Int = 1, column: Int = 1, length: Int = 1) {
        self.file = file
        self.line = Int32(clamping: line)
        self.column = Int32(clamping: column)
        self.length = Int32(clamping: max(1, length))
    }

    /// `file:line:column`, as editors and terminals understand it.
    public var text: String { "\(file.path):\(line):\(column)" }

    /// The part of this span that begins `offset` characters further right.
    func advanced(by offset: Int, length: Int) -> Mark {
        Mark(file: file, line: Int(line), column: Int(column) + offset, length: length)
    }
}

/// A value together with the place where it stands.
public struct Located<Value> {
    public var value: Value
    public var mark: Mark

    public init(_ value: Value, at mark: Mark) {
        self.value = value
        self.mark = mark
    }
}

extension Located: Sendable where Value: Sendable {}
