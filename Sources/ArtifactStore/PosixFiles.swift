internal import Glibc

/// Plain system calls with the store's errors. Every call retries when a signal interrupts it.
enum Posix {
    /// The error for a call that just failed.
    static func failure(_ doing: String, _ path: String, _ number: Int32 = errno) -> StoreError {
        let advice: String
        switch number {
        case EACCES, EPERM, EROFS: advice = " The folder must be writable by you."
        case ENOSPC, EDQUOT: advice = " Free some space: `cyto-pipe gc` shows what a store can spare."
        case ENOTDIR: advice = " A file stands where a folder is needed."
        case EMFILE, ENFILE: advice = " Too many files are open: raise `ulimit -n`."
        default: advice = ""
        }
        return StoreError(
            .inputOutput, "Cannot \(doing) \(path).\(advice)", path: path, cause: String(cString: strerror(number)))
    }

    static func retrying<Result: SignedInteger>(_ call: () -> Result) -> Result {
        while true {
            let result = call()
            if result != -1 || errno != EINTR { return result }
        }
    }

    /// Opens a file; the descriptor is never inherited by a worker.
    static func open(_ path: String, _ flags: Int32, mode: mode_t = 0o644) throws(StoreError) -> Int32 {
        let descriptor = retrying { Glibc.open(path, flags | O_CLOEXEC, mode) }
        guard descriptor >= 0 else {
            throw failure(flags & (O_WRONLY | O_RDWR) == 0 ? "open" : "write to", path)
        }
        return descriptor
    }

    /// The whole file, or nil where there is none.
    static func contents(of path: String) throws(StoreError) -> [UInt8]? {
        let descriptor = retrying { Glibc.open(path, O_RDONLY | O_CLOEXEC) }
        if descriptor < 0 {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw failure("open", path)
        }
        defer { close(descriptor) }
        var status = Glibc.stat()
        guard fstat(descriptor, &status) == 0 else { throw failure("examine", path) }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size) + 1)
        var filled = 0
        while true {
            if filled == bytes.count { bytes.append(contentsOf: repeatElement(0, count: bytes.count)) }
            let room = bytes.count - filled
            let count = bytes.withUnsafeMutableBytes { buffer in
                retrying { Glibc.read(descriptor, buffer.baseAddress.map { $0 + filled }, room) }
            }
            guard count >= 0 else { throw failure("read", path) }
            if count == 0 { break }
            filled += count
        }
        bytes.removeLast(bytes.count - filled)
        return bytes
    }

    static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, path: String) throws(StoreError) {
        var done = 0
        while done < bytes.count {
            let count = retrying { Glibc.write(descriptor, bytes.baseAddress.map { $0 + done }, bytes.count - done) }
            guard count >= 0 else { throw failure("write to", path) }
            done += count
        }
    }

    /// Writes a new file and brings its bytes to the disk; the caller renames it into place.
    static func writeSynced(_ bytes: [UInt8], to path: String, mode: mode_t = 0o644) throws(StoreError) {
        try write(bytes, to: path, mode: mode, synced: true)
    }

    /// Writes a new file and leaves it to the system when its bytes reach the disk.
    static func writePlain(_ bytes: [UInt8], to path: String, mode: mode_t = 0o644) throws(StoreError) {
        try write(bytes, to: path, mode: mode, synced: false)
    }

    private static func write(
        _ bytes: [UInt8], to path: String, mode: mode_t, synced: Bool
    ) throws(StoreError) {
        let descriptor = try open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        defer { close(descriptor) }
        let written = bytes.withUnsafeBytes { buffer in
            Result { () throws(StoreError) in try write(buffer, to: descriptor, path: path) }
        }
        try written.get()
        guard synced else { return }
        guard retrying({ fsync(descriptor) }) == 0 else { throw failure("write to", path) }
    }

    /// Copies a file's bytes into a new file.
    static func copy(_ path: String, to target: String, mode: mode_t = 0o644) throws(StoreError) {
        let from = try open(path, O_RDONLY)
        defer { close(from) }
        let to = try open(target, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        defer { close(to) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 64)
        defer { buffer.deallocate() }
        while true {
            let count = retrying { read(from, buffer.baseAddress, buffer.count) }
            guard count >= 0 else { throw failure("read", path) }
            if count == 0 { return }
            try write(UnsafeRawBufferPointer(rebasing: buffer[0..<count]), to: to, path: target)
        }
    }

    static func rename(_ from: String, to path: String) throws(StoreError) {
        guard Glibc.rename(from, path) == 0 else { throw failure("move a file to", path) }
    }

    /// Makes a folder and those above it; one that stands already is fine.
    static func makeFolder(_ path: String) throws(StoreError) {
        if mkdir(path, 0o777) == 0 { return }
        switch errno {
        case EEXIST:
            guard isFolder(path) else { throw failure("make the folder", path, ENOTDIR) }
        case ENOENT:
            let parent = path.parentFolder
            guard parent != path else { throw failure("make the folder", path) }
            try makeFolder(parent)
            guard mkdir(path, 0o777) == 0 || (errno == EEXIST && isFolder(path)) else {
                throw failure("make the folder", path)
            }
        default: throw failure("make the folder", path)
        }
    }

    static func isFolder(_ path: String) -> Bool {
        var status = Glibc.stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Whether anything has that name; a dangling link counts.
    static func exists(_ path: String) -> Bool {
        var status = Glibc.stat()
        return lstat(path, &status) == 0
    }

    /// Names in a folder but `.` and `..`, sorted; empty where there is no such folder.
    static func names(in folder: String) throws(StoreError) -> [String] {
        guard let stream = opendir(folder) else {
            if errno == ENOENT { return [] }
            throw failure("list", folder)
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        names.sort()
        return names
    }

    /// Removes a file or a whole folder, also one that a worker made read-only; says whether nothing is left.
    @discardableResult
    static func removeTree(_ path: String) -> Bool {
        if unlink(path) == 0 || errno == ENOENT { return true }
        guard errno == EISDIR || errno == EPERM || errno == EACCES else { return false }
        if rmdir(path) == 0 { return true }
        chmod(path, 0o700)
        for name in (try? names(in: path)) ?? [] { removeTree(path + "/" + name) }
        return rmdir(path) == 0
    }

    /// Brings a folder's entries to the disk.
    static func syncFolder(_ path: String) throws(StoreError) {
        let descriptor = try open(path, O_RDONLY | O_DIRECTORY)
        defer { close(descriptor) }
        guard retrying({ fsync(descriptor) }) == 0 else { throw failure("write to", path) }
    }
}

extension String {
    /// The folder part of a path: of `a/b` it is `a`, of `a` it is `.`, of `/a` it is `/`.
    var parentFolder: String {
        guard let slash = utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == startIndex ? "/" : String(self[..<slash])
    }
}
