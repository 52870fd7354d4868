public import ContentHash
internal import Glibc

/// SHA-256 of a file's bytes, read once in order.
public enum FileDigest {
    /// A quarter of a megabyte stays in the second-level cache between reading and hashing.
    static let bufferBytes = 1 << 18

    /// The digest of the file at `path` and the stamp it had, checked to be the same before and after reading.
    ///
    /// - Throws: `StoreError` where the file cannot be read, is no plain file, or changed while it was read.
    public static func of(path: String) throws(StoreError) -> (digest: Digest, stamp: FileStamp) {
        let descriptor = try Posix.open(path, O_RDONLY)
        defer { close(descriptor) }
        return try of(descriptor: descriptor, path: path)
    }

    static func of(descriptor: Int32, path: String) throws(StoreError) -> (digest: Digest, stamp: FileStamp) {
        var status = Glibc.stat()
        guard fstat(descriptor, &status) == 0 else { throw Posix.failure("examine", path) }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw StoreError(.inputOutput, "\(path) is not a plain file.", path: path)
        }
        let stamp = FileStamp(status)
        let capacity = min(bufferBytes, max(Int(status.st_size), 1))
        if capacity == bufferBytes { posix_fadvise(descriptor, 0, 0, POSIX_FADV_SEQUENTIAL) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: capacity, alignment: 64)
        defer { buffer.deallocate() }
        var hasher = ContentHasher()
        var total: Int64 = 0
        while true {
            let count = Posix.retrying { read(descriptor, buffer.baseAddress, buffer.count) }
            guard count >= 0 else { throw Posix.failure("read", path) }
            if count == 0 { break }
            hasher.update(UnsafeRawBufferPointer(rebasing: buffer[0..<count]))
            total += Int64(count)
        }
        guard fstat(descriptor, &status) == 0 else { throw Posix.failure("examine", path) }
        guard FileStamp(status) == stamp, total == stamp.sizeBytes else {
            throw StoreError(
                .changedWhileRead, "\(path) changed while it was read; wait until it is written and try again.",
                path: path)
        }
        return (hasher.finalize(), stamp)
    }
}
