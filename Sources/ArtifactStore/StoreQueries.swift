public import ContentHash
internal import Foundation
internal import Glibc
public import Scheduling
internal import StageProtocol

extension ArtifactStore {
    /// The record of an action.
    ///
    /// - Throws: `StoreError`: `notFound`, or `damaged` where the file is not whole.
    public func record(_ key: Digest) throws(StoreError) -> ProvenanceRecord {
        guard let record = try RecordFiles.read(layout.action(key), key: key) else {
            throw StoreError(.notFound, "The store \(path) has no record of the action \(key.shortHex).")
        }
        return record
    }

    /// The record of a task whose last run failed.
    public func failureRecord(_ key: Digest) throws(StoreError) -> ProvenanceRecord? {
        try RecordFiles.read(layout.failure(key), key: key)
    }

    /// The actions that made an artifact, newest first. Several may have made the same bytes.
    public func producers(of digest: Digest) throws(StoreError) -> [Digest] {
        try indexHolder.use { try $0.producers(of: digest) }
    }

    /// Names of the pipelines that have run in this store.
    public func pipelines() throws(StoreError) -> [String] {
        try indexHolder.use { try $0.pipelines() }
    }

    /// A task that the store knows, by the label that users write.
    public struct KnownTask: Sendable, Equatable {
        public var pipeline: String
        public var label: String
        /// Key of its newest success; nil where it only ever failed.
        public var succeeded: Digest?
        /// Key of a later run that failed.
        public var failed: Digest?
        /// End of its last run, seconds since 1970.
        public var ended: Double

        /// The stage's name: the label up to its bracket.
        public var stage: String { String(label.prefix { $0 != "[" }) }
    }

    /// Tasks of a pipeline, or of all, in the order of their labels.
    public func tasks(pipeline: String? = nil, stage: String? = nil) throws(StoreError) -> [KnownTask] {
        let names = if let pipeline { [pipeline] } else { try pipelines() }
        var tasks: [KnownTask] = []
        for name in names {
            for keys in try indexHolder.use({ try $0.tasks(pipeline: name) }) {
                let task = KnownTask(
                    pipeline: name, label: keys.label, succeeded: keys.succeeded, failed: keys.failed,
                    ended: keys.ended)
                if stage == nil || task.stage == stage { tasks.append(task) }
            }
        }
        return tasks
    }

    /// Makes the index anew from the records; gives the number of actions in it.
    @discardableResult
    public func rebuildIndex() throws(StoreError) -> Int {
        try indexHolder.rebuild()
    }

    /// Digests that begin with hexadecimal digits.
    func digests(withPrefix prefix: String) throws(StoreError) -> (artifacts: [Digest], actions: [Digest]) {
        let digits = prefix.lowercased()
        guard let first = Digest(hex: digits.padding(toLength: 64, withPad: "0", startingAt: 0)),
            let last = Digest(hex: digits.padding(toLength: 64, withPad: "f", startingAt: 0))
        else { return ([], []) }
        return try indexHolder.use { index in
            (
                try index.digests(in: .outputDigest, from: first, through: last, limit: 20),
                try index.digests(in: .actionKey, from: first, through: last, limit: 20)
            )
        }
    }

    /// Path of an artifact in the store, whatever its extension; nil where its file is gone.
    public func objectPath(_ digest: Digest) throws(StoreError) -> String? {
        let first = layout.object(digest, extension: "")
        let folder = first.parentFolder
        let stem = String(first.dropFirst(folder.count + 1))
        return try Posix.names(in: folder).first { $0 == stem || $0.hasPrefix(stem + ".") }.map { folder + "/" + $0 }
    }

    /// Whether an artifact's file lies in the store with its recorded size.
    public func isPresent(_ file: StoredFile) -> Bool {
        presence.isPresent(file)
    }

    /// Path of the log of an action; it need not exist.
    public func existingLogPath(for key: Digest) -> String? {
        let path = layout.log(key)
        return Posix.exists(path) ? path : nil
    }

    /// Bytes that are free on the store's disk for a plain user.
    public func freeBytes() -> Int64? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        return Int64(status.f_bavail) * Int64(status.f_frsize)
    }
}
