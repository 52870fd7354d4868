internal import ContentHash
internal import Foundation
internal import GRDB
internal import Glibc
internal import Scheduling
internal import Synchronization

/// A folder of artifacts: immutable files named by their bytes' SHA-256, the record of how each was made, the cache of what
/// is made already, and locks that let several runs share it.
///
/// The files are the truth; `index.sqlite` only makes questions fast and is made anew where it is missing or damaged. An
/// artifact is moved into place after its bytes are on the disk, a record after its artifacts, the index last; so a process that
/// dies at any moment leaves nothing half-done that could be taken for whole.
///
///     let store = try ArtifactStore(path: "artifacts")
///     try store.beginRun()
///     try store.register(graph.stages)
///     let cached = try store.actions(for: keys)
public final class ArtifactStore: Sendable {
    /// Moments at which tests let a publication die.
    public enum Failpoint: String, Sendable, CaseIterable {
        case beforeHashing, beforeObjectRename, afterObjectRename, beforeRecordRename, afterRecordRename, afterIndex
    }

    /// The store's folder, absolute.
    public var path: String { layout.root }
    /// Digests of source files, remembered by their stamps.
    public let sources: SourceFiles

    let layout: StoreLayout
    let isWritable: Bool
    let failpoint: (@Sendable (Failpoint) throws -> Void)?
    let presence: ObjectPresence
    let indexHolder: IndexHolder
    let run = Mutex<RunState>(RunState())
    /// Held while a run is opened.
    let opening = Mutex<Void>(())
    let keyLocks: KeyLocks?

    /// What a run keeps while it lasts.
    struct RunState {
        var useLock: FileLock?
        var folder: String?
        var ownerLock: FileLock?
        var nextFolder = 0
        var stages: [StageName: RegisteredStage] = [:]
        var git: [String: GitState] = [:]
        var host: HostDescription?
        var madeFolders: Set<String> = []
        var unsyncedFolders: Set<String> = []
        var lastSyncNs: Int64 = 0
    }

    /// What a declaration is found by.
    struct StageName: Hashable {
        var stage: String
        var manifestDigest: Digest
    }

    /// Opens the store in a folder, which is made if need be.
    ///
    /// - Parameters:
    ///   - path: the folder; may be relative.
    ///   - create: whether a folder that is no store yet becomes one. Commands that only ask say no.
    ///   - failpoint: called at each `Failpoint` of a publication; what it throws ends the publication there, as a crash would.
    /// - Throws: `StoreError`: not a store, not writable (with `create`), or of a format that this version does not know.
    public init(path: String, create: Bool = true, failpoint: (@Sendable (Failpoint) throws -> Void)? = nil) throws {
        let layout = StoreLayout(root: ArtifactStore.absolute(path))
        isWritable = try ArtifactStore.prepare(layout, create: create)
        self.layout = layout
        self.failpoint = failpoint
        presence = ObjectPresence(folder: layout.objects)
        keyLocks = isWritable ? try KeyLocks(path: layout.keyLocks) : nil
        indexHolder = try IndexHolder(layout: layout, isWritable: isWritable)
        sources = SourceFiles(index: indexHolder)
    }

    deinit { endRun() }

    /// Checks or makes the folders; says whether the store can be written.
    private static func prepare(_ layout: StoreLayout, create: Bool) throws(StoreError) -> Bool {
        if let line = try Posix.contents(of: layout.format) {
            guard line == Array(StoreLayout.formatLine.utf8) else {
                throw StoreError(
                    .notAStore,
                    "\(layout.root) says it is '\(String(decoding: line.prefix(80), as: UTF8.self).firstLine)'; "
                        + "this cyto-pipe reads '\(StoreLayout.formatLine.firstLine)'.",
                    path: layout.format)
            }
            guard access(layout.root, W_OK) == 0 else { return false }
        } else {
            guard create else {
                let what = Posix.isFolder(layout.root) ? "holds no artifact store" : "does not exist"
                throw StoreError(
                    .notAStore, "\(layout.root) \(what). A first `cyto-pipe run` makes one; --store names another.",
                    path: layout.root)
            }
            try Posix.makeFolder(layout.root)
        }
        for folder in StoreLayout.folders where !Posix.isFolder(layout.root + "/" + folder) {
            try Posix.makeFolder(layout.root + "/" + folder)
        }
        if !Posix.exists(layout.format) {
            let draft = layout.root + "/format.\(getpid())"
            try Posix.writeSynced(Array(StoreLayout.formatLine.utf8), to: draft)
            try Posix.rename(draft, to: layout.format)
        }
        return true
    }

    static func absolute(_ path: String) -> String {
        var absolute = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
        absolute = URL(fileURLWithPath: absolute).standardized.path
        while absolute.count > 1, absolute.hasSuffix("/") { absolute.removeLast() }
        return absolute
    }

    func reach(_ point: Failpoint) throws {
        try failpoint?(point)
    }

    func requireWritable() throws(StoreError) {
        guard isWritable else {
            throw StoreError(.inputOutput, "The store \(path) cannot be written by you.", path: path)
        }
    }
}

extension String {
    var firstLine: String { String(prefix { $0 != "\n" }) }
}
