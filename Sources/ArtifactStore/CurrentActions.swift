public import ContentHash
internal import Foundation
internal import GRDB
public import Scheduling
internal import StageProtocol

extension ArtifactStore {
    /// Says which action each task of a pipeline stands for now, also where nothing ran: after a config went back to
    /// what it was, `stage[item]` means the old action again, and `gc` keeps it.
    ///
    /// A graph that stands as it stood the last time costs a comparison of one digest.
    ///
    /// - Parameters:
    ///   - graph: the whole pipeline's or the part that was asked for.
    ///   - keys: of the tasks, in their order; nil for a task that is not done.
    ///   - isWhole: whether the graph is the whole pipeline: tasks that are not in it are then forgotten.
    public func recordCurrent(_ graph: WorkGraph, keys: [Digest?], isWhole: Bool) throws {
        precondition(keys.count == graph.tasks.count, "recordCurrent needs a key or nil for every task.")
        guard isWritable else { return }
        let fingerprint = ArtifactStore.fingerprint(graph, keys: keys)
        try indexHolder.use { index in
            let known = try index.queue.read { database in
                try Data.fetchOne(
                    database, sql: "SELECT fingerprint FROM pipeline WHERE name = ?", arguments: [graph.pipeline])
            }
            if Digest(blob: known) == fingerprint { return }
            let present = Dictionary(
                try index.tasks(pipeline: graph.pipeline).map { ($0.label, $0) },
                uniquingKeysWith: { first, _ in first })
            try index.queue.write { database in
                let update = try database.cachedStatement(
                    sql: """
                        INSERT INTO task(pipeline, label, key, failed, ended) VALUES (?, ?, ?, NULL, ?)
                        ON CONFLICT(pipeline, label) DO UPDATE SET key = excluded.key, failed = NULL, ended = excluded.ended
                        """)
                var labels = Set<String>()
                let now = Date().timeIntervalSince1970
                for task in graph.tasks.indices {
                    let label = graph.label(of: task)
                    if isWhole { labels.insert(label) }
                    guard let key = keys[task], present[label]?.succeeded != key || present[label]?.failed != nil else {
                        continue
                    }
                    try update.execute(arguments: [graph.pipeline, label, key.blob, now])
                }
                if isWhole {
                    for label in present.keys where !labels.contains(label) {
                        try database.execute(
                            sql: "DELETE FROM task WHERE pipeline = ? AND label = ?",
                            arguments: [graph.pipeline, label])
                    }
                }
                try database.execute(
                    sql: "INSERT OR REPLACE INTO pipeline(name, fingerprint) VALUES (?, ?)",
                    arguments: [graph.pipeline, fingerprint.blob])
            }
        }
    }

    /// A digest of labels and keys, without making the labels.
    private static func fingerprint(_ graph: WorkGraph, keys: [Digest?]) -> Digest {
        var record = CanonicalRecord(capacity: 64 * keys.count + 64 * graph.items.count)
        record.append(graph.pipeline)
        for stage in graph.stages { record.append(stage.name) }
        for item in graph.items {
            record.beginList(count: item.count)
            for coordinate in item {
                record.append(coordinate.axis)
                record.append(coordinate.value)
            }
        }
        for (task, key) in zip(graph.tasks, keys) {
            record.append(Int64(task.stage) << 32 | Int64(task.item))
            if let key { record.append(key) } else { record.appendNull() }
        }
        return record.digest
    }
}

extension StoreIndex {
    /// Enters an action that another process recorded; its label's newest key changes only if it is newer.
    func insertIfNewest(_ entry: Entry, in database: Database) throws {
        let known = try Row.fetchOne(
            database, sql: "SELECT ended, key FROM task WHERE pipeline = ? AND label = ?",
            arguments: [entry.pipeline, entry.label])
        let isNewest = known.map { ($0[0] as Double) <= entry.ended } ?? true
        try insert([entry], in: database, current: isNewest)
    }
}
