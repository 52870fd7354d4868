import ArtifactStore
import ContentHash
import Foundation
import Scheduling
import StageProtocol
import Testing

/// Figures for the closing notes, not checks: `CYTO_MEASURE=1 swift test -c release --filter StoreMeasurements`.
@Suite(
    .serialized, .enabled(if: ProcessInfo.processInfo.environment["CYTO_MEASURE"] != nil, "measures on request only"))
struct StoreMeasurements {
    let folder = ScratchFolder()

    private func time<Result>(_ what: String, per count: Int = 1, _ body: () throws -> Result) rethrows -> Result {
        let clock = ContinuousClock()
        var result: Result?
        let taken = try clock.measure { result = try body() }
        let seconds = Double(taken.components.seconds) + Double(taken.components.attoseconds) * 1e-18
        print("\(what): \(seconds * 1000) ms, \(seconds / Double(count) * 1e6) us each")
        return result.unsafelyUnwrapped
    }

    @Test func publishingOneByOneAndInBatches() throws {
        let store = try ArtifactStore(path: folder.store)
        store.register([makeStage("s")])
        try store.publish(makeRecord("s"), ["warm"])
        func records(_ name: String, _ count: Int) throws -> [Publication] {
            try (0..<count).map {
                try store.prepare(makeRecord("s", item: [.init(axis: name, value: "\($0)")]), ["\(name) \($0)"])
            }
        }
        let singles = try records("single", 1000)
        _ = time("publish, one at a time", per: 1000) { singles.map { store.publish([$0]) } }
        for size in [2, 4, 8, 16] {
            let batched = try records("batch\(size)", 960)
            time("publish, batches of \(size)", per: 960) {
                for first in stride(from: 0, to: 960, by: size) {
                    _ = store.publish(Array(batched[first..<(first + size)]))
                }
            }
        }
        time("work folder made and removed", per: 1000) {
            for _ in 0..<1000 {
                if let path = try? store.makeWorkFolder(for: digest("k")) { store.removeWorkFolder(path) }
            }
        }
        time("lock taken and released", per: 1000) {
            for index in 0..<1000 { (try? store.tryLock(digest("k\(index)")))??.release() }
        }
    }

    @Test func aHundredThousandActions() throws {
        let count = 100_000
        var keys: [Digest] = []
        do {
            let store = try ArtifactStore(path: folder.store)
            let texts = (0..<count).map { "text \($0)" }
            try time("100,000 published in batches of 1000", per: count) {
                for first in stride(from: 0, to: count, by: 1000) {
                    let batch = try (first..<first + 1000).map {
                        try store.prepare(makeRecord("s", item: [.init(axis: "i", value: "\($0)")]), [texts[$0]])
                    }
                    keys += batch.map(\.record.task.key)
                    for publication in store.publish(batch) { _ = try publication.get() }
                }
            }
        }
        let store = try time("store opened") { try ArtifactStore(path: folder.store) }
        let actions = try time("actions(for: 100,000 keys)", per: count) { try store.actions(for: keys) }
        #expect(actions.allSatisfy { $0?.missingOutput == nil && $0 != nil })
        let unknown = keys.map { digest($0.hex) }
        _ = try time("actions(for: 100,000 unknown keys)", per: count) { try store.actions(for: unknown) }
        _ = try time("actions(for: 1000 keys)", per: 1000) { try store.actions(for: Array(keys.prefix(1000))) }
        _ = try time("actions(for: 1 key) 1000 times", per: 1000) {
            for key in keys.prefix(1000) { _ = try store.action(key) }
        }
        let labels = (0..<1000).map { "s[i=\($0)]" }
        _ = try time("latestRecords(1000)", per: 1000) { try store.latestRecords(pipeline: "p", labels: labels) }
        var graph = WorkGraph(
            pipeline: "p", stages: [makeStage("s")], items: (0..<count).map { [.init(axis: "i", value: "\($0)")] },
            configs: [[:]])
        graph.tasks = (0..<count).map { .init(stage: 0, item: Int32($0), config: 0, inputs: 0..<0, seed: 0) }
        try time("recordCurrent, first") { try store.recordCurrent(graph, keys: keys, isWhole: true) }
        try time("recordCurrent, unchanged") { try store.recordCurrent(graph, keys: keys, isWhole: true) }
        _ = try time("verify", per: count) { try store.verify(.init()) }
        _ = try time("verify --quick", per: count) { try store.verify(.init(quick: true)) }
        _ = try time("gc, counting only", per: count) { try store.collect(.init(now: 1e10)) }
        _ = try time("index made again", per: count) { try store.rebuildIndex() }
    }

    @Test func sources() throws {
        let store = try ArtifactStore(path: folder.store)
        let paths = try (0..<20_000).map { try folder.write("s/\($0).txt", "text \($0)") }
        usleep(100_000)
        _ = try time("20,000 small sources hashed", per: 20_000) { try store.sources.digests(of: paths) }
        _ = try time("20,000 sources known", per: 20_000) { try store.sources.known(paths) }
        let big = folder.path + "/big"
        try Data(count: 1 << 30).write(to: URL(fileURLWithPath: big))
        _ = try time("1 GiB hashed", per: 1) { try FileDigest.of(path: big) }
    }
}
