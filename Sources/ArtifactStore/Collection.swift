internal import ContentHash
internal import Foundation
internal import Glibc
internal import Scheduling
internal import StageProtocol

/// What a collection keeps.
public struct CollectionOptions: Sendable {
    /// Actions that ended within so many days are kept, whoever needs them.
    public var keepDays: Double
    /// Only what these pipelines need now is kept; nil: what any pipeline needs.
    public var pipelines: [String]?
    /// Whether anything is removed, or only counted.
    public var removes: Bool
    /// Seconds since 1970 that count as now.
    public var now: Double

    public init(keepDays: Double = 30, pipelines: [String]? = nil, removes: Bool = false, now: Double) {
        self.keepDays = keepDays
        self.pipelines = pipelines
        self.removes = removes
        self.now = now
    }
}

/// What a collection removed, or would.
public struct CollectionReport: Codable, Sendable, Equatable {
    public var actionsKept = 0
    public var objectsKept = 0
    public var bytesKept: Int64 = 0
    public var actionsRemoved = 0
    public var objectsRemoved = 0
    public var bytesRemoved: Int64 = 0
    /// Folders of broken-off tasks that could go on: those kept, and those removed because they are done or old.
    public var checkpointsKept = 0
    public var checkpointsRemoved = 0
    /// Removed actions by stage.
    public var stages: [String: Int] = [:]
    /// Whether it was done or only counted.
    public var isDone = false
}

extension ArtifactStore {
    /// Removes what no pipeline needs any more: actions that are neither the current one of a task, nor recent, nor behind one
    /// of these; then objects that no kept action made, logs, declarations, and old files in quarantine.
    ///
    /// Kept is also everything behind a kept action, so that every `audit` still reaches the source files. Records go before
    /// their objects: a collection that is cut off leaves only objects without a record, which the next one takes.
    ///
    /// - Throws: `StoreError` with code `busy` while a run uses the store.
    public func collect(_ options: CollectionOptions) throws -> CollectionReport {
        let alone: FileLock?
        if options.removes {
            try requireWritable()
            alone = try FileLock.tryTake(layout.useLock)
            guard alone != nil else {
                throw StoreError(
                    .busy, "A run is using the store \(path); collect when it has ended.", path: layout.useLock)
            }
        } else {
            alone = nil
        }
        defer { withExtendedLifetime(alone) {} }

        let known = try pipelines()
        if let unknown = options.pipelines?.first(where: { !known.contains($0) }) {
            throw StoreError(
                .notFound,
                "The store \(path) has no pipeline '\(unknown)'; it has \(known.joined(separator: ", ")).")
        }
        let recordFiles = try RecordFiles.list(layout.actions)
        let records = recordFiles.parallelMap { file in (try? RecordFiles.read(file.path, key: file.digest)) ?? nil }
        var byKey: [Digest: ProvenanceRecord] = [:]
        for record in records.compactMap({ $0 }) { byKey[record.key] = record }
        let kept = try reachable(byKey, options)

        var report = CollectionReport()
        var keptObjects = Set<String>()
        var keptDeclarations = Set<Digest>()
        for (key, record) in byKey where kept.contains(key) {
            report.actionsKept += 1
            for output in record.outputs { keptObjects.insert(path(of: output.file)) }
            if let declaration = record.declaration { keptDeclarations.insert(declaration) }
        }
        let gone = recordFiles.filter { !kept.contains($0.digest) }
        report.actionsRemoved = gone.count
        for file in gone { report.stages[byKey[file.digest]?.action.stage ?? "(damaged record)", default: 0] += 1 }
        let goneObjects = try RecordFiles.list(layout.objects).filter { object in
            let bytes = Self.size(object.path)
            if keptObjects.contains(object.path) {
                report.objectsKept += 1
                report.bytesKept += bytes
                return false
            }
            report.objectsRemoved += 1
            report.bytesRemoved += bytes
            return true
        }
        let goneCheckpoints = try checkpointFolders().filter { folder in
            let isGone = byKey[folder.digest] != nil || Self.age(folder.path) < options.now - options.keepDays * 86400
            if isGone { report.checkpointsRemoved += 1 } else { report.checkpointsKept += 1 }
            return isGone
        }
        guard options.removes else { return report }
        for folder in goneCheckpoints { removeCheckpoints(folder.path) }
        try indexHolder.use { try $0.remove(gone.map(\.digest)) }
        for file in gone {
            Posix.removeTree(file.path)
            Posix.removeTree(layout.log(file.digest))
        }
        for object in goneObjects { Posix.removeTree(object.path) }
        for file in try RecordFiles.list(layout.stages) where !keptDeclarations.contains(file.digest) {
            Posix.removeTree(file.path)
        }
        let oldest = options.now - options.keepDays * 86400
        for name in try Posix.names(in: layout.quarantine) where Self.age(layout.quarantine + "/" + name) < oldest {
            Posix.removeTree(layout.quarantine + "/" + name)
        }
        report.isDone = true
        return report
    }

    /// What broken-off tasks left to go on from, by their keys.
    private func checkpointFolders() throws -> [(digest: Digest, path: String)] {
        guard Posix.isFolder(layout.checkpoints) else { return [] }
        return try Posix.names(in: layout.checkpoints).flatMap { shard in
            try Posix.names(in: layout.checkpoints + "/" + shard).compactMap { name in
                StoreLayout.digest(shard: shard, name: name).map {
                    ($0.digest, "\(layout.checkpoints)/\(shard)/\(name)")
                }
            }
        }
    }

    /// Current actions, recent ones, and everything behind them.
    private func reachable(_ records: [Digest: ProvenanceRecord], _ options: CollectionOptions) throws -> Set<Digest> {
        var waiting: [Digest] = []
        for task in try tasks() where options.pipelines?.contains(task.pipeline) ?? true {
            if let key = task.succeeded { waiting.append(key) }
        }
        let oldest = options.now - options.keepDays * 86400
        for record in records.values where record.action.ended >= oldest { waiting.append(record.key) }
        var producers: [Digest: [Digest]] = [:]
        for record in records.values {
            for output in record.outputs { producers[output.digest, default: []].append(record.key) }
        }
        var kept = Set<Digest>()
        while let key = waiting.popLast() {
            guard let record = records[key], kept.insert(key).inserted else { continue }
            for input in record.action.task.inputs {
                guard case .task(label: _, key: let producer, port: _) = input.origin else { continue }
                if records[producer] != nil {
                    waiting.append(producer)
                } else {
                    waiting += producers[input.digest] ?? []
                }
            }
        }
        return kept
    }

    private static func size(_ path: String) -> Int64 {
        var status = Glibc.stat()
        return lstat(path, &status) == 0 ? Int64(status.st_size) : 0
    }

    private static func age(_ path: String) -> Double {
        var status = Glibc.stat()
        return lstat(path, &status) == 0 ? Double(status.st_mtim.tv_sec) : 0
    }
}
