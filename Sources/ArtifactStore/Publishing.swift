internal import ContentHash
internal import Foundation
internal import GRDB
internal import Glibc
public import Scheduling
internal import Synchronization

extension ArtifactStore {
    /// Takes finished tasks' outputs over; see `ActionStore`.
    ///
    /// Objects and records of a batch are written side by side on several threads, because the file system then shares the cost of
    /// bringing them to the disk; the index takes the whole batch in one transaction.
    public func publish(_ batch: [Publication]) -> [Result<[StoredFile], any Error>] {
        let records: [Result<ProvenanceRecord, any Error>]
        if batch.count == 1 {
            records = batch.map { publication in Result { try publishFiles(publication) } }
        } else {
            records = batch.parallelMap { publication in Result { try self.publishFiles(publication) } }
        }
        let entries = records.compactMap { try? $0.get() }.map(StoreIndex.Entry.init)
        let indexed = Result { () throws -> Void in
            guard !entries.isEmpty else { return }
            try indexHolder.use { index in
                try index.queue.write { try index.insert(entries, in: $0, current: true) }
            }
            try reach(.afterIndex)
        }
        flushIfDue()
        return records.map { record in
            record.flatMap { record in indexed.map { record.outputs.map(\.file) } }
        }
    }

    private func flushIfDue() {
        let due = run.withLock { ArtifactStore.nowNs() - $0.lastSyncNs > 1_000_000_000 }
        if due { flush() }
    }

    /// Everything but the index.
    private func publishFiles(_ publication: Publication) throws -> ProvenanceRecord {
        try beginRun()
        let declared = try run.withLock { try declaration(of: publication.record, in: &$0) }
        var outputs: [ProvenanceRecord.Output] = []
        for file in publication.files {
            let stored = try ingest(file, label: publication.record.label)
            outputs.append(
                ProvenanceRecord.Output(
                    port: file.port, digest: stored.digest, byteCount: stored.byteCount,
                    type: declared.types[file.port] ?? "", fileExtension: stored.fileExtension))
        }
        let record = ProvenanceRecord(
            action: publication.record, outputs: outputs, declaration: declared.digest, code: declared.code,
            host: declared.host)
        let path = layout.action(record.key)
        try reach(.beforeRecordRename)
        // Not brought to the disk one by one: a power cut may leave the newest records cut off, their seals tell, and the tasks
        // run again. Their artifacts are on the disk already, so a whole record never speaks of bytes that are not there.
        try place(SealedJSON.seal(record), at: path, mode: 0o444)
        try reach(.afterRecordRename)
        if record.action.failure == nil { unlink(layout.failure(record.key)) }
        return record
    }

    /// Moves one output into the objects, unless the same bytes lie there already.
    private func ingest(_ file: Publication.ProducedFile, label: String) throws -> StoredFile {
        guard !file.fileExtension.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 == 0 }) else {
            throw StoreError(
                .inputOutput, "'\(file.fileExtension)' of output '\(file.port)' of \(label) cannot end a file name.")
        }
        try reach(.beforeHashing)
        let source = try ownCopy(of: file, label: label)
        let descriptor = try Posix.open(source, O_RDONLY)
        defer { close(descriptor) }
        let (digest, stamp) = try FileDigest.of(descriptor: descriptor, path: source)
        let stored = StoredFile(digest: digest, fileExtension: file.fileExtension, byteCount: stamp.sizeBytes)
        let target = path(of: stored)
        if presence.isPresent(stored) {
            unlink(source)
            return stored
        }
        // What has the name but not the size is a damaged object: out of the way with it, its place is needed.
        if Posix.exists(target) { try quarantine(target) }
        guard Posix.retrying({ fsync(descriptor) }) == 0 else { throw Posix.failure("write to", source) }
        fchmod(descriptor, 0o444)
        try ensureFolder(target.parentFolder)
        try reach(.beforeObjectRename)
        try renameMakingFolder(source, to: target)
        try reach(.afterObjectRename)
        return stored
    }

    /// The file itself, where it is a plain file of its own; a copy where the program made a link, whose other end could
    /// change the artifact later.
    private func ownCopy(of file: Publication.ProducedFile, label: String) throws(StoreError) -> String {
        var status = Glibc.stat()
        guard lstat(file.path, &status) == 0 else {
            throw StoreError(
                .outputMissing, "\(label) ended well but did not write its output '\(file.port)'.", path: file.path)
        }
        let kind = status.st_mode & S_IFMT
        if kind == S_IFREG, status.st_nlink == 1, access(file.path, R_OK) == 0 { return file.path }
        guard stat(file.path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw StoreError(
                .outputMissing, "Output '\(file.port)' of \(label) is not a plain file.", path: file.path)
        }
        let copy = file.path + ".copy"
        try Posix.copy(file.path, to: copy)
        return copy
    }

    /// Writes bytes under another name, in the run's own folder that no other run sweeps, and moves them into place.
    func place(_ bytes: [UInt8], at path: String, mode: mode_t) throws(StoreError) {
        try ensureFolder(path.parentFolder)
        let draft = try newDraftPath()
        try Posix.writePlain(bytes, to: draft, mode: mode)
        try renameMakingFolder(draft, to: path)
    }

    /// Moves a file into a shard, which someone may have removed since it was made.
    private func renameMakingFolder(_ from: String, to path: String) throws(StoreError) {
        if rename(from, path) != 0 {
            guard errno == ENOENT else { throw Posix.failure("move a file to", path) }
            try Posix.makeFolder(path.parentFolder)
            try Posix.rename(from, to: path)
        }
        run.withLock { _ = $0.unsyncedFolders.insert(path.parentFolder) }
    }

    private func newDraftPath() throws(StoreError) -> String {
        try run.withLock { state throws(StoreError) in
            guard let folder = state.folder else {
                throw StoreError(.inputOutput, "Nothing can be published into \(path) outside of a run.", path: path)
            }
            state.nextFolder += 1
            return folder + "/draft-\(state.nextFolder)"
        }
    }

    /// Takes an object out of the store without losing it.
    func quarantine(_ path: String) throws(StoreError) {
        let name = path.split(separator: "/").suffix(2).joined()
        var target = layout.quarantine + "/" + name
        var number = 1
        while Posix.exists(target) {
            number += 1
            target = layout.quarantine + "/" + name + ".\(number)"
        }
        try Posix.makeFolder(layout.quarantine)
        try Posix.rename(path, to: target)
    }

    /// Absolute path of a stored file.
    public func path(of file: StoredFile) -> String {
        layout.object(file.digest, extension: file.fileExtension)
    }

    /// Keeps the record of a failed task as the newest of its label.
    public func recordFailure(_ record: ActionRecord) throws {
        try beginRun()
        let declared = try run.withLock { try declaration(of: record, in: &$0) }
        let full = ProvenanceRecord(
            action: record, outputs: [], declaration: declared.digest, code: declared.code, host: declared.host)
        try place(SealedJSON.seal(full), at: layout.failure(full.key), mode: 0o644)
        try indexHolder.use { index in
            try index.insertFailure(
                pipeline: record.pipeline, label: record.label, key: full.key, ended: record.ended)
        }
    }
}
