internal import ContentHash
internal import Foundation
internal import GRDB
internal import Glibc

/// One thing that `doctor` looked at.
public struct StoreCheck: Codable, Sendable, Equatable {
    public enum State: String, Codable, Sendable { case good, warning, bad }

    public var name: String
    public var state: State
    /// What was found, and what to do about it.
    public var message: String

    public init(name: String, state: State, message: String) {
        self.name = name
        self.state = state
        self.message = message
    }
}

extension ArtifactStore {
    /// Looks whether the store is in order: folders, locks, disk space, index against records, what was set aside. Reads names
    /// and the index, no artifact; `verify` does that.
    public func examine() -> [StoreCheck] {
        [checkFolders(), checkLocks(), checkSpace(), checkIndex(), checkIndexAgainstRecords(), checkQuarantine()]
    }

    private func checkFolders() -> StoreCheck {
        guard isWritable else {
            return StoreCheck(
                name: "store", state: .warning,
                message: "\(path) can be read but not written by you; runs need to write")
        }
        for folder in StoreLayout.folders {
            let probe = layout.root + "/" + folder + "/probe.\(getpid())"
            do {
                try Posix.writePlain([1], to: probe)
                unlink(probe)
            } catch {
                return StoreCheck(name: "store", state: .bad, message: "\(error)")
            }
        }
        return StoreCheck(name: "store", state: .good, message: "\(path), all folders writable")
    }

    private func checkLocks() -> StoreCheck {
        guard isWritable else { return StoreCheck(name: "locks", state: .warning, message: "not checked: read-only") }
        do {
            let probe = layout.root + "/locks/probe.\(getpid())"
            defer { unlink(probe) }
            let first = try FileLock.tryTake(probe)
            let second = try FileLock.tryTake(probe)
            let isRunning = try FileLock.tryTake(layout.useLock) == nil
            guard first != nil, second == nil else {
                return StoreCheck(
                    name: "locks", state: .bad,
                    message: "the file system of \(path) does not keep locks: two runs at once are not safe there")
            }
            return StoreCheck(
                name: "locks", state: .good, message: isRunning ? "kept; a run is going on" : "kept; no run is going on"
            )
        } catch {
            return StoreCheck(name: "locks", state: .bad, message: "\(error)")
        }
    }

    private func checkSpace() -> StoreCheck {
        guard let free = freeBytes() else {
            return StoreCheck(name: "disk", state: .warning, message: "free space of \(path) is not known")
        }
        let gibibytes = Double(free) / 0x1p30
        let text = "\((gibibytes * 10).rounded() / 10) GiB free"
        return gibibytes < 1
            ? StoreCheck(name: "disk", state: .warning, message: "\(text); `cyto-pipe gc` shows what can go")
            : StoreCheck(name: "disk", state: .good, message: text)
    }

    private func checkIndex() -> StoreCheck {
        do {
            let answer = try indexHolder.use { index in
                try index.queue.read { try String.fetchOne($0, sql: "PRAGMA integrity_check(1)") ?? "" }
            }
            return answer == "ok"
                ? StoreCheck(name: "index", state: .good, message: "whole")
                : StoreCheck(
                    name: "index", state: .bad, message: "\(answer); `cyto-pipe doctor --rebuild-index` mends it")
        } catch {
            return StoreCheck(name: "index", state: .bad, message: "\(error)")
        }
    }

    private func checkIndexAgainstRecords() -> StoreCheck {
        do {
            let files = try RecordFiles.list(layout.actions)
            let damaged = files.parallelMap { file in
                (try? RecordFiles.read(file.path, key: file.digest)) == nil ? file.path : ""
            }.filter { !$0.isEmpty }
            let indexed = Set(try indexHolder.use { try $0.actionKeys() })
            let recorded = Set(files.map(\.digest))
            if let first = damaged.first {
                return StoreCheck(
                    name: "records", state: .bad,
                    message: "\(damaged.count) of \(files.count) are damaged, the first is \(first); "
                        + "`cyto-pipe verify` sets them aside")
            }
            let lacking = recorded.subtracting(indexed).count
            let surplus = indexed.subtracting(recorded).count
            return lacking + surplus == 0
                ? StoreCheck(name: "records", state: .good, message: "\(files.count), all whole and in the index")
                : StoreCheck(
                    name: "records", state: .warning,
                    message: "\(lacking) are not in the index, \(surplus) only there; "
                        + "`cyto-pipe doctor --rebuild-index` mends it")
        } catch {
            return StoreCheck(name: "records", state: .bad, message: "\(error)")
        }
    }

    private func checkQuarantine() -> StoreCheck {
        let count = ((try? Posix.names(in: layout.quarantine)) ?? []).count
        return count == 0
            ? StoreCheck(name: "quarantine", state: .good, message: "empty")
            : StoreCheck(
                name: "quarantine", state: .warning,
                message: "\(count) damaged files are kept in \(layout.quarantine); delete them when you have seen them")
    }
}
