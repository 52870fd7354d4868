internal import ContentHash
internal import Foundation
internal import GRDB
internal import Glibc
internal import Scheduling

/// The SQLite index: fast answers to questions that the records could answer too. Anything in it may be lost or thrown
/// away; the store makes it again from its records.
final class StoreIndex: Sendable {
    /// Goes up when a table changes; an index of another version is made again.
    static let schemaVersion = 1

    let queue: DatabaseQueue
    /// Which file was opened: another process may have put a new one in its place.
    let inode: UInt64

    /// Opens the index and makes its tables where there are none.
    ///
    /// - Parameter path: nil for an index in memory, for stores that cannot be written.
    /// - Throws: GRDB's `DatabaseError`; the store decides whether a new index helps.
    init(path: String?) throws {
        var configuration = Configuration()
        configuration.busyMode = .timeout(30)
        configuration.foreignKeysEnabled = false
        configuration.label = "cyto-pipe index"
        configuration.prepareDatabase { database in
            // Not `configuration.journalMode`: that writes, and syncs, a page at every opening to make sure of a -wal file.
            if path != nil { try database.execute(sql: "PRAGMA journal_mode = WAL") }
            // Durable at checkpoints only: after a power cut the last commits may be missing, and the records have them.
            try database.execute(sql: "PRAGMA synchronous = NORMAL")
            try database.execute(sql: "PRAGMA temp_store = MEMORY")
        }
        queue =
            try path.map { try DatabaseQueue(path: $0, configuration: configuration) }
            ?? DatabaseQueue(configuration: configuration)
        inode = path.flatMap(StoreIndex.inode(of:)) ?? 0
    }

    static func inode(of path: String) -> UInt64? {
        var status = Glibc.stat()
        return stat(path, &status) == 0 ? UInt64(status.st_ino) : nil
    }

    /// The version that the file says it has: 0 for an empty one.
    func version() throws -> Int {
        try queue.read { try Int.fetchOne($0, sql: "PRAGMA user_version") ?? 0 }
    }

    func makeTables() throws {
        try queue.write { database in
            try database.execute(
                sql: """
                    CREATE TABLE IF NOT EXISTS action(
                        key BLOB PRIMARY KEY, manifest TEXT NOT NULL, ended REAL NOT NULL, outputs BLOB NOT NULL
                    ) WITHOUT ROWID;
                    CREATE TABLE IF NOT EXISTS output(
                        digest BLOB NOT NULL, key BLOB NOT NULL, PRIMARY KEY(digest, key)
                    ) WITHOUT ROWID;
                    -- key: of the newest success; failed: of a later run that failed
                    CREATE TABLE IF NOT EXISTS task(
                        pipeline TEXT NOT NULL, label TEXT NOT NULL, key BLOB, failed BLOB, ended REAL NOT NULL,
                        PRIMARY KEY(pipeline, label)
                    ) WITHOUT ROWID;
                    CREATE TABLE IF NOT EXISTS source(
                        path TEXT PRIMARY KEY, size INTEGER NOT NULL, modified INTEGER NOT NULL, inode INTEGER NOT NULL,
                        device INTEGER NOT NULL, digest BLOB NOT NULL, racy INTEGER NOT NULL
                    ) WITHOUT ROWID;
                    CREATE TABLE IF NOT EXISTS duration(manifest TEXT PRIMARY KEY, seconds REAL NOT NULL) WITHOUT ROWID;
                    CREATE TABLE IF NOT EXISTS pipeline(name TEXT PRIMARY KEY, fingerprint BLOB NOT NULL) WITHOUT ROWID;
                    PRAGMA user_version = \(StoreIndex.schemaVersion);
                    """)
        }
    }

    /// Enters finished actions; `current` says whether they are also the newest of their labels.
    func insert(_ entries: [Entry], in database: Database, current: Bool) throws {
        let action = try database.cachedStatement(
            sql: "INSERT OR REPLACE INTO action(key, manifest, ended, outputs) VALUES (?, ?, ?, ?)")
        let output = try database.cachedStatement(sql: "INSERT OR IGNORE INTO output(digest, key) VALUES (?, ?)")
        let task = try database.cachedStatement(
            sql: """
                INSERT INTO task(pipeline, label, key, failed, ended) VALUES (?, ?, ?, NULL, ?)
                ON CONFLICT(pipeline, label) DO UPDATE SET key = excluded.key, failed = NULL, ended = excluded.ended
                """)
        let duration = try database.cachedStatement(
            sql: """
                INSERT INTO duration(manifest, seconds) VALUES (?, ?)
                ON CONFLICT(manifest) DO UPDATE SET seconds = seconds * 0.8 + excluded.seconds * 0.2
                """)
        for entry in entries {
            let key = entry.key.blob
            try action.execute(arguments: [key, entry.manifest, entry.ended, OutputBlob.encode(entry.outputs)])
            for file in entry.outputs { try output.execute(arguments: [file.digest.blob, key]) }
            guard current else { continue }
            try task.execute(arguments: [entry.pipeline, entry.label, key, entry.ended])
            try duration.execute(arguments: [entry.manifest, entry.seconds])
        }
    }

    /// What the index keeps of a record.
    struct Entry {
        var key: Digest
        var pipeline: String
        var label: String
        var manifest: String
        var ended: Double
        var seconds: Double
        var outputs: [StoredFile]

        init(_ record: ProvenanceRecord) {
            key = record.key
            pipeline = record.action.pipeline
            label = record.action.label
            manifest = record.action.task.manifest
            ended = record.action.ended
            seconds = max(record.action.ended - record.action.started, 0)
            outputs = record.outputs.map(\.file)
        }
    }
}

/// Outputs of an action as one value of a table: for each 32 bytes digest, 8 bytes size, 1 byte length of the extension,
/// and the extension.
enum OutputBlob {
    static func encode(_ outputs: [StoredFile]) -> Data {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(outputs.count * 48)
        for file in outputs {
            file.digest.appendBytes(to: &bytes)
            withUnsafeBytes(of: file.byteCount.bigEndian) { bytes.append(contentsOf: $0) }
            let name = file.fileExtension.utf8.prefix(255)
            bytes.append(UInt8(name.count))
            bytes.append(contentsOf: name)
        }
        return Data(bytes)
    }

    /// nil where the bytes are not what `encode` writes.
    static func decode(_ bytes: UnsafeRawBufferPointer) -> [StoredFile]? {
        var files: [StoredFile] = []
        var position = 0
        while position < bytes.count {
            guard position + 41 <= bytes.count else { return nil }
            let length = Int(bytes[position + 40])
            guard position + 41 + length <= bytes.count,
                let digest = Digest(rawBytes: UnsafeRawBufferPointer(rebasing: bytes[position..<(position + 32)]))
            else { return nil }
            let size = Int64(bigEndian: bytes.loadUnaligned(fromByteOffset: position + 32, as: Int64.self))
            let name = String(decoding: bytes[(position + 41)..<(position + 41 + length)], as: UTF8.self)
            files.append(StoredFile(digest: digest, fileExtension: name, byteCount: size))
            position += 41 + length
        }
        return files
    }
}

extension Digest {
    /// The 32 bytes as SQLite keeps them.
    var blob: Data { Data(bytes) }

    init?(blob: Data?) {
        guard let blob else { return nil }
        guard let digest = blob.withUnsafeBytes({ Digest(rawBytes: $0) }) else { return nil }
        self = digest
    }
}
