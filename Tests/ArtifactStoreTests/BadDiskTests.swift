import ArtifactStore
import ContentHash
import Foundation
import Scheduling
import Testing

@Suite struct BadDiskTests {
    let folder = ScratchFolder()

    @Test func pathThatIsAFileIsRefusedWithItsName() throws {
        let path = try folder.write("file", "x")
        let error = #expect(throws: StoreError.self) { try ArtifactStore(path: path) }
        #expect(error?.description.contains(path) == true)
    }

    @Test func folderThatIsNoStoreIsNotMadeOneByAQuestion() throws {
        let error = #expect(throws: StoreError.self) { try ArtifactStore(path: folder.path, create: false) }
        #expect(error?.code == .notAStore)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).isEmpty)
    }

    @Test func storeOfAnotherFormatIsRefused() throws {
        _ = try ArtifactStore(path: folder.store)
        try Data("cyto-pipe artifact store, format 99\n".utf8).write(to: URL(fileURLWithPath: folder.store + "/format"))
        let error = #expect(throws: StoreError.self) { try ArtifactStore(path: folder.store) }
        #expect(error?.code == .notAStore)
        #expect(error?.message.contains("format 99") == true)
    }

    @Test func shardThatIsAFileFailsThePublicationWithItsName() throws {
        let store = try ArtifactStore(path: folder.store)
        try folder.write("store/objects/2c", "in the way")
        let error = #expect(throws: StoreError.self) { try store.publish(makeRecord("a"), ["hello"]) }
        #expect(error?.description.contains("objects/2c") == true)
        #expect(try store.action(digest("key of a")) == nil)
    }

    @Test(.enabled(if: getuid() != 0, "root writes to read-only folders"))
    func readOnlyStoreAnswersQuestions() throws {
        do { try ArtifactStore(path: folder.store).publish(makeRecord("a"), ["x"]) }
        let chmod = Process()
        chmod.executableURL = URL(fileURLWithPath: "/bin/chmod")
        chmod.arguments = ["-R", "a-w", folder.store]
        try chmod.run()
        chmod.waitUntilExit()
        let store = try ArtifactStore(path: folder.store, create: false)
        #expect(try store.action(digest("key of a")) != nil)
        #expect(throws: StoreError.self) { try store.beginRun() }
    }
}
