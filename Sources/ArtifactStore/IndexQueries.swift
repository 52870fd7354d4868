internal import ContentHash
internal import Foundation
internal import GRDB
internal import Scheduling

extension StoreIndex {
    /// The outputs that are known of each key, in the keys' order.
    ///
    /// Keys are sorted and the table is read in its own order: for many keys one pass from end to end, for few one search each;
    /// either way nothing but the answer is kept in memory. O(k log k + rows) or O(k log rows).
    func outputs(of keys: [Digest]) throws -> [[StoredFile]?] {
        var found = [[StoredFile]?](repeating: nil, count: keys.count)
        guard !keys.isEmpty else { return found }
        try queue.read { database in
            let order = keys.indices.sorted { keys[$0] < keys[$1] }
            let rows = keys.count < 64 ? Int.max : try Int.fetchOne(database, sql: "SELECT count(*) FROM action") ?? 0
            if rows / 16 <= keys.count {
                var next = 0
                let cursor = try Row.fetchCursor(database, sql: "SELECT key, outputs FROM action ORDER BY key")
                while next < order.count, let row = try cursor.next() {
                    guard let key = try row.withUnsafeData(atIndex: 0, { Digest(blob: $0) }) else { continue }
                    while next < order.count, keys[order[next]] < key { next += 1 }
                    guard next < order.count, keys[order[next]] == key else { continue }
                    let outputs = try row.withUnsafeData(atIndex: 1) { data in
                        data.flatMap { $0.withUnsafeBytes { OutputBlob.decode($0) } }
                    }
                    while next < order.count, keys[order[next]] == key {
                        found[order[next]] = outputs
                        next += 1
                    }
                }
            } else {
                let statement = try database.cachedStatement(sql: "SELECT outputs FROM action WHERE key = ?")
                for position in order {
                    let cursor = try Row.fetchCursor(statement, arguments: [keys[position].blob])
                    guard let row = try cursor.next() else { continue }
                    found[position] = try row.withUnsafeData(atIndex: 0) { data in
                        data.flatMap { $0.withUnsafeBytes { OutputBlob.decode($0) } }
                    }
                }
            }
        }
        return found
    }

    /// The newest keys of a task.
    struct TaskKeys {
        var label: String
        /// Of the newest success.
        var succeeded: Digest?
        /// Of a later run that failed.
        var failed: Digest?
        var ended: Double
    }

    /// What is known of the labels of a pipeline, in their order.
    func tasks(pipeline: String, labels: [String]) throws -> [TaskKeys?] {
        let rows =
            labels.count < 64
            ? Int.max : try queue.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM task") ?? 0 }
        guard rows / 8 <= labels.count else {
            return try queue.read { database in
                let statement = try database.cachedStatement(
                    sql: "SELECT label, key, failed, ended FROM task WHERE pipeline = ? AND label = ?")
                return try labels.map { label in
                    try Row.fetchOne(statement, arguments: [pipeline, label]).map(StoreIndex.taskKeys)
                }
            }
        }
        var byLabel: [String: TaskKeys] = [:]
        for task in try tasks(pipeline: pipeline) { byLabel[task.label] = task }
        return labels.map { byLabel[$0] }
    }

    /// Everything that is known of a pipeline's tasks, by label.
    func tasks(pipeline: String) throws -> [TaskKeys] {
        try queue.read { database in
            let cursor = try Row.fetchCursor(
                database, sql: "SELECT label, key, failed, ended FROM task WHERE pipeline = ? ORDER BY label",
                arguments: [pipeline])
            var tasks: [TaskKeys] = []
            while let row = try cursor.next() { tasks.append(StoreIndex.taskKeys(row)) }
            return tasks
        }
    }

    private static func taskKeys(_ row: Row) -> TaskKeys {
        TaskKeys(
            label: row[0], succeeded: Digest(blob: row[1] as Data?), failed: Digest(blob: row[2] as Data?),
            ended: row[3])
    }

    /// Tasks of any pipeline whose label is `label`, newest first.
    func tasks(label: String) throws -> [(pipeline: String, keys: TaskKeys)] {
        try queue.read { database in
            try Row.fetchAll(
                database,
                sql: "SELECT label, key, failed, ended, pipeline FROM task WHERE label = ? ORDER BY ended DESC",
                arguments: [label]
            ).map { (pipeline: $0[4] as String, keys: StoreIndex.taskKeys($0)) }
        }
    }

    func pipelines() throws -> [String] {
        try queue.read { try String.fetchAll($0, sql: "SELECT DISTINCT pipeline FROM task ORDER BY pipeline") }
    }

    /// The actions that made an artifact, newest first.
    func producers(of digest: Digest) throws -> [Digest] {
        try queue.read { database in
            try Data.fetchAll(
                database,
                sql: """
                    SELECT output.key FROM output JOIN action ON action.key = output.key
                    WHERE output.digest = ? ORDER BY action.ended DESC, output.key
                    """, arguments: [digest.blob]
            ).compactMap { Digest(blob: $0) }
        }
    }

    /// Digests in a column that lie between two, at most `limit`.
    func digests(in column: Column, from first: Digest, through last: Digest, limit: Int) throws -> [Digest] {
        try queue.read { database in
            try Data.fetchAll(
                database,
                sql: """
                    SELECT DISTINCT \(column.rawValue) FROM \(column == .outputDigest ? "output" : "action")
                    WHERE \(column.rawValue) BETWEEN ? AND ? ORDER BY 1 LIMIT ?
                    """, arguments: [first.blob, last.blob, limit]
            ).compactMap { Digest(blob: $0) }
        }
    }

    enum Column: String {
        case outputDigest = "digest"
        case actionKey = "key"
    }

    func actionKeys() throws -> [Digest] {
        try queue.read {
            try Data.fetchAll($0, sql: "SELECT key FROM action ORDER BY key").compactMap { Digest(blob: $0) }
        }
    }

    func seconds(manifests: [String]) throws -> [Double?] {
        try queue.read { database in
            let statement = try database.cachedStatement(sql: "SELECT seconds FROM duration WHERE manifest = ?")
            return try manifests.map { try Double.fetchOne(statement, arguments: [$0]) }
        }
    }

    /// Marks the newest run of a task as failed; its newest success stays known.
    func insertFailure(pipeline: String, label: String, key: Digest, ended: Double) throws {
        try queue.write { database in
            try database.execute(
                sql: """
                    INSERT INTO task(pipeline, label, key, failed, ended) VALUES (?, ?, NULL, ?, ?)
                    ON CONFLICT(pipeline, label) DO UPDATE SET failed = excluded.failed, ended = excluded.ended
                    """, arguments: [pipeline, label, key.blob, ended])
        }
    }

    /// Forgets actions, and the tasks that have nothing else.
    func remove(_ keys: [Digest]) throws {
        try queue.write { database in
            for key in keys {
                try database.execute(sql: "DELETE FROM action WHERE key = ?", arguments: [key.blob])
                try database.execute(sql: "DELETE FROM task WHERE key = ?", arguments: [key.blob])
            }
            let gone = Set(keys)
            let rows = try Row.fetchAll(database, sql: "SELECT digest, key FROM output")
            for row in rows {
                guard let key = Digest(blob: row[1] as Data?), gone.contains(key) else { continue }
                try database.execute(
                    sql: "DELETE FROM output WHERE digest = ? AND key = ?", arguments: [row[0] as Data, row[1] as Data])
            }
        }
    }
}
