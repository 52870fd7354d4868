internal import FoundationEssentials
internal import Glibc
internal import StageKit

/// A new file that is written piece by piece.
final class ByteSink {
    private let path: String
    private var stream: UnsafeMutablePointer<FILE>?

    init(path: String) throws {
        self.path = path
        guard let stream = fopen(path, "wb") else {
            throw StageError(.inputOutput, "cannot be written; does its folder exist?", file: path)
        }
        self.stream = stream
    }

    deinit {
        if let stream { fclose(stream) }
    }

    func append(_ data: Data) throws {
        guard let stream else { return }
        let written = data.withUnsafeBytes { fwrite($0.baseAddress, 1, $0.count, stream) }
        guard written == data.count else { throw full }
    }

    /// Ends the file; the way to learn of a full disk.
    func close() throws {
        guard let stream else { return }
        self.stream = nil
        guard fclose(stream) == 0 else { throw full }
    }

    private var full: StageError {
        StageError(.inputOutput, "cannot be written to its end; is the disk full?", file: path)
    }
}

/// The first bytes of a file.
enum FileHandleStart {
    static func bytes(of path: String, count: Int) -> [UInt8]? {
        guard let stream = fopen(path, "rb") else { return nil }
        defer { fclose(stream) }
        var bytes = [UInt8](repeating: 0, count: count)
        let read = fread(&bytes, 1, count, stream)
        return Array(bytes.prefix(read))
    }
}
