internal import ContentHash
internal import Foundation
internal import GRDB
internal import Scheduling
internal import Synchronization

/// Fills an empty index from the records.
enum IndexRebuild {
    /// Reads every record that is whole; what is damaged or foreign is left out, so its task runs again.
    static func fill(_ index: StoreIndex, from layout: StoreLayout) throws {
        // In the order of their end: the last of a label is its newest.
        let actions = try RecordFiles.readAll(in: layout.actions).sorted {
            ($0.action.ended, $0.key) < ($1.action.ended, $1.key)
        }
        let failures = try RecordFiles.readAll(in: layout.failures).sorted { $0.action.ended < $1.action.ended }
        guard !actions.isEmpty || !failures.isEmpty else { return }
        try index.queue.write { database in
            try index.insert(actions.map(StoreIndex.Entry.init), in: database, current: true)
        }
        for failure in failures {
            let action = failure.action
            let known = try index.tasks(pipeline: action.pipeline, labels: [action.label])[0]
            if let known, known.ended > action.ended { continue }
            try index.insertFailure(
                pipeline: action.pipeline, label: action.label, key: failure.key, ended: action.ended)
        }
    }
}

/// Records as files.
enum RecordFiles {
    /// The record at a path; nil where there is none.
    ///
    /// - Throws: `StoreError` with code `damaged` where the file is not whole or speaks of another key.
    static func read(_ path: String, key: Digest) throws(StoreError) -> ProvenanceRecord? {
        guard let bytes = try Posix.contents(of: path) else { return nil }
        var record = try SealedJSON.open(ProvenanceRecord.self, bytes, path: path)
        guard record.key == key else {
            throw StoreError(
                .damaged, "The record \(path) speaks of another action, \(record.key.shortHex).", path: path)
        }
        guard record.format == ProvenanceRecord.currentFormat else {
            throw StoreError(
                .damaged, "The record \(path) has format \(record.format), which this version does not read.",
                path: path)
        }
        NumberKinds.restore(record.wholeReals, in: &record.action.task)
        return record
    }

    /// Every whole record below a folder, in any order; read on all cores.
    static func readAll(in folder: String) throws(StoreError) -> [ProvenanceRecord] {
        try list(folder).parallelMap { file in
            (try? read(file.path, key: file.digest)) ?? nil
        }.compactMap { $0 }
    }

    struct Named: Sendable {
        var digest: Digest
        var fileExtension: String
        var path: String
    }

    /// Every file of a sharded folder whose name is a digest; anything else is passed over.
    static func list(_ folder: String) throws(StoreError) -> [Named] {
        var files: [Named] = []
        for shard in try Posix.names(in: folder) where shard.utf8.count == 2 {
            // A file where a folder should be is garbage, not an error.
            for name in (try? Posix.names(in: folder + "/" + shard)) ?? [] {
                guard let (digest, fileExtension) = StoreLayout.digest(shard: shard, name: name) else { continue }
                files.append(
                    Named(digest: digest, fileExtension: fileExtension, path: folder + "/" + shard + "/" + name))
            }
        }
        return files
    }
}

extension Array where Element: Sendable {
    /// The results of a function for all elements, in their order, made on all cores.
    func parallelMap<Result: Sendable>(_ transform: @Sendable (Element) -> Result) -> [Result] {
        let results = Mutex<[Result?]>(Array<Result?>(repeating: nil, count: count))
        let next = Atomic<Int>(0)
        let chunk = Swift.max(1, Swift.min(64, count / 32))
        DispatchQueue.concurrentPerform(iterations: Swift.min(ProcessInfo.processInfo.activeProcessorCount, count)) {
            _ in
            while true {
                let first = next.wrappingAdd(chunk, ordering: .relaxed).oldValue
                guard first < count else { return }
                let range = first..<Swift.min(first + chunk, count)
                let part = range.map { transform(self[$0]) }
                results.withLock { for (offset, value) in part.enumerated() { $0[first + offset] = value } }
            }
        }
        return results.withLock { $0.compactMap { $0 } }
    }
}
