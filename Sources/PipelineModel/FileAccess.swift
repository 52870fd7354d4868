internal import Glibc

/// What reading a pipeline needs of a disk; tests put a dictionary in its place.
public protocol FileAccess {
    /// The bytes of a file, or nil with no file there; throws where it cannot be read or is larger than `limit` bytes.
    func read(_ path: String, limit: Int) throws(FileAccessError) -> [UInt8]?
    /// The names in a folder in any order, or nil with no folder there.
    func list(_ folder: String) -> [String]?
    /// Whether a regular file stands there.
    func isFile(_ path: String) -> Bool
    /// The working directory, absolute.
    var workingDirectory: String { get }
}

/// Why a file could not be read, as a sentence.
public struct FileAccessError: Error {
    public var message: String

    public init(_ message: String) { self.message = message }
}

/// The real disk.
public struct DiskFiles: FileAccess {
    public init() {}

    public func read(_ path: String, limit: Int) throws(FileAccessError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw FileAccessError("cannot be opened: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileAccessError("cannot be read") }
        guard status.st_mode & S_IFMT == S_IFREG else { throw FileAccessError("is no regular file") }
        guard status.st_size <= limit else {
            throw FileAccessError("has \(status.st_size) bytes; at most \(limit) are read")
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes { buffer in
                Glibc.read(descriptor, buffer.baseAddress.map { $0 + filled }, buffer.count - filled)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileAccessError("cannot be read: \(String(cString: strerror(errno)))") }
            if count == 0 { break }
            filled += count
        }
        bytes.removeLast(bytes.count - filled)
        return bytes
    }

    public func list(_ folder: String) -> [String]? {
        guard let stream = opendir(folder) else { return nil }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }

    public func isFile(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    }

    public var workingDirectory: String {
        guard let buffer = getcwd(nil, 0) else { return "/" }
        defer { free(buffer) }
        return String(cString: buffer)
    }
}
