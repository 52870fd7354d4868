public import ContentHash
internal import Foundation
internal import Glibc
internal import Scheduling
internal import StageProtocol

/// What a user means by a file's path, a digest or a task's label.
public struct Lookup: Sendable, Equatable {
    /// The action that is meant, or that made the artifact that is meant.
    public var key: Digest
    /// The artifact; nil where an action as a whole is meant.
    public var artifact: Digest?
    /// Other actions that made the same bytes.
    public var otherProducers: [Digest]

    public init(key: Digest, artifact: Digest?, otherProducers: [Digest] = []) {
        self.key = key
        self.artifact = artifact
        self.otherProducers = otherProducers
    }
}

extension ArtifactStore {
    /// Finds what `what` means: the path of a file, wherever it was copied (it is hashed); a task's label, or enough of it
    /// to be the only one (`stack`, `align[item=7]`), with `.port` for one of its outputs; or the first digits, at least four, of
    /// an artifact's or action's digest.
    ///
    /// - Throws: `StoreError`: `notFound`, `ambiguous` with the candidates, or `damaged` for a file of this store whose
    ///   bytes are not what its name says.
    public func lookup(_ what: String) throws -> Lookup {
        if let found = try lookupFile(what) { return found }
        if let found = try lookupLabel(what) { return found }
        if let found = try lookupDigest(what) { return found }
        var message = "'\(what)' is no file, no task of the store \(path) and no digest in it."
        let labels = try tasks().map(\.label)
        if let near = nearest(what, in: labels) { message += " Did you mean '\(near)'?" }
        throw StoreError(.notFound, message)
    }

    private func lookupFile(_ what: String) throws -> Lookup? {
        guard ProgramSearch.plainFile(what) != nil else { return nil }
        let digest = try FileDigest.of(path: what).digest
        let keys = try producers(of: digest)
        if let first = keys.first {
            return Lookup(key: first, artifact: digest, otherProducers: Array(keys.dropFirst()))
        }
        let parts = ArtifactStore.absolute(what).split(separator: "/").suffix(2).map(String.init)
        if parts.count == 2, let named = StoreLayout.digest(shard: parts[0], name: parts[1])?.digest,
            let maker = try producers(of: named).first
        {
            throw StoreError(
                .damaged,
                "\(what) is damaged: its name says \(named.shortHex), made by \(try record(maker).label), but its bytes "
                    + "are \(digest.shortHex). `cyto-pipe verify` sets it aside and the next run makes it again.",
                path: what)
        }
        throw StoreError(
            .notFound,
            "No action of the store \(path) made \(what) (SHA-256 \(digest.shortHex)). It was made elsewhere, changed "
                + "afterwards, or its record was collected.", path: what)
    }

    private func lookupDigest(_ what: String) throws -> Lookup? {
        guard what.utf8.count >= 4, what.utf8.count <= 64, what.allSatisfy(\.isHexDigit) else { return nil }
        let (artifacts, actions) = try digests(withPrefix: what)
        if artifacts.count + actions.count > 1 {
            throw StoreError(
                .ambiguous,
                "'\(what)' begins several digests: "
                    + (artifacts + actions).prefix(8).map(\.shortHex).joined(separator: ", ") + ". Write more digits.")
        }
        if let key = actions.first { return Lookup(key: key, artifact: nil) }
        guard let digest = artifacts.first else { return nil }
        let keys = try producers(of: digest)
        return keys.first.map { Lookup(key: $0, artifact: digest, otherProducers: Array(keys.dropFirst())) }
    }

    private func lookupLabel(_ what: String) throws -> Lookup? {
        // A task, or `stage[…].port`. A dot may also stand in the name of a stage that a pipeline imports: `cohort.template`.
        let bracket = what.lastIndex(of: "]") ?? what.startIndex
        let dot = try knownTask(what) == nil ? what[bracket...].lastIndex(of: ".") : nil
        let label = dot.map { String(what[..<$0]) } ?? what
        let port = dot.map { String(what[what.index(after: $0)...]) }
        guard let task = try knownTask(label) else { return nil }
        guard let key = task.succeeded else {
            throw StoreError(
                .notFound, "\(task.label) has not succeeded yet; `cyto-pipe log '\(task.label)'` shows why.")
        }
        guard let port else { return Lookup(key: key, artifact: nil) }
        let outputs = try record(key).outputs
        guard let output = outputs.first(where: { $0.port == port }) else {
            throw StoreError(
                .notFound,
                "\(task.label) has no output '\(port)'; it has \(outputs.map(\.port).joined(separator: ", ")).")
        }
        return Lookup(key: key, artifact: output.digest)
    }

    /// The task that a label means: written in full, or with a part of its coordinates where only one task has them.
    ///
    /// - Returns: nil where no task has such a stage or coordinates.
    /// - Throws: `StoreError` with code `ambiguous` and the first candidates.
    public func knownTask(_ label: String) throws -> KnownTask? {
        let exact = try indexHolder.use { try $0.tasks(label: label) }
        if let newest = exact.first {
            return KnownTask(
                pipeline: newest.pipeline, label: newest.keys.label, succeeded: newest.keys.succeeded,
                failed: newest.keys.failed, ended: newest.keys.ended)
        }
        let (stage, wanted) = ArtifactStore.parts(of: label)
        let candidates = try tasks(stage: stage).filter { task in
            wanted.isSubset(of: ArtifactStore.parts(of: task.label).coordinates)
        }
        let labels = Set(candidates.map(\.label))
        guard labels.count <= 1 else {
            let some = labels.sorted().prefix(6).joined(separator: ", ")
            throw StoreError(
                .ambiguous, "'\(label)' means \(labels.count) tasks: \(some)\(labels.count > 6 ? ", …" : ""). Name one."
            )
        }
        return candidates.max { $0.ended < $1.ended }
    }

    private static func parts(of label: String) -> (stage: String, coordinates: Set<String>) {
        guard let bracket = label.firstIndex(of: "["), label.hasSuffix("]") else { return (label, []) }
        let inside = label[label.index(after: bracket)...].dropLast()
        let coordinates = inside.split(separator: ",").map { String($0).trimmingCharacters(in: .whitespaces) }
        return (String(label[..<bracket]), Set(coordinates))
    }

    /// The candidate with the fewest edits, if there are few.
    private func nearest(_ text: String, in candidates: [String]) -> String? {
        let limit = max(2, text.count / 4)
        return candidates.prefix(5000).map { ($0, ArtifactStore.edits(Array(text.utf8), Array($0.utf8))) }
            .filter { $0.1 <= limit }.min { $0.1 < $1.1 }?.0
    }

    /// Number of inserted, deleted and replaced bytes between two texts (Levenshtein 1966).
    private static func edits(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for i in left.indices {
            var diagonal = row[0]
            row[0] = i + 1
            for j in right.indices {
                let replaced = diagonal + (left[i] == right[j] ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(replaced, row[j] + 1, row[j + 1] + 1)
            }
        }
        return row[right.count]
    }
}
