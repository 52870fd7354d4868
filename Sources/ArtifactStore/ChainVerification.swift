internal import ContentHash
internal import Foundation
internal import Glibc
internal import Scheduling
internal import Synchronization

/// What rehashing a chain found.
public struct ChainVerification: Sendable {
    /// How many artifacts, source files and declarations were rehashed.
    public var filesChecked: Int
    public var bytesRead: Int64
    /// One sentence for each thing that is not as recorded; empty where the whole chain holds.
    public var problems: [String]

    public var holds: Bool { problems.isEmpty }
}

extension ArtifactStore {
    /// Rehashes everything in a chain: every artifact, every source file, every stage's declaration. Records prove
    /// themselves when they are read. All cores work; each file is read once.
    public func verify(_ chain: ProvenanceChain, progress: (@Sendable (Int, Int) -> Void)? = nil) -> ChainVerification {
        struct Check: Sendable {
            var path: String
            var digest: Digest
            var name: String
        }
        var checks: [Check] = []
        var seen = Set<String>()
        var problems = chain.breaks
        for key in chain.order {
            guard let record = chain.nodes[key]?.record else { continue }
            for output in record.outputs {
                let check = Check(
                    path: path(of: output.file), digest: output.digest,
                    name: "output '\(output.port)' of \(record.label)")
                if seen.insert(check.path).inserted { checks.append(check) }
            }
            if let digest = record.declaration {
                let check = Check(
                    path: layout.stage(digest), digest: digest, name: "the declaration of stage \(record.action.stage)")
                if seen.insert(check.path).inserted { checks.append(check) }
            }
        }
        for source in chain.sources {
            checks.append(Check(path: source.path, digest: source.digest, name: "source file"))
        }
        let done = Atomic<Int>(0)
        let bytes = Atomic<Int64>(0)
        let total = checks.count
        let found = checks.parallelMap { check -> String? in
            defer { progress?(done.wrappingAdd(1, ordering: .relaxed).newValue, total) }
            do {
                let (digest, stamp) = try FileDigest.of(path: check.path)
                bytes.wrappingAdd(stamp.sizeBytes, ordering: .relaxed)
                guard digest != check.digest else { return nil }
                return "\(check.name) is damaged: \(check.path) has SHA-256 \(digest.shortHex), recorded was "
                    + "\(check.digest.shortHex)"
            } catch {
                return access(check.path, F_OK) == 0
                    ? "\(check.name) cannot be checked: \(error)" : "\(check.name) is gone: \(check.path)"
            }
        }
        problems += found.compactMap { $0 }
        return ChainVerification(
            filesChecked: total, bytesRead: bytes.load(ordering: .relaxed), problems: problems)
    }
}
