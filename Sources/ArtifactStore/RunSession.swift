public import ContentHash
internal import Foundation
internal import Glibc
public import Scheduling
internal import Synchronization

extension ArtifactStore {
    /// Opens a run: waits for a `gc` that is at work, keeps later ones away, sweeps what killed runs left.
    ///
    /// The run ends with `endRun`, or with the process.
    public func beginRun() throws {
        try requireWritable()
        // Threads of one run may come here together: the first opens it.
        try opening.withLock { _ in try openRun() }
    }

    private func openRun() throws {
        guard run.withLock({ $0.useLock == nil }) else { return }
        let useLock = try FileLock.take(layout.useLock, shared: true)
        let sweeping = try FileLock.take(layout.temporaryLock)
        defer { withExtendedLifetime(sweeping) {} }
        sweep()
        var number = 0
        var folder: String
        repeat {
            number += 1
            folder = layout.temporary + "/\(Int(Date().timeIntervalSince1970))-\(getpid())-\(number)"
        } while Posix.exists(folder)
        try Posix.makeFolder(folder)
        let ownerLock = try FileLock.take(folder + "/owner")
        run.withLock {
            $0.useLock = useLock
            $0.folder = folder
            $0.ownerLock = ownerLock
        }
    }

    /// Ends a run: what was published is brought to the disk, its work folders go.
    public func endRun() {
        flush()
        sources.flush()
        let folder = run.withLock { state in
            defer { state = RunState() }
            return state.folder
        }
        if let folder { Posix.removeTree(folder) }
    }

    /// Removes the work folders of runs whose process is gone. The caller holds the lock of the temporary folder.
    private func sweep() {
        for name in (try? Posix.names(in: layout.temporary)) ?? [] {
            let folder = layout.temporary + "/" + name
            guard Posix.isFolder(folder), Posix.exists(folder + "/owner") else {
                Posix.removeTree(folder)
                continue
            }
            guard let lock = try? FileLock.tryTake(folder + "/owner") else { continue }
            Posix.removeTree(folder)
            withExtendedLifetime(lock) {}
        }
    }

    /// Brings the folders' entries to the disk. The files themselves are there before they get their names; a power cut
    /// before this loses at most whole actions of the last second.
    func flush() {
        let folders = run.withLock { state in
            defer {
                state.unsyncedFolders = []
                state.lastSyncNs = ArtifactStore.nowNs()
            }
            return state.unsyncedFolders
        }
        for folder in folders { try? Posix.syncFolder(folder) }
    }

    static func nowNs() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Makes a subfolder once; a later call costs a look into a set.
    func ensureFolder(_ folder: String) throws(StoreError) {
        if run.withLock({ $0.madeFolders.contains(folder) }) { return }
        try Posix.makeFolder(folder)
        run.withLock { _ = $0.madeFolders.insert(folder) }
    }

    /// A new empty private folder for a task, on the store's file system.
    public func makeWorkFolder(for key: Digest) throws -> String {
        try beginRun()
        let folder = run.withLock { state in
            state.nextFolder += 1
            return (state.folder ?? layout.temporary) + "/\(state.nextFolder)"
        }
        guard mkdir(folder, 0o777) == 0 else { throw Posix.failure("make the folder", folder) }
        return folder
    }

    /// Removes a work folder with all that is in it; never anything outside of the store's temporary folder.
    public func removeWorkFolder(_ path: String) {
        guard path.hasPrefix(layout.temporary + "/"), !path.contains("/../") else { return }
        Posix.removeTree(path)
    }

    /// Where a task keeps what its next try can go on from.
    public func checkpointFolder(for key: Digest) -> String { layout.checkpoints(key) }

    /// Removes what a task kept for its next try; never anything outside of the store's folder of checkpoints.
    public func removeCheckpoints(_ path: String) {
        guard path.hasPrefix(layout.checkpoints + "/"), !path.contains("/../") else { return }
        Posix.removeTree(path)
    }

    /// Where the log of an action goes; its folder exists.
    public func logPath(for key: Digest) throws -> String {
        let path = layout.log(key)
        try ensureFolder(path.parentFolder)
        return path
    }

    public func tryLock(_ key: Digest) throws -> (any KeyLock)? {
        try requireWritable()
        return try keyLocks?.tryLock(key)
    }

    public func isLocked(_ key: Digest) throws -> Bool {
        try keyLocks?.isLocked(key) ?? false
    }
}
