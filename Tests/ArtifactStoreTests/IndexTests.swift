import ArtifactStore
import ContentHash
import Foundation
import Scheduling
import StageProtocol
import Testing

@Suite struct IndexTests {
    let folder = ScratchFolder()

    private func fill(_ store: ArtifactStore) throws -> [Digest] {
        let records = (0..<50).map {
            makeRecord("s", item: [.init(axis: "i", value: "\($0)")], ended: 100 + Double($0))
        }
        _ = store.publish(try records.map { try store.prepare($0, ["text of \($0.label)"]) })
        var failed = makeRecord("late", ended: 500)
        failed.failure = TaskFailure(code: .exited, message: "broke.")
        try store.recordFailure(failed)
        return records.map(\.task.key)
    }

    private func answers(_ store: ArtifactStore, _ keys: [Digest]) throws -> String {
        let labels = (0..<50).map { "s[i=\($0)]" } + ["late"]
        return "\(try store.actions(for: keys)) \(try store.latestRecords(pipeline: "p", labels: labels))"
    }

    @Test func deletedIndexIsMadeAgainFromTheRecords() throws {
        let keys: [Digest]
        let before: String
        do {
            let store = try ArtifactStore(path: folder.store)
            keys = try fill(store)
            before = try answers(store, keys)
        }
        for suffix in ["", "-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: folder.store + "/index.sqlite" + suffix)
        }
        #expect(try answers(ArtifactStore(path: folder.store), keys) == before)
    }

    /// Random bytes over the whole file, over its head, over any page: the answers stay right.
    @Test(arguments: 0..<8) func garbledIndexIsMadeAgain(seed: Int) throws {
        let keys: [Digest]
        let before: String
        do {
            let store = try ArtifactStore(path: folder.store)
            keys = try fill(store)
            before = try answers(store, keys)
        }
        let path = folder.store + "/index.sqlite"
        // What stands in the write-ahead log is in no page yet: without it the file is older, and the records make up for it.
        for suffix in ["-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
        var bytes = try #require(FileManager.default.contents(atPath: path))
        var state = UInt64(seed) &+ 1
        let range = seed == 0 ? 0..<100 : seed == 1 ? 0..<bytes.count : (seed * 997 % bytes.count)..<bytes.count
        for position in range {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            bytes[position] = UInt8(truncatingIfNeeded: state >> 33)
        }
        try bytes.write(to: URL(fileURLWithPath: path))
        let store = try ArtifactStore(path: folder.store)
        let after = try store.actions(for: keys)
        #expect(after.allSatisfy { $0?.missingOutput == nil && $0 != nil })
        try store.rebuildIndex()
        #expect(try answers(store, keys) == before)
    }

    @Test func emptyIndexFileIsMadeAgain() throws {
        let keys = try fill(ArtifactStore(path: folder.store))
        for suffix in ["-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: folder.store + "/index.sqlite" + suffix)
        }
        try Data().write(to: URL(fileURLWithPath: folder.store + "/index.sqlite"))
        #expect(try ArtifactStore(path: folder.store).actions(for: keys).allSatisfy { $0 != nil })
    }

    @Test func indexRemovedUnderAnOpenStoreDoesNotStopIt() throws {
        let store = try ArtifactStore(path: folder.store)
        let keys = try fill(store)
        for suffix in ["", "-wal", "-shm"] {
            try? FileManager.default.removeItem(atPath: folder.store + "/index.sqlite" + suffix)
        }
        try store.publish(makeRecord("new", ended: 900), ["new"])
        let other = try ArtifactStore(path: folder.store)
        #expect(try other.actions(for: keys + [digest("key of new")]).allSatisfy { $0 != nil })
    }

    @Test func garbageInTheStoreFolderIsPassedOver() throws {
        let store = try ArtifactStore(path: folder.store)
        let keys = try fill(store)
        for name in [
            "objects/README", "objects/zz/abc", "actions/ab", "actions/00/nothex.json", "actions/0g/x.json",
            "objects/aa/short.h5",
        ] {
            _ = try? folder.write("store/" + name, "garbage")
        }
        try store.rebuildIndex()
        #expect(try store.actions(for: keys).allSatisfy { $0 != nil })
        try store.verify(.init())
    }

    @Test func currentActionFollowsTheConfigBack() throws {
        let store = try ArtifactStore(path: folder.store)
        try store.publish(makeRecord("a", key: digest("old"), ended: 10), ["1"])
        try store.publish(makeRecord("a", key: digest("new"), ended: 20), ["2"])
        var graph = WorkGraph(pipeline: "p", stages: [makeStage("a")], items: [[]], configs: [[:]])
        graph.tasks = [.init(stage: 0, item: 0, config: 0, inputs: 0..<0, seed: 0)]
        try store.recordCurrent(graph, keys: [digest("old")], isWhole: true)
        #expect(try store.latestRecords(pipeline: "p", labels: ["a"])[0]?.task.key == digest("old"))
        // The same graph again is the same; another one is another.
        try store.recordCurrent(graph, keys: [digest("old")], isWhole: true)
        try store.recordCurrent(graph, keys: [digest("new")], isWhole: true)
        #expect(try store.latestRecords(pipeline: "p", labels: ["a"])[0]?.task.key == digest("new"))
    }
}
