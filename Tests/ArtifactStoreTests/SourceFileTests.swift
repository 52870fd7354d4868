import ArtifactStore
import ContentHash
import Foundation
import Scheduling
import Testing

@Suite struct SourceFileTests {
    let folder = ScratchFolder()

    private func age(_ path: String, seconds: Double) throws {
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -seconds)], ofItemAtPath: path)
    }

    @Test func digestIsRememberedAcrossStores() throws {
        let path = try folder.write("a.txt", "abc")
        try age(path, seconds: 100)
        do {
            let store = try ArtifactStore(path: folder.store)
            #expect(try store.sources.known([path]) == [.unknown])
            #expect(try store.sources.hash(path) == digest("abc"))
            #expect(try store.sources.known([path]) == [.known(digest("abc"))])
        }
        #expect(try ArtifactStore(path: folder.store).sources.known([path]) == [.known(digest("abc"))])
    }

    @Test func changedFileIsNotKnown() throws {
        let store = try ArtifactStore(path: folder.store)
        let path = try folder.write("a.txt", "abc")
        try age(path, seconds: 100)
        _ = try store.sources.hash(path)
        try age(path, seconds: 50)
        #expect(try store.sources.known([path]) == [.unknown])
        _ = try store.sources.hash(path)
        try FileManager.default.removeItem(atPath: path)
        try folder.write("a.txt", "abd")
        try age(path, seconds: 50)
        #expect(try store.sources.known([path]) == [.unknown])
        #expect(try store.sources.hash(path) == digest("abd"))
    }

    /// A file of coarse time that was hashed within two seconds of its last change could change again unseen.
    @Test func digestTakenTooSoonIsNotTrusted() throws {
        let store = try ArtifactStore(path: folder.store)
        let path = try folder.write("a.txt", "abc")
        let whole = Date(timeIntervalSince1970: Date().timeIntervalSince1970.rounded(.down))
        try FileManager.default.setAttributes([.modificationDate: whole], ofItemAtPath: path)
        _ = try store.sources.hash(path)
        #expect(try store.sources.known([path]) == [.unknown])
    }

    @Test func racyWindowFollowsTheGrainOfTheTime() {
        func stamp(_ modifiedNs: Int64) -> FileStamp {
            FileStamp(sizeBytes: 1, modifiedNs: modifiedNs, inode: 1, device: 1)
        }
        let second: Int64 = 1_000_000_000
        #expect(stamp(100 * second).isRacy(atNs: 101 * second))
        #expect(!stamp(100 * second).isRacy(atNs: 103 * second))
        #expect(!stamp(100 * second + 123_456).isRacy(atNs: 101 * second))
        #expect(stamp(100 * second + 123_456).isRacy(atNs: 100 * second + 10_000_000))
        // A time of the future is not one that a write of now would leave.
        #expect(!stamp(500 * second).isRacy(atNs: 100 * second))
    }

    @Test func absentFolderAndPipeAreNamed() throws {
        let store = try ArtifactStore(path: folder.store)
        try folder.write("file", "x")
        mkfifo(folder.path + "/pipe", 0o644)
        let paths = ["/none", "", "/pipe", "/file/below"].map { folder.path + $0 }
        for (path, state) in zip(paths, try store.sources.known(paths)) {
            guard case .missing(let message) = state else {
                Issue.record("\(path) is \(state)")
                continue
            }
            #expect(message.contains(path))
        }
    }

    @Test func manyFilesAndFewGiveTheSameAnswers() throws {
        let store = try ArtifactStore(path: folder.store)
        var paths: [String] = []
        for index in 0..<1500 {
            let path = try folder.write("many/\(index)é.txt", "text \(index)")
            try age(path, seconds: 1000)
            paths.append(path)
        }
        paths.append(folder.path + "/many/none.txt")
        paths.append(paths[3])
        paths.shuffle()
        let hashed = try store.sources.digests(of: paths)
        #expect(hashed.filter { (try? $0.get()) == nil }.count == 1)
        let atOnce = try store.sources.known(paths)
        #expect(atOnce == (try paths.flatMap { try store.sources.known([$0]) }))
        #expect(atOnce.filter { if case .known = $0 { true } else { false } }.count == 1501)
    }

    @Test func bigFileIsHashedInPieces() throws {
        let path = folder.path + "/big"
        let bytes = [UInt8]((0..<1_000_003).map { UInt8(truncatingIfNeeded: $0 * 7) })
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        #expect(try FileDigest.of(path: path).digest == ContentHasher.digest(of: bytes))
    }
}
