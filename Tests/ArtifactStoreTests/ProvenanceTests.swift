import ArtifactStore
import ContentHash
import Foundation
import Scheduling
import StageProtocol
import Testing

/// A store with five leaves that read a source each, and a top that gathers them.
private struct FiveLeaves {
    let folder = ScratchFolder()
    let store: ArtifactStore
    let top: StoredFile
    var sources: [String] = []
    var leaves: [StoredFile] = []

    init() throws {
        store = try ArtifactStore(path: folder.store)
        store.register([makeStage("leaf"), makeStage("top")])
        var inputs: [RecordedInput] = []
        for index in 0..<5 {
            let path = try folder.write("source\(index).txt", "source \(index)")
            sources.append(path)
            let item = [Coordinate(axis: "i", value: "\(index)")]
            let record = makeRecord(
                "leaf", item: item,
                inputs: [
                    RecordedInput(
                        port: "in", digest: digest("source \(index)"), item: item,
                        attributes: ["i": ["position_um": .real(20)]], origin: .source(path: path))
                ], config: ["size": .real(64), "count": .integer(3)])
            let file = try store.publish(record, ["leaf text \(index)"])[0]
            leaves.append(file)
            inputs.append(
                RecordedInput(
                    port: "in", digest: file.digest, item: item,
                    origin: .task(label: record.label, key: record.task.key, port: "out")))
        }
        top = try store.publish(makeRecord("top", inputs: inputs), ["top text"])[0]
    }

    func chain() throws -> ProvenanceChain { try store.provenance(of: digest("key of top"), artifact: top.digest) }

    func recordPath(_ label: String) -> String {
        let hex = digest("key of " + label).hex
        return folder.store + "/actions/\(hex.prefix(2))/\(hex.dropFirst(2)).json"
    }

    func flip(_ path: String, at position: Int = 2) throws {
        var bytes = try #require(FileManager.default.contents(atPath: path))
        bytes[position] ^= 0x20
        try FileManager.default.removeItem(atPath: path)
        try bytes.write(to: URL(fileURLWithPath: path))
    }
}

@Suite struct ProvenanceTests {
    @Test func chainReachesTheSourceFilesProducersFirst() throws {
        let case5 = try FiveLeaves()
        let chain = try case5.chain()
        #expect(chain.order.count == 6)
        #expect(chain.order.last == digest("key of top"))
        #expect(chain.sources.map(\.path) == case5.sources)
        #expect(chain.breaks.isEmpty)
        let result = case5.store.verify(chain)
        #expect(result.holds)
        // Six artifacts, five source files, the declarations of two stages.
        #expect(result.filesChecked == 13)
    }

    @Test func recordComesBackAsItWasWritten() throws {
        let case5 = try FiveLeaves()
        let record = try case5.store.record(digest("key of leaf[i=0]"))
        #expect(record.action.task.config == ["size": .real(64), "count": .integer(3)])
        #expect(record.action.task.inputs[0].attributes == ["i": ["position_um": .real(20)]])
        #expect(record.outputs[0].type == "text")
        #expect(try case5.store.declaration(of: record)?.outputPorts.map(\.name) == ["out"])
    }

    @Test func flippedByteAnywhereIsNamed() throws {
        let clean = try FiveLeaves()
        let paths = [clean.sources[3], clean.store.path(of: clean.leaves[2]), clean.store.path(of: clean.top)]
        for path in paths {
            let bytes = try #require(FileManager.default.contents(atPath: path))
            try clean.flip(path)
            let result = clean.store.verify(try clean.chain())
            #expect(result.problems.count == 1)
            #expect(result.problems.first?.contains(path) == true)
            try FileManager.default.removeItem(atPath: path)
            try bytes.write(to: URL(fileURLWithPath: path))
            #expect(clean.store.verify(try clean.chain()).holds)
        }
    }

    @Test func flippedByteInARecordIsNamed() throws {
        let case5 = try FiveLeaves()
        let path = case5.recordPath("leaf[i=1]")
        try case5.flip(path, at: 300)
        let result = case5.store.verify(try case5.chain())
        #expect(!result.holds)
        #expect(result.problems.contains { $0.contains(path) })
        try case5.flip(path, at: 300)
        try case5.flip(case5.recordPath("top"), at: 300)
        #expect(throws: StoreError.self) { try case5.chain() }
    }

    @Test func flippedByteInADeclarationIsNamed() throws {
        let case5 = try FiveLeaves()
        let declaration = try #require(try case5.store.record(digest("key of top")).declaration)
        let path = case5.folder.store + "/stages/\(declaration.hex.prefix(2))/\(declaration.hex.dropFirst(2)).json"
        try case5.flip(path, at: 100)
        #expect(case5.store.verify(try case5.chain()).problems.contains { $0.contains(path) })
    }

    @Test func goneRecordBreaksTheChainUnlessAnotherActionMadeTheSameBytes() throws {
        let case5 = try FiveLeaves()
        try FileManager.default.removeItem(atPath: case5.recordPath("leaf[i=1]"))
        #expect(try case5.chain().breaks.count == 1)
        try case5.store.publish(makeRecord("twin"), ["leaf text 1"])
        let chain = try case5.chain()
        #expect(chain.breaks.isEmpty)
        #expect(chain.nodes[digest("key of twin")] != nil)
    }

    @Test func lookupKnowsCopiesLabelsPortsAndDigests() throws {
        let case5 = try FiveLeaves()
        let store = case5.store
        let copy = case5.folder.path + "/elsewhere.bin"
        try FileManager.default.copyItem(atPath: store.path(of: case5.top), toPath: copy)
        let top = Lookup(key: digest("key of top"), artifact: case5.top.digest)
        #expect(try store.lookup(copy) == top)
        #expect(try store.lookup(case5.top.digest.hex) == top)
        #expect(try store.lookup(String(case5.top.digest.hex.prefix(10)).uppercased()) == top)
        #expect(try store.lookup("top.out") == top)
        #expect(try store.lookup("top") == Lookup(key: digest("key of top"), artifact: nil))
        #expect(try store.lookup("leaf[i=2]").key == digest("key of leaf[i=2]"))
        #expect(try store.lookup(digest("key of leaf[i=2]").hex).artifact == nil)
    }

    @Test func aStageOfAnImportedFileIsFoundThoughItsNameHasADot() throws {
        let folder = ScratchFolder()
        let store = try ArtifactStore(path: folder.store)
        store.register([makeStage("cohort.base")])
        let file = try store.publish(makeRecord("cohort.base"), ["base"])[0]
        #expect(try store.lookup("cohort.base") == Lookup(key: digest("key of cohort.base"), artifact: nil))
        #expect(try store.lookup("cohort.base.out") == Lookup(key: digest("key of cohort.base"), artifact: file.digest))
        #expect(throws: StoreError.self) { try store.lookup("cohort.other") }
    }

    @Test(arguments: ["nothing", "leaf[i=9]", "top.nowhere", "deadbeef", ""])
    func unknownThingIsNotFound(what: String) throws {
        let case5 = try FiveLeaves()
        let error = #expect(throws: StoreError.self) { try case5.store.lookup(what) }
        #expect(error?.code == .notFound)
    }

    @Test func severalTasksAreNamed() throws {
        let case5 = try FiveLeaves()
        let error = #expect(throws: StoreError.self) { try case5.store.lookup("leaf") }
        #expect(error?.code == .ambiguous)
        #expect(error?.message.contains("leaf[i=0]") == true)
    }

    @Test func damagedFileOfTheStoreIsSaidToBeDamaged() throws {
        let case5 = try FiveLeaves()
        let path = case5.store.path(of: case5.top)
        try case5.flip(path)
        let error = #expect(throws: StoreError.self) { try case5.store.lookup(path) }
        #expect(error?.code == .damaged)
    }
}

@Suite struct WholeStoreTests {
    @Test func damageIsNamedSetAsideAndMadeAgain() throws {
        let case5 = try FiveLeaves()
        let store = case5.store
        #expect(try store.verify(.init()).isSound)
        try case5.flip(store.path(of: case5.leaves[4]))
        #expect(try store.verify(.init(quick: true)).isSound)
        let found = try store.verify(.init())
        #expect(found.findings.map(\.kind) == [.damaged])
        #expect(found.findings.first?.tasks == ["leaf[i=4]"])
        #expect(found.findings.first?.setAside == true)
        #expect(try store.action(digest("key of leaf[i=4]"))?.missingOutput == 0)
        #expect(try store.verify(.init()).findings.map(\.kind) == [.missing])
        try store.publish(makeRecord("leaf", item: [.init(axis: "i", value: "4")]), ["leaf text 4"])
        #expect(try store.verify(.init()).isSound)
    }

    @Test func damagedRecordIsSetAsideAndItsTaskRunsAgain() throws {
        let case5 = try FiveLeaves()
        try case5.flip(case5.recordPath("top"), at: 400)
        let found = try case5.store.verify(.init())
        #expect(found.findings.map(\.kind) == [.damagedRecord])
        try case5.store.rebuildIndex()
        #expect(try case5.store.action(digest("key of top")) == nil)
    }

    @Test func collectionKeepsWhatCurrentTasksStandOn() throws {
        let case5 = try FiveLeaves()
        let store = case5.store
        // An older top, and an object that no record speaks of.
        try store.publish(makeRecord("top", key: digest("newer top"), ended: 2000), ["newer top"])
        let orphan = digest("orphan")
        try case5.folder.write("store/objects/\(orphan.hex.prefix(2))/\(orphan.hex.dropFirst(2)).txt", "orphan")
        var options = CollectionOptions(keepDays: 1, removes: false, now: 2000 + 2 * 86400)
        let counted = try store.collect(options)
        // The leaves are current themselves; only the old top goes.
        #expect(counted.actionsRemoved == 1)
        #expect(counted.objectsRemoved == 2)
        #expect(try store.action(digest("key of top")) != nil)
        options.removes = true
        store.endRun()
        let done = try store.collect(options)
        #expect(done.actionsRemoved == counted.actionsRemoved && done.bytesRemoved == counted.bytesRemoved)
        #expect(try store.action(digest("key of top")) == nil)
        #expect(try store.action(digest("newer top"))?.missingOutput == nil)
        #expect(try store.verify(.init()).isSound)
        options.removes = false
        #expect(try store.collect(options).actionsRemoved == 0)
    }

    @Test func collectionKeepsTheChainBehindACurrentTask() throws {
        let case5 = try FiveLeaves()
        // All leaves ran again with other results; the top, which was not run since, still stands on the old ones.
        for index in 0..<5 {
            let item = [Coordinate(axis: "i", value: "\(index)")]
            try case5.store.publish(
                makeRecord("leaf", key: digest("new \(index)"), item: item, ended: 1500), ["n\(index)"])
        }
        case5.store.endRun()
        let report = try case5.store.collect(.init(keepDays: 0, removes: true, now: 1e9))
        #expect(report.actionsRemoved == 0)
        #expect(case5.store.verify(try case5.chain()).holds)
    }

    @Test func collectionWaitsForNoRunButSaysThatItIsBusy() throws {
        let case5 = try FiveLeaves()
        let other = try ArtifactStore(path: case5.folder.store)
        try other.beginRun()
        case5.store.endRun()
        let error = #expect(throws: StoreError.self) { try case5.store.collect(.init(removes: true, now: 1e9)) }
        #expect(error?.code == .busy)
        other.endRun()
        #expect(try case5.store.collect(.init(removes: true, now: 1e9)).isDone)
    }

    @Test func examinationFindsAHealthyStoreGoodAndADamagedOneNot() throws {
        let case5 = try FiveLeaves()
        let healthy = case5.store.examine().filter { $0.name != "disk" }
        #expect(healthy.allSatisfy { $0.state == .good })
        try case5.flip(case5.recordPath("top"), at: 400)
        #expect(case5.store.examine().contains { $0.name == "records" && $0.state == .bad })
    }
}
