internal import ContentHash
internal import Foundation
internal import Glibc
internal import Scheduling
internal import Synchronization

/// How thoroughly a store is checked.
public struct VerificationOptions: Sendable {
    /// Only names and sizes; no object is read.
    public var quick: Bool
    /// Whether damaged files are set aside, so that the next run makes them again.
    public var setsAside: Bool

    public init(quick: Bool = false, setsAside: Bool = true) {
        self.quick = quick
        self.setsAside = setsAside
    }
}

/// What a check of the whole store found.
public struct StoreVerification: Codable, Sendable {
    /// One damaged, missing or foreign file.
    public struct Finding: Codable, Sendable, Equatable {
        public enum Kind: String, Codable, Sendable {
            /// Bytes or size are not what name and record say.
            case damaged
            /// A record names it and it is not there.
            case missing
            /// A record file that is not whole.
            case damagedRecord
            /// In the objects' folder, but no object's name.
            case foreign
        }
        public var kind: Kind
        public var path: String
        /// Labels of the tasks that made it.
        public var tasks: [String]
        /// One sentence.
        public var message: String
        /// Where it was set aside; nil where it was left.
        public var setAside: Bool
    }

    public var objects: Int
    public var records: Int
    public var bytesRead: Int64
    public var findings: [Finding]

    /// Whether nothing is wrong; foreign files do no harm.
    public var isSound: Bool { findings.allSatisfy { $0.kind == .foreign } }
}

extension ArtifactStore {
    /// Checks every object and record of the store. What is damaged is named with the tasks that made it and moved to
    /// `quarantine/`, so that the next run finds it missing and makes it again.
    @discardableResult
    public func verify(
        _ options: VerificationOptions, progress: (@Sendable (Int, Int) -> Void)? = nil
    ) throws -> StoreVerification {
        let setsAside = options.setsAside && isWritable
        let objects = try RecordFiles.list(layout.objects)
        let recordFiles = try RecordFiles.list(layout.actions)
        let records = recordFiles.parallelMap { file in
            Result { () throws(StoreError) in try RecordFiles.read(file.path, key: file.digest) }
        }
        var makers: [Digest: [(label: String, bytes: Int64)]] = [:]
        var findings: [StoreVerification.Finding] = []
        var expected: [(path: String, digest: Digest)] = []
        for (file, record) in zip(recordFiles, records) {
            switch record {
            case .success(let record):
                for output in record?.outputs ?? [] {
                    makers[output.digest, default: []].append((record?.label ?? "", output.byteCount))
                    expected.append((path(of: output.file), output.digest))
                }
            case .failure(let error):
                let isAside = setsAside && (try? quarantine(file.path)) != nil
                findings.append(
                    .init(
                        kind: .damagedRecord, path: file.path, tasks: [], message: error.message, setAside: isAside))
            }
        }
        let done = Atomic<Int>(0)
        let bytesRead = Atomic<Int64>(0)
        let sizes = makers.compactMapValues { $0.first?.bytes }
        let problems = objects.parallelMap { object -> String? in
            defer { progress?(done.wrappingAdd(1, ordering: .relaxed).newValue, objects.count) }
            return self.problem(object, quick: options.quick, bytes: sizes[object.digest], bytesRead)
        }
        for (object, problem) in zip(objects, problems) {
            guard let problem else { continue }
            let tasks = Array(Set((makers[object.digest] ?? []).map(\.label))).sorted()
            let isAside = setsAside && (try? quarantine(object.path)) != nil
            findings.append(
                .init(kind: .damaged, path: object.path, tasks: tasks, message: problem, setAside: isAside))
        }
        let present = Set(objects.map(\.path))
        for (path, digest) in expected where !present.contains(path) {
            let tasks = Array(Set((makers[digest] ?? []).map(\.label))).sorted()
            let finding = StoreVerification.Finding(
                kind: .missing, path: path, tasks: tasks, message: "\(path) is missing.", setAside: false)
            if !findings.contains(finding) { findings.append(finding) }
        }
        findings += try foreignFiles()
        return StoreVerification(
            objects: objects.count, records: recordFiles.count, bytesRead: bytesRead.load(ordering: .relaxed),
            findings: findings)
    }

    private func problem(
        _ object: RecordFiles.Named, quick: Bool, bytes: Int64?, _ bytesRead: borrowing Atomic<Int64>
    ) -> String? {
        var status = Glibc.stat()
        guard lstat(object.path, &status) == 0 else { return nil }
        guard status.st_mode & S_IFMT == S_IFREG else { return "\(object.path) is not a plain file." }
        if let bytes, bytes != Int64(status.st_size) {
            return "\(object.path) has \(status.st_size) bytes, recorded were \(bytes)."
        }
        if quick { return nil }
        do {
            let (digest, stamp) = try FileDigest.of(path: object.path)
            bytesRead.wrappingAdd(stamp.sizeBytes, ordering: .relaxed)
            return digest == object.digest ? nil : "\(object.path) holds other bytes (SHA-256 \(digest.shortHex))."
        } catch {
            return "\(object.path) cannot be read: \(error.cause ?? error.message)"
        }
    }

    private func foreignFiles() throws -> [StoreVerification.Finding] {
        var findings: [StoreVerification.Finding] = []
        for shard in try Posix.names(in: layout.objects) {
            let folder = layout.objects + "/" + shard
            let names = Posix.isFolder(folder) ? try Posix.names(in: folder) : [""]
            for name in names where StoreLayout.digest(shard: shard, name: name) == nil {
                let path = name.isEmpty ? folder : folder + "/" + name
                findings.append(
                    .init(
                        kind: .foreign, path: path, tasks: [],
                        message: "\(path) is not named as an artifact; cyto-pipe did not put it there.", setAside: false
                    ))
            }
        }
        return findings
    }
}
