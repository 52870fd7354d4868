internal import Glibc

/// The system's words for an error number.
func systemMessage(_ error: Int32) -> String { String(cString: strerror(error)) }

/// Writes a small text file; nil or the system's error number.
func writeFile(_ text: String, to path: String) -> Int32? {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { return errno }
    defer { close(descriptor) }
    var text = text
    return text.withUTF8 { bytes -> Int32? in
        var done = 0
        while done < bytes.count {
            let count = write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done)
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return errno }
            done += count
        }
        return nil
    }
}

/// The last lines of a log, at most `limit`; bytes that are no UTF-8 are replaced.
func lastLines(of path: String, limit: Int = 12) -> [String] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    let window = 8192
    let size = Int(lseek(descriptor, 0, SEEK_END))
    let start = max(0, size - window)
    var bytes = [UInt8](repeating: 0, count: min(window, max(size, 0)))
    let count = pread(descriptor, &bytes, bytes.count, start)
    guard count > 0 else { return [] }
    var lines = bytes[..<count].split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") })
    // The window may begin inside a line.
    if start > 0 && lines.count > 1 { lines.removeFirst() }
    return lines.suffix(limit).map { String(decoding: $0.suffix(1000), as: UTF8.self) }
        .filter { !$0.allSatisfy(\.isWhitespace) }
}

/// Makes a folder and those above it; gives the error where it is not there then.
func makeFolders(_ path: String) -> Int32? {
    if mkdir(path, 0o755) == 0 || errno == EEXIST { return nil }
    guard errno == ENOENT, let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return errno }
    if let error = makeFolders(String(path[..<slash])) { return error }
    return mkdir(path, 0o755) == 0 || errno == EEXIST ? nil : errno
}
