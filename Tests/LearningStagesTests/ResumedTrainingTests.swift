import Foundation
import Testing

/// A training that is killed and taken up again, by the built programs: runner, worker and store.
@Suite(
    .serialized,
    .enabled(if: BuiltPrograms.areThere("cyto-pipe", "cyto-learn"), "the programs are not built beside the tests"))
struct ResumedTrainingTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("resume-\(UUID().uuidString)")

    init() throws {
        let stages = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../stages").standardized
        try FileManager.default.createDirectory(
            at: folder.appending(path: "stages"), withIntermediateDirectories: true)
        for name in ["types.yaml", "pretraining.yaml"] {
            try FileManager.default.copyItem(
                at: stages.appending(path: name), to: folder.appending(path: "stages/\(name)"))
        }
        try writeStripedPatches(to: folder.appending(path: "patches.h5").path)
        let pipeline = """
            pipeline: small
            sources: { patches: { file: patches.h5, type: patch-set } }
            stages:
              pretraining:
                inputs: { patches: patches }
                config:
                  network: small
                  patch_side_px: 32
                  batch_size: 16
                  steps: 60
                  learning_rate: 0.2
                  projection_width: 16
                  mixed_precision: false
                  checkpoint_steps: 5
                resources: { cores: 1, memory: 1GiB }
            """
        try Data(pipeline.utf8).write(to: folder.appending(path: "p.yaml"))
    }

    private func start(_ arguments: String...) throws -> (process: Process, output: () -> String) {
        let process = Process()
        process.executableURL = URL(filePath: BuiltPrograms.path("cyto-pipe"))
        process.arguments = arguments
        process.currentDirectoryURL = folder
        process.environment = ProcessInfo.processInfo.environment.merging(["CYTO_DEVICE": "cpu"]) { $1 }
        let output = folder.appending(path: UUID().uuidString)
        try Data().write(to: output)
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = process.standardOutput
        try process.run()
        return (process, { (try? String(contentsOf: output, encoding: .utf8)) ?? "" })
    }

    private func run(_ arguments: [String], store: String) throws -> String {
        let run = try start(arguments[0], arguments[1], "--store", store)
        run.process.waitUntilExit()
        #expect(run.process.terminationStatus == 0, "\(run.output())")
        return run.output()
    }

    private func model(_ store: String) throws -> Data? {
        let path = try run(["path", "pretraining"], store: store).trimmingCharacters(in: .whitespacesAndNewlines)
        return FileManager.default.contents(atPath: path)
    }

    private func checkpoints(_ store: String) -> [String] {
        let root = folder.appending(path: store + "/checkpoints")
        return (FileManager.default.enumerator(atPath: root.path)?.allObjects as? [String] ?? [])
            .filter { $0.hasSuffix("checkpoint.h5") }.map { root.appending(path: $0).path }
    }

    @Test func aRunKilledMidwayGoesOnFromItsCheckpointAndEndsWithTheSameBytes() throws {
        _ = try run(["run", "p.yaml"], store: "unbroken")
        #expect(checkpoints("unbroken").isEmpty)
        let killed = try start("run", "p.yaml", "--store", "broken")
        while checkpoints("broken").isEmpty, killed.process.isRunning { usleep(20_000) }
        kill(killed.process.processIdentifier, SIGKILL)
        killed.process.waitUntilExit()
        let left = try #require(checkpoints("broken").first)
        // The worker dies with its runner; until it has, it may still write.
        usleep(500_000)
        let before = try FileManager.default.attributesOfItem(atPath: left)[.modificationDate] as? Date
        let told = try run(["gc", "--json"], store: "broken")
        #expect(told.contains("\"checkpointsKept\": 1"), "\(told)")
        _ = try run(["run", "p.yaml"], store: "broken")
        let shown = try run(["show", "pretraining"], store: "broken")
        #expect(shown.contains("resumed_at_step"), "\(shown) \(String(describing: before))")
        #expect(checkpoints("broken").isEmpty)
        let (one, other) = try (model("unbroken"), model("broken"))
        #expect(one != nil && one == other)
    }
}
