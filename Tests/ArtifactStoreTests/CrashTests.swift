import ArtifactStore
import ContentHash
import Foundation
import Scheduling
import Testing

private struct Crash: Error {}

@Suite struct CrashTests {
    let folder = ScratchFolder()

    /// Whatever the moment, either the action is there whole or it is not there; and a second try ends like a clean run.
    @Test(arguments: ArtifactStore.Failpoint.allCases)
    func deathInAPublicationLeavesAllOrNothing(point: ArtifactStore.Failpoint) throws {
        do {
            let dying = try ArtifactStore(path: folder.store) { if $0 == point { throw Crash() } }
            #expect(throws: Crash.self) { try dying.publish(makeRecord("a"), ["one", "two"]) }
        }
        let store = try ArtifactStore(path: folder.store)
        let key = digest("key of a")
        if let action = try store.action(key) {
            #expect(point == .afterRecordRename || point == .afterIndex)
            #expect(action.missingOutput == nil)
            #expect(action.outputs.map(\.digest) == [digest("one"), digest("two")])
        } else {
            #expect(point != .afterRecordRename && point != .afterIndex)
        }
        try store.publish(makeRecord("a"), ["one", "two"])
        let clean = try ArtifactStore(path: folder.path + "/clean")
        try clean.publish(makeRecord("a"), ["one", "two"])
        for part in ["objects", "actions"] {
            #expect(try contents(of: folder.store + "/" + part) == contents(of: folder.path + "/clean/" + part))
        }
    }

    @Test func recordCutOffAnywhereIsNeverAccepted() throws {
        let store = try ArtifactStore(path: folder.store)
        try store.publish(makeRecord("a"), ["x"])
        let hex = digest("key of a").hex
        let path = folder.store + "/actions/\(hex.prefix(2))/\(hex.dropFirst(2)).json"
        let whole = try #require(FileManager.default.contents(atPath: path))
        try FileManager.default.removeItem(atPath: folder.store + "/index.sqlite")
        for length in 0..<whole.count {
            try FileManager.default.removeItem(atPath: path)
            try whole.prefix(length).write(to: URL(fileURLWithPath: path))
            #expect(throws: StoreError.self) { try store.record(digest("key of a")) }
        }
        let reopened = try ArtifactStore(path: folder.store)
        #expect(try reopened.action(digest("key of a")) == nil)
        try FileManager.default.removeItem(atPath: path)
        try whole.write(to: URL(fileURLWithPath: path))
        #expect(try reopened.record(digest("key of a")).label == "a")
    }

    @Test func recordWithAnyByteAlteredIsNeverAccepted() throws {
        let store = try ArtifactStore(path: folder.store)
        try store.publish(makeRecord("a"), ["x"])
        let hex = digest("key of a").hex
        let path = folder.store + "/actions/\(hex.prefix(2))/\(hex.dropFirst(2)).json"
        let whole = try #require(FileManager.default.contents(atPath: path))
        for position in whole.indices {
            var altered = whole
            altered[position] ^= 1
            try FileManager.default.removeItem(atPath: path)
            try altered.write(to: URL(fileURLWithPath: path))
            #expect(throws: StoreError.self) { try store.record(digest("key of a")) }
        }
    }

    @Test func recordUnderAnotherKeysNameIsNotAccepted() throws {
        let store = try ArtifactStore(path: folder.store)
        try store.publish(makeRecord("a"), ["x"])
        try store.publish(makeRecord("b"), ["y"])
        func path(_ label: String) -> String {
            let hex = digest("key of " + label).hex
            return folder.store + "/actions/\(hex.prefix(2))/\(hex.dropFirst(2)).json"
        }
        try FileManager.default.removeItem(atPath: path("b"))
        try FileManager.default.copyItem(atPath: path("a"), toPath: path("b"))
        #expect(throws: StoreError.self) { try store.record(digest("key of b")) }
    }

    @Test func workFoldersOfDeadRunsAreSweptAndThoseOfLivingRunsStay() throws {
        let temporary = folder.store + "/tmp"
        let living = try ArtifactStore(path: folder.store)
        let livingFolder = try living.makeWorkFolder(for: digest("k"))
        try FileManager.default.createDirectory(
            atPath: temporary + "/1-1-1/3/scratch", withIntermediateDirectories: true)
        try folder.write("store/tmp/1-1-1/owner", "")
        try folder.write("store/tmp/1-1-1/3/scratch/big", "half a result")
        try folder.write("store/tmp/draft-1-1", "half a record")
        let next = try ArtifactStore(path: folder.store)
        try next.beginRun()
        #expect(!FileManager.default.fileExists(atPath: temporary + "/1-1-1"))
        #expect(!FileManager.default.fileExists(atPath: temporary + "/draft-1-1"))
        #expect(FileManager.default.fileExists(atPath: livingFolder))
        living.endRun()
        #expect(!FileManager.default.fileExists(atPath: livingFolder))
    }

    @Test func removingAWorkFolderTouchesNothingOutside() throws {
        let store = try ArtifactStore(path: folder.store)
        let outside = try folder.write("precious.txt", "x")
        store.removeWorkFolder(outside)
        store.removeWorkFolder(folder.store + "/tmp/../../precious.txt")
        #expect(FileManager.default.fileExists(atPath: outside))
    }
}
