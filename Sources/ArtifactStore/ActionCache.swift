public import ContentHash
internal import Foundation
internal import GRDB
internal import Glibc
public import Scheduling
internal import Synchronization

extension ArtifactStore: ActionStore {
    /// What is cached under each key; see `ActionStore`.
    ///
    /// The index answers first; where it knows nothing the record file is looked for, because another run, or one that was
    /// killed before it reached the index, may have written it. Each output is checked to lie in the store with its size.
    public func actions(for keys: [Digest]) throws -> [CachedAction?] {
        var known = try indexHolder.use { try $0.outputs(of: keys) }
        var found: [ProvenanceRecord] = []
        for (position, outputs) in known.enumerated() {
            if let outputs, presence.firstMissing(outputs) == nil { continue }
            // Unknown, or not as the index says: the record decides. One that is damaged counts as absent.
            let key = keys[position]
            guard outputs != nil || access(layout.action(key), F_OK) == 0 else { continue }
            let record = (try? RecordFiles.read(layout.action(key), key: key)) ?? nil
            let truth = record?.outputs.map(\.file)
            if let record, truth != outputs { found.append(record) }
            known[position] = truth
        }
        if !found.isEmpty, isWritable {
            let entries = found.map(StoreIndex.Entry.init)
            try indexHolder.use { index in
                try index.queue.write { database in
                    for entry in entries { try index.insertIfNewest(entry, in: database) }
                }
            }
        }
        return known.map { outputs in
            outputs.map { CachedAction(outputs: $0, missingOutput: presence.firstMissing($0)) }
        }
    }

    /// The newest record of each task, of its last run, failed or not; see `ActionStore`. Records are read on all cores.
    public func latestRecords(pipeline: String, labels: [String]) throws -> [LatestRecord?] {
        let tasks = try indexHolder.use { try $0.tasks(pipeline: pipeline, labels: labels) }
        return tasks.parallelMap { task -> LatestRecord? in
            guard let task else { return nil }
            if let key = task.failed, let record = (try? RecordFiles.read(self.layout.failure(key), key: key)) ?? nil {
                return LatestRecord(
                    task: record.action.task, failureMessage: record.action.failure?.message ?? "it failed")
            }
            guard let key = task.succeeded,
                let record = (try? RecordFiles.read(self.layout.action(key), key: key)) ?? nil
            else { return nil }
            return LatestRecord(task: record.action.task)
        }
    }

    public func typicalSeconds(manifests: [String]) throws -> [Double?] {
        try indexHolder.use { try $0.seconds(manifests: manifests) }
    }
}
