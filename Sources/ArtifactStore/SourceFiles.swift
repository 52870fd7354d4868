public import ContentHash
internal import Foundation
internal import GRDB
internal import Glibc
public import Scheduling
internal import Synchronization

/// Digests of source files, each hashed once and remembered by path, size, time of the last change, inode and device.
///
/// A file that was written within the grain of its file system's clock before it was hashed could change again without
/// leaving a trace; its digest is kept but not trusted the next time (`FileStamp.isRacy`).
public final class SourceFiles: SourceDigests {
    private let index: IndexHolder
    private let unsaved = Mutex<Unsaved>(Unsaved())

    private struct Unsaved {
        var entries: [String: Entry] = [:]
        var bytes: Int64 = 0
    }

    struct Entry: Sendable {
        var stamp: FileStamp
        var digest: Digest
        var isRacy: Bool
    }

    init(index: IndexHolder) { self.index = index }

    /// What is known without reading a file; see `SourceDigests`. One `stat` a file.
    public func known(_ paths: [String]) throws -> [SourceState] {
        guard !paths.isEmpty else { return [] }
        flush()
        let remembered = try index.use { try $0.sources(paths) }
        return paths.indices.map { position in
            let path = paths[position]
            var status = Glibc.stat()
            guard stat(path, &status) == 0 else { return .missing(message: SourceFiles.absence(path, errno)) }
            guard status.st_mode & S_IFMT == S_IFREG else {
                return .missing(message: "\(path) is \(SourceFiles.kind(status)), not a plain file.")
            }
            guard let entry = remembered[position], !entry.isRacy, entry.stamp == FileStamp(status) else {
                return .unknown
            }
            return .known(entry.digest)
        }
    }

    /// Reads and hashes a file and remembers its digest. One that changes while it is read is tried twice more.
    public func hash(_ path: String) throws -> Digest {
        var tries = 0
        while true {
            let begunNs = ArtifactStore.nowNs()
            do {
                let (digest, stamp) = try FileDigest.of(path: path)
                remember(path, Entry(stamp: stamp, digest: digest, isRacy: stamp.isRacy(atNs: begunNs)))
                return digest
            } catch {
                tries += 1
                guard error.code == .changedWhileRead, tries < 3 else { throw error }
            }
        }
    }

    /// The digests of many files, those that are not known hashed on all cores; errors stay with their file.
    public func digests(of paths: [String]) throws -> [Result<Digest, any Error>] {
        let states = try known(paths)
        return Array(zip(paths, states)).parallelMap { path, state in
            switch state {
            case .known(let digest): .success(digest)
            case .unknown: Result { try self.hash(path) }
            case .missing(let message):
                .failure(StoreError(.inputOutput, message, path: path))
            }
        }
    }

    private func remember(_ path: String, _ entry: Entry) {
        let due = unsaved.withLock { unsaved in
            unsaved.entries[path] = entry
            unsaved.bytes += entry.stamp.sizeBytes
            return unsaved.entries.count >= 512 || unsaved.bytes >= 1 << 28
        }
        if due { flush() }
    }

    /// Writes what was hashed since the last time. What a killed run has not written is hashed again: at most 512 files
    /// or 256 MiB and one file.
    func flush() {
        let entries = unsaved.withLock { unsaved in
            defer { unsaved = Unsaved() }
            return unsaved.entries
        }
        guard !entries.isEmpty else { return }
        // A digest that cannot be kept is hashed again the next time.
        try? index.use { try $0.insertSources(entries) }
    }

    private static func absence(_ path: String, _ number: Int32) -> String {
        switch number {
        case ENOENT: "\(path) does not exist."
        case ENOTDIR: "\(path) does not exist: a part of the path is a file."
        case EACCES: "\(path) may not be read by you."
        default: "\(path) cannot be read: \(String(cString: strerror(number)))."
        }
    }

    private static func kind(_ status: Glibc.stat) -> String {
        switch status.st_mode & S_IFMT {
        case S_IFDIR: "a folder"
        case S_IFIFO: "a pipe"
        case S_IFSOCK: "a socket"
        default: "a device"
        }
    }
}

extension StoreIndex {
    func sources(_ paths: [String]) throws -> [SourceFiles.Entry?] {
        func entry(_ row: Row) -> SourceFiles.Entry? {
            guard let digest = Digest(blob: row[5] as Data?) else { return nil }
            let stamp = FileStamp(
                sizeBytes: row[1], modifiedNs: row[2], inode: UInt64(bitPattern: row[3] as Int64),
                device: UInt64(bitPattern: row[4] as Int64))
            return SourceFiles.Entry(stamp: stamp, digest: digest, isRacy: row[6])
        }
        let columns = "path, size, modified, inode, device, digest, racy"
        return try queue.read { database in
            guard paths.count >= 1000 else {
                let statement = try database.cachedStatement(sql: "SELECT \(columns) FROM source WHERE path = ?")
                return try paths.map { try Row.fetchOne(statement, arguments: [$0]).flatMap(entry) }
            }
            // Many: one pass through the table in its own order, which is that of the paths' bytes.
            var found = [SourceFiles.Entry?](repeating: nil, count: paths.count)
            let order = paths.indices.sorted { paths[$0].utf8.lexicographicallyPrecedes(paths[$1].utf8) }
            var next = 0
            let cursor = try Row.fetchCursor(database, sql: "SELECT \(columns) FROM source ORDER BY path")
            while next < order.count, let row = try cursor.next() {
                let path: String = row[0]
                while next < order.count, paths[order[next]].utf8.lexicographicallyPrecedes(path.utf8) { next += 1 }
                while next < order.count, paths[order[next]].utf8.elementsEqual(path.utf8) {
                    found[order[next]] = entry(row)
                    next += 1
                }
            }
            return found
        }
    }

    func insertSources(_ entries: [String: SourceFiles.Entry]) throws {
        try queue.write { database in
            let statement = try database.cachedStatement(
                sql: """
                    INSERT OR REPLACE INTO source(path, size, modified, inode, device, digest, racy)
                    VALUES (?, ?, ?, ?, ?, ?, ?)
                    """)
            for (path, entry) in entries {
                try statement.execute(arguments: [
                    path, entry.stamp.sizeBytes, entry.stamp.modifiedNs, Int64(bitPattern: entry.stamp.inode),
                    Int64(bitPattern: entry.stamp.device), entry.digest.blob, entry.isRacy,
                ])
            }
        }
    }
}
