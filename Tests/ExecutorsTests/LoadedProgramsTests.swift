import Executors
import Foundation
import Scheduling
import StageProtocol
import Testing

/// Tasks that are split off from a worker that stands loaded, with the real cyto-stage.
@Suite(
    .serialized,
    .enabled(if: FileManager.default.isExecutableFile(atPath: LocalRun.worker), "cyto-stage is not built"))
struct LoadedProgramsTests {
    let run: LocalRun

    init() throws {
        run = try LocalRun()
        try FileManager.default.copyItem(atPath: LocalRun.worker, toPath: run.folder.path + "/cyto-stage")
    }

    private func transforms(spacingMm: Double = 10, species: String = "human") throws -> TaskRequest {
        try run.request(
            ["cyto-stage", "phantom-transforms", "--job", "${job}"],
            outputs: ["exact", "transform", "error", "linear"],
            config: [
                "species": .text(species), "brain": .text("B01"), "spacing_mm": .real(spacingMm),
                "error_mm": .real(2),
            ], manifest: "phantom-transforms")
    }

    /// Runs small tasks until one was split off; the loaded program may need some time.
    private func warmUp() throws -> [TaskResult] {
        var results: [TaskResult] = []
        while run.executor.loadedStarts == 0 && results.count < 200 { results.append(run.result(of: try transforms())) }
        return results
    }

    /// This process's children and their command lines.
    private func children() throws -> [(pid: Int32, command: String)] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").map { thread in
            (try? String(contentsOfFile: "/proc/self/task/\(thread)/children", encoding: .utf8)) ?? ""
        }.joined(separator: " ").split(separator: " ").compactMap { Int32($0) }.map {
            ($0, (try? String(contentsOfFile: "/proc/\($0)/cmdline", encoding: .utf8)) ?? "")
        }
    }

    private func loadedProcess() throws -> Int32? {
        try children().first { $0.command.contains("serve-starts") }?.pid
    }

    @Test func aSplitOffTaskWritesWhatAStartedOneDoes() throws {
        let results = try warmUp() + [run.result(of: try transforms())]
        #expect(run.executor.loadedStarts > 0)
        let first = try #require(results.first).files.map { try Data(contentsOf: URL(filePath: $0.path)) }
        #expect(first.count == 4 && first.allSatisfy { !$0.isEmpty })
        for result in results {
            #expect(result.failure == nil, "\(result)")
            #expect(try result.files.map { try Data(contentsOf: URL(filePath: $0.path)) } == first)
        }
        // Of a short task that was started, the kernel's peak can be ours, which is then not told; of one that was split off it is its own.
        let last = try #require(results.last)
        #expect(last.cpuSeconds > 0.001 && last.peakMemoryBytes > 5_000_000 && last.peakMemoryBytes < 200_000_000)
        #expect(run.log(results.count) == "")
    }

    @Test func itsErrorsAndItsExitCodeAreTheTasksOwn() throws {
        _ = try warmUp()
        let before = run.executor.loadedStarts
        let failure = try #require(run.result(of: try transforms(spacingMm: 0.001)).failure)
        #expect(run.executor.loadedStarts == before + 1)
        #expect(failure.code == .exited && failure.status == WorkerExit.badJob)
        #expect(failure.message.contains("spacing_mm"), "\(failure.message)")
        #expect(run.result(of: try transforms()).failure == nil)
    }

    @Test func itIsStoppedLikeAnyOther() throws {
        _ = try warmUp()
        let request = try transforms(spacingMm: 0.5)
        run.executor.start(request)
        // `ps` shows the task, not the program that it was split off from, as soon as it runs.
        var shown: [String] = []
        let start = ContinuousClock.now
        while !shown.contains(where: { $0.contains("phantom-transforms") }), ContinuousClock.now - start < .seconds(5) {
            shown = try children().map(\.command)
        }
        #expect(shown.contains { $0.contains("phantom-transforms") && $0.contains("job.json") }, "\(shown)")
        run.executor.stop(task: request.task, force: true)
        var result: TaskResult?
        while result == nil {
            for case .ended(_, let ended) in run.executor.waitForEvents(seconds: 0.05) { result = ended }
        }
        #expect(result?.failure?.code == .signalled && result?.failure?.status == SIGKILL)
        #expect(run.result(of: try transforms()).failure == nil)
    }

    @Test func whereTheLoadedProgramIsKilledTasksAreStartedAsBefore() throws {
        _ = try warmUp()
        let process = try #require(try loadedProcess())
        kill(process, SIGKILL)
        let before = run.executor.loadedStarts
        for _ in 0..<3 { #expect(run.result(of: try transforms()).failure == nil) }
        #expect(run.executor.loadedStarts == before)
    }

    @Test func aProgramThatWasBuiltAnewIsTheOneThatRuns() throws {
        _ = try warmUp()
        try FileManager.default.removeItem(atPath: run.folder.path + "/cyto-stage")
        try run.folder.write("cyto-stage", "#!/bin/sh\necho new\nexit 4\n", executable: true)
        let failure = try #require(run.result(of: try transforms()).failure)
        #expect(failure.status == 4 && failure.lastLines == ["new"])
    }

    @Test func theLoadedProgramEndsWithTheExecutor() throws {
        var own: LocalRun? = try LocalRun()
        try FileManager.default.copyItem(atPath: LocalRun.worker, toPath: own!.folder.path + "/cyto-stage")
        for _ in 0..<5 {
            let request = try own!.request(
                ["cyto-stage", "phantom-transforms", "--job", "${job}"], config: [:], manifest: "phantom-transforms")
            _ = own!.result(of: request)
        }
        let process = try #require(try loadedProcess())
        #expect(isAlive(process))
        own = nil
        #expect(!isAlive(process))
    }
}
