internal import Glibc
public import Scheduling

/// One file that a run tells of when it is over.
public struct NewestFile: Sendable, Equatable {
    /// Name of the link in the store's folder `reports`, for example `full.html`.
    public var name: String
    public var file: StoredFile

    public init(name: String, file: StoredFile) {
        self.name = name
        self.file = file
    }
}

extension ArtifactStore {
    /// Makes `reports/NAME` lead to an object, whatever it led to before: a path that stays while the artifact is made anew.
    ///
    /// The link is relative, so that a store can be moved; it is replaced in one step, so that it always leads somewhere.
    ///
    /// - Returns: the link's path.
    /// - Throws: `StoreError` where the folder cannot be written.
    @discardableResult public func link(_ newest: NewestFile) throws -> String {
        try requireWritable()
        let folder = layout.reports
        try Posix.makeFolder(folder)
        let link = folder + "/" + ArtifactStore.fileName(newest.name)
        let object = path(of: newest.file)
        guard object.hasPrefix(layout.root + "/") else {
            throw StoreError(.inputOutput, "\(object) lies outside of the store \(path).", path: object)
        }
        let draft = link + ".\(getpid())"
        unlink(draft)
        guard symlink("../" + object.dropFirst(layout.root.count + 1), draft) == 0 else {
            throw Posix.failure("make the link", draft)
        }
        try Posix.rename(draft, to: link)
        return link
    }

    /// A name without what a file's name must not or should not have.
    private static func fileName(_ name: String) -> String {
        let kept = name.map { $0.isLetter || $0.isNumber || "-_.=,[]".contains($0) ? $0 : "_" }
        return kept.first == "." ? "_" + String(kept) : String(kept)
    }
}
