import Scheduling
import Testing

/// Stages that take from `leastCores` to `cores` cores.
@Suite struct SharedCoresTests {
    static func fan(_ count: Int, least: Int, most: Int, memoryBytes: Int64 = 1) -> NumberGraph {
        NumberGraph(
            sources: [1],
            tasks: (0..<count).map {
                .init(
                    inputs: [.source(0)], add: $0, modulus: 1000,
                    resources: WorkGraph.Resources(cores: most, memoryBytes: memoryBytes), leastCores: least)
            })
    }

    @Test func whileOthersWaitEachGetsTheFewest() throws {
        let run = try NumberRun(Self.fan(5, least: 1, most: 4), MemoryWorld())
        #expect(run.executor.startedCores == [1, 1, 1, 1, 4])
        #expect(run.executor.peak.cores == 4)
    }

    @Test func whatNobodyCouldStartWithIsGivenAway() throws {
        // Three tasks on eight cores: two of at most three cores each, the third with what is left.
        let run = try NumberRun(
            Self.fan(3, least: 1, most: 3), MemoryWorld(), options: NumberRun.options(cores: 8))
        #expect(run.executor.startedCores == [3, 3, 2])
    }

    @Test func aTaskThatMemoryKeepsFromStartingLeavesItsCores() throws {
        let run = try NumberRun(Self.fan(3, least: 1, most: 4, memoryBytes: 60), MemoryWorld())
        #expect(run.executor.startedCores == [4, 4, 4])
    }

    @Test func aTaskThatTakesAllCoresIsNotWaitedForByOneThatTakesFewer() throws {
        var numbers = Self.fan(2, least: 1, most: 4)
        numbers.tasks[1].leastCores = nil
        let run = try NumberRun(numbers, MemoryWorld())
        // Beside the first the second cannot start, whatever is left: the first has all.
        #expect(run.executor.startedCores == [4, 4])
        #expect(run.executor.peakJobs == 1)
    }

    @Test func aRetryGetsWhatTheFirstTryHad() throws {
        var numbers = Self.fan(2, least: 1, most: 4)
        for task in 0..<2 { numbers.tasks[task].resources.retries = 1 }
        var failed = false
        let run = try NumberRun(numbers, MemoryWorld()) { executor, _ in
            let work = executor.work
            executor.work = { request in
                if request.label == "t0", !failed {
                    failed = true
                    return .failure(TaskFailure(code: .signalled, message: "lost", mayPass: true))
                }
                return work(request)
            }
        }
        #expect(run.summary.isComplete)
        #expect(run.executor.started == ["t0", "t1", "t0"])
        #expect(run.executor.startedCores == [3, 1, 3])
    }
}
