internal import ContentHash
internal import Foundation
internal import GRDB
internal import Glibc
internal import Synchronization

/// Keeps the index open, and makes it anew from the records where it is missing, damaged or of another version.
final class IndexHolder: Sendable {
    private let layout: StoreLayout
    private let isWritable: Bool
    private let current: Mutex<StoreIndex>

    init(layout: StoreLayout, isWritable: Bool) throws {
        self.layout = layout
        self.isWritable = isWritable
        current = Mutex(try IndexHolder.open(layout, isWritable: isWritable))
    }

    /// Asks or changes the index; where it proves damaged, makes it anew and tries once more.
    func use<Result>(_ body: (StoreIndex) throws -> Result) throws(StoreError) -> Result {
        let index = current.withLock { $0 }
        do {
            return try body(index)
        } catch let error as DatabaseError where IndexHolder.meansDamage(error) {
            do {
                return try body(try renew(insteadOf: index))
            } catch {
                throw IndexHolder.wrapped(error, layout)
            }
        } catch {
            throw IndexHolder.wrapped(error, layout)
        }
    }

    /// Makes the index anew; gives how many actions it holds.
    @discardableResult
    func rebuild() throws(StoreError) -> Int {
        do {
            _ = try renew(insteadOf: current.withLock { $0 })
            return try current.withLock { $0 }.actionKeys().count
        } catch {
            throw IndexHolder.wrapped(error, layout)
        }
    }

    private func renew(insteadOf old: StoreIndex) throws -> StoreIndex {
        try current.withLock { index in
            // Another thread may have done it meanwhile.
            guard index === old else { return index }
            index = try IndexHolder.make(layout, isWritable: isWritable, insteadOf: old)
            return index
        }
    }

    private static func open(_ layout: StoreLayout, isWritable: Bool) throws -> StoreIndex {
        guard isWritable else {
            // SQLite's write-ahead log needs to write; a store on read-only ground gets an index in memory.
            let index = try StoreIndex(path: nil)
            try index.makeTables()
            try IndexRebuild.fill(index, from: layout)
            return index
        }
        do {
            if access(layout.index, F_OK) == 0 {
                let index = try StoreIndex(path: layout.index)
                if try index.version() == StoreIndex.schemaVersion { return index }
            }
        } catch let error as DatabaseError where !meansDamage(error) {
            throw wrapped(error, layout)
        } catch {}
        do {
            return try make(layout, isWritable: true, insteadOf: nil)
        } catch {
            throw wrapped(error, layout)
        }
    }

    /// One process at a time makes the index; another that comes to the same end finds it whole and takes it.
    private static func make(_ layout: StoreLayout, isWritable: Bool, insteadOf old: StoreIndex?) throws -> StoreIndex {
        guard isWritable else {
            let index = try StoreIndex(path: nil)
            try index.makeTables()
            try IndexRebuild.fill(index, from: layout)
            return index
        }
        let lock = try FileLock.take(layout.indexLock)
        defer { withExtendedLifetime(lock) {} }
        if let inode = StoreIndex.inode(of: layout.index), inode != old?.inode,
            let index = try? StoreIndex(path: layout.index),
            (try? index.version()) == StoreIndex.schemaVersion
        {
            return index
        }
        for suffix in ["", "-wal", "-shm", "-journal"] { Posix.removeTree(layout.index + suffix) }
        let index = try StoreIndex(path: layout.index)
        try index.makeTables()
        try IndexRebuild.fill(index, from: layout)
        return index
    }

    private static func meansDamage(_ error: DatabaseError) -> Bool {
        switch error.resultCode {
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_FORMAT, .SQLITE_ERROR, .SQLITE_MISMATCH: true
        // The file was removed under an open connection.
        case .SQLITE_IOERR, .SQLITE_READONLY: error.extendedResultCode.rawValue != 0 && error.resultCode != .SQLITE_FULL
        default: false
        }
    }

    private static func wrapped(_ error: any Error, _ layout: StoreLayout) -> StoreError {
        if let error = error as? StoreError { return error }
        return StoreError(
            .inputOutput,
            "The index \(layout.index) cannot be used. `cyto-pipe doctor --rebuild-index` makes it anew from the records.",
            path: layout.index, cause: "\(error)")
    }
}
