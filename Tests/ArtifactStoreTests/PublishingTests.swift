import ArtifactStore
import ContentHash
import Foundation
import Scheduling
import StageProtocol
import Testing

@Suite struct PublishingTests {
    let folder = ScratchFolder()

    @Test func publishedFileIsNamedByItsBytesAndReadOnly() throws {
        let store = try ArtifactStore(path: folder.store)
        let file = try store.publish(makeRecord("a"), ["hello"])[0]
        #expect(file.digest == digest("hello"))
        #expect(file.byteCount == 5)
        let path = store.path(of: file)
        #expect(path.hasSuffix("/objects/2c/" + digest("hello").hex.dropFirst(2) + ".txt"))
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "hello")
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o444)
        #expect(try store.action(digest("key of a")) == CachedAction(outputs: [file]))
    }

    @Test func sameBytesAreKeptOnce() throws {
        let store = try ArtifactStore(path: folder.store)
        let first = try store.publish(makeRecord("a"), ["same"])[0]
        let inode = try FileManager.default.attributesOfItem(atPath: store.path(of: first))[.systemFileNumber] as? Int
        let second = try store.publish(makeRecord("b"), ["same"])[0]
        #expect(first == second)
        #expect(
            try FileManager.default.attributesOfItem(atPath: store.path(of: first))[.systemFileNumber] as? Int == inode)
    }

    @Test func outputsKeepTheirOrderAndCount() throws {
        let store = try ArtifactStore(path: folder.store)
        let files = try store.publish(makeRecord("a"), ["z", "a", "z", ""])
        #expect(files.map(\.digest) == [digest("z"), digest("a"), digest("z"), Digest.ofNothing])
        #expect(try store.action(digest("key of a"))?.outputs == files)
    }

    @Test func anotherProcessSeesWhatWasPublished() throws {
        let first = try ArtifactStore(path: folder.store)
        let second = try ArtifactStore(path: folder.store)
        let file = try first.publish(makeRecord("a"), ["x"])[0]
        #expect(try second.action(digest("key of a"))?.outputs == [file])
    }

    @Test func missingOutputFailsOnlyItsTask() throws {
        let store = try ArtifactStore(path: folder.store)
        var bad = try store.prepare(makeRecord("bad"), ["x"])
        bad.files[0].path += ".nowhere"
        let good = try store.prepare(makeRecord("good"), ["y"])
        let results = store.publish([bad, good])
        #expect(throws: StoreError.self) { try results[0].get() }
        #expect(try results[1].get().map(\.digest) == [digest("y")])
        #expect(try store.action(digest("key of bad")) == nil)
    }

    @Test func folderAsOutputIsRefused() throws {
        let store = try ArtifactStore(path: folder.store)
        var publication = try store.prepare(makeRecord("a"), ["x"])
        publication.files[0].path = (publication.files[0].path as NSString).deletingLastPathComponent
        #expect(throws: StoreError.self) { try store.publish([publication])[0].get() }
    }

    @Test(arguments: [true, false]) func linkedOutputIsCopiedSoThatItsOtherEndCannotChangeIt(symbolic: Bool) throws {
        let store = try ArtifactStore(path: folder.store)
        let outside = try folder.write("outside.txt", "before")
        var publication = try store.prepare(makeRecord("a"), ["x"])
        let path = publication.files[0].path + ".link"
        if symbolic {
            try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: outside)
        } else {
            try FileManager.default.linkItem(atPath: outside, toPath: path)
        }
        publication.files[0].path = path
        let file = try store.publish([publication])[0].get()[0]
        let handle = try #require(FileHandle(forWritingAtPath: outside))
        try handle.write(contentsOf: Data("after!".utf8))
        try handle.close()
        #expect(try String(contentsOfFile: store.path(of: file), encoding: .utf8) == "before")
    }

    @Test func goneObjectIsReportedAsMissingAndMadeAgain() throws {
        let store = try ArtifactStore(path: folder.store)
        let files = try store.publish(makeRecord("a"), ["one", "two"])
        try FileManager.default.removeItem(atPath: store.path(of: files[1]))
        #expect(try store.action(digest("key of a"))?.missingOutput == 1)
        try store.publish(makeRecord("a"), ["one", "two"])
        #expect(try store.action(digest("key of a"))?.missingOutput == nil)
    }

    @Test func objectOfAnotherSizeIsMissingAndItsPlaceIsTakenByARightOne() throws {
        let store = try ArtifactStore(path: folder.store)
        let file = try store.publish(makeRecord("a"), ["whole"])[0]
        let path = store.path(of: file)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        try Data("who".utf8).write(to: URL(fileURLWithPath: path))
        #expect(try store.action(digest("key of a"))?.missingOutput == 0)
        try store.publish(makeRecord("a"), ["whole"])
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "whole")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.store + "/quarantine").count == 1)
    }

    @Test func newestRecordOfALabelIsTheLastOne() throws {
        let store = try ArtifactStore(path: folder.store)
        let old = makeRecord("a", key: digest("k1"), ended: 10)
        let new = makeRecord("a", key: digest("k2"), ended: 20)
        try store.publish(old, ["1"])
        try store.publish(new, ["2"])
        #expect(
            try store.latestRecords(pipeline: "p", labels: ["a", "b"]).map { $0?.task.key } == [digest("k2"), nil])
        #expect(try store.latestRecords(pipeline: "q", labels: ["a"]) == [nil])
    }

    @Test func failureIsTheNewestUntilTheTaskSucceeds() throws {
        let store = try ArtifactStore(path: folder.store)
        try store.publish(makeRecord("a", key: digest("k1"), ended: 10), ["1"])
        var failed = makeRecord("a", key: digest("k2"), ended: 20)
        failed.failure = TaskFailure(code: .exited, message: "a exited with 3.", status: 3)
        try store.recordFailure(failed)
        let latest = try store.latestRecords(pipeline: "p", labels: ["a"])[0]
        #expect(latest?.failureMessage == "a exited with 3.")
        #expect(latest?.task.key == digest("k2"))
        #expect(try store.action(digest("k2")) == nil)
        try store.publish(makeRecord("a", key: digest("k2"), ended: 30), ["2"])
        #expect(try store.latestRecords(pipeline: "p", labels: ["a"])[0]?.failureMessage == nil)
    }

    @Test func manyKeysAndFewGiveTheSameAnswers() throws {
        let store = try ArtifactStore(path: folder.store)
        let records = (0..<300).map { makeRecord("s", item: [.init(axis: "i", value: "\($0)")]) }
        let results = store.publish(try records.map { try store.prepare($0, ["text of \($0.label)"]) })
        #expect(results.allSatisfy { (try? $0.get()) != nil })
        // Every other key is unknown, one is asked for twice, and they come in no order.
        var keys = records.flatMap { [$0.task.key, digest("unknown " + $0.label)] }
        keys.append(keys[0])
        keys.shuffle()
        let atOnce = try store.actions(for: keys)
        let single = try keys.map { try store.action($0) }
        #expect(atOnce == single)
        #expect(atOnce.filter { $0 != nil }.count == 301)
    }

    @Test func typicalSecondsComeFromWhatRan() throws {
        let store = try ArtifactStore(path: folder.store)
        try store.publish(makeRecord("a"), ["x"])
        #expect(try store.typicalSeconds(manifests: ["a", "b"]) == [2, nil])
    }
}
