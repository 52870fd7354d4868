internal import ContentHash

/// Where everything stands in a store's folder.
///
///     format                 one line: what this folder is
///     objects/ab/cdef….h5    artifacts, named by the SHA-256 of their bytes; read-only
///     actions/ab/….json      one provenance record per action key; the truth that the index is made from
///     failures/ab/….json     the record of a task whose last run failed
///     stages/ab/….json       how a stage was declared when it ran: command, ports, types
///     logs/ab/….log          what a task's program wrote
///     checkpoints/ab/…/      what tasks that were broken off can go on from
///     tmp/<run>/…            work folders of running tasks
///     quarantine/            objects whose bytes were not what their name says
///     locks/                 locks that vanish with their process
///     index.sqlite           can be deleted at any time
struct StoreLayout: Sendable {
    /// Absolute, without a slash at its end.
    let root: String

    static let formatLine = "cyto-pipe artifact store, format 1\n"
    static let folders = [
        "objects", "actions", "failures", "stages", "logs", "tmp", "quarantine", "locks",
    ]

    var format: String { root + "/format" }
    var objects: String { root + "/objects" }
    var actions: String { root + "/actions" }
    var failures: String { root + "/failures" }
    var stages: String { root + "/stages" }
    var logs: String { root + "/logs" }
    /// Made when first needed: stores of earlier versions have none.
    var checkpoints: String { root + "/checkpoints" }
    var temporary: String { root + "/tmp" }
    var quarantine: String { root + "/quarantine" }
    var index: String { root + "/index.sqlite" }
    /// Byte ranges of this file are the locks of action keys.
    var keyLocks: String { root + "/locks/actions" }
    /// Held shared by every run, alone by `gc`.
    var useLock: String { root + "/locks/use" }
    /// Held while work folders are made or swept.
    var temporaryLock: String { root + "/locks/tmp" }
    /// Held while the index is made anew.
    var indexLock: String { root + "/locks/index" }

    func object(_ digest: Digest, extension fileExtension: String) -> String {
        StoreLayout.object(in: objects, digest, extension: fileExtension)
    }
    static func object(in folder: String, _ digest: Digest, extension fileExtension: String) -> String {
        sharded(folder, digest.hex, fileExtension)
    }
    func action(_ key: Digest) -> String { StoreLayout.sharded(actions, key.hex, "json") }
    func failure(_ key: Digest) -> String { StoreLayout.sharded(failures, key.hex, "json") }
    func stage(_ digest: Digest) -> String { StoreLayout.sharded(stages, digest.hex, "json") }
    func checkpoints(_ key: Digest) -> String { StoreLayout.sharded(checkpoints, key.hex, "") }
    func log(_ key: Digest) -> String { StoreLayout.sharded(logs, key.hex, "log") }

    /// `folder/ab/cdef….extension`: the first two digits make 256 subfolders.
    private static func sharded(_ folder: String, _ hex: String, _ fileExtension: String) -> String {
        var path = folder
        path.reserveCapacity(folder.utf8.count + 67 + fileExtension.utf8.count)
        path += "/"
        path += hex.prefix(2)
        path += "/"
        path += hex.dropFirst(2)
        if !fileExtension.isEmpty {
            path += "."
            path += fileExtension
        }
        return path
    }

    /// The digest that a file in a sharded folder is named by, and its extension; nil for any other name.
    static func digest(shard: String, name: String) -> (digest: Digest, fileExtension: String)? {
        let dot = name.firstIndex(of: ".") ?? name.endIndex
        guard shard.utf8.count == 2, let digest = Digest(hex: shard + name[..<dot]) else { return nil }
        // Upper-case digits would give two names to one digest.
        guard digest.hex == shard + name[..<dot] else { return nil }
        return (digest, dot == name.endIndex ? "" : String(name[name.index(after: dot)...]))
    }
}
