import ContentHash
import Scheduling
import StageProtocol
import Synchronization
import Testing

/// Budgets, order, failures, time limits, stopping, locks: all on manual time.
@Suite struct LoopTests {
    let world = MemoryWorld()

    static func fan(_ count: Int, cores: Int = 1) -> NumberGraph {
        let resources = WorkGraph.Resources(cores: cores, memoryBytes: 30)
        return NumberGraph(
            sources: [1],
            tasks: (0..<count).map {
                .init(inputs: [.source(0)], add: $0, modulus: 1000, resources: resources)
            })
    }

    @Test func coresMemoryAndJobsAreNeverExceeded() throws {
        let byCores = try NumberRun(Self.fan(20, cores: 2), MemoryWorld(), options: NumberRun.options(cores: 5))
        #expect(byCores.executor.peak.cores == 4)
        let byMemory = try NumberRun(Self.fan(20), MemoryWorld(), options: NumberRun.options(cores: 50))
        #expect(byMemory.executor.peak.memoryBytes == 90)
        var options = NumberRun.options(cores: 50)
        options.jobs = 2
        #expect(try NumberRun(Self.fan(20), MemoryWorld(), options: options).executor.peakJobs == 2)
    }

    @Test func aTaskLargerThanTheMachineRunsAlone() throws {
        var numbers = Self.fan(6)
        numbers.tasks[3].resources = WorkGraph.Resources(cores: 64, memoryBytes: 1 << 40)
        let run = try NumberRun(numbers, world)
        #expect(run.summary.isComplete)
        #expect(run.executor.peak.cores == 4)
    }

    @Test func aLargeTaskIsNotStarvedBySmallOnes() throws {
        var numbers = Self.fan(200)
        numbers.tasks[0].resources = WorkGraph.Resources(cores: 4, memoryBytes: 1)
        // Small tasks of unequal length: without patience four cores would never be free together.
        let run = try NumberRun(numbers, world) { executor, _ in
            executor.seconds = { 1 + 0.1 * Double($0.task % 3) }
        }
        let position = try #require(run.executor.started.firstIndex(of: "t0"))
        #expect(position <= 25)
    }

    @Test func theLongestChainStartsFirst() throws {
        // t0 stands alone; t1 … t4 are a chain.
        var tasks: [NumberGraph.Task] = [.init(inputs: [.source(0)], add: 0, modulus: 9)]
        tasks.append(.init(inputs: [.source(0)], add: 1, modulus: 9))
        for index in 2..<5 { tasks.append(.init(inputs: [.task(index - 1)], add: index, modulus: 9)) }
        let run = try NumberRun(
            NumberGraph(sources: [1], tasks: tasks), world, options: NumberRun.options(cores: 1))
        #expect(run.executor.started == ["t1", "t2", "t3", "t0", "t4"])
        // Known durations count more than depth.
        let slow = MemoryWorld()
        slow.state.withLock { $0.seconds = ["m0": 100] }
        let weighted = try NumberRun(
            NumberGraph(sources: [1], tasks: tasks), slow, options: NumberRun.options(cores: 1))
        #expect(weighted.executor.started.first == "t0")
    }

    @Test func aTaskSaidToTakeLongStartsFirstUntilTheStoreKnowsBetter() throws {
        var numbers = Self.fan(3)
        numbers.tasks[2].typicalSeconds = 60
        let said = try NumberRun(numbers, MemoryWorld(), options: NumberRun.options(cores: 1))
        #expect(said.executor.started == ["t2", "t0", "t1"])
        let seen = MemoryWorld()
        seen.state.withLock { $0.seconds = ["m0": 5, "m2": 0.1] }
        let known = try NumberRun(numbers, seen, options: NumberRun.options(cores: 1))
        #expect(known.executor.started == ["t0", "t1", "t2"])
    }

    func failing(_ label: String, mayPass: Bool = false) -> (FakeExecutor, Engine) -> Void {
        { executor, _ in
            let work = executor.work
            executor.work = { request in
                request.label == label
                    ? .failure(TaskFailure(code: .exited, message: "broken", status: 1, mayPass: mayPass))
                    : work(request)
            }
        }
    }

    @Test func afterAFailureSiblingsGoOnOnlyIfAsked() throws {
        var numbers = Self.fan(6)
        numbers.tasks.append(.init(inputs: [.task(0)], add: 0, modulus: 5))
        let options = NumberRun.options(cores: 1, keepGoing: true)
        let going = try NumberRun(numbers, MemoryWorld(), options: options, prepare: failing("t0"))
        #expect(going.summary.statuses == [.failed] + Array(repeating: .executed, count: 5) + [.skipped])
        let isNamed = going.events.contains {
            if case .skipped(task: 6, cause: 0) = $0 { true } else { false }
        }
        #expect(isNamed)
        let stopping = try NumberRun(
            numbers, MemoryWorld(), options: NumberRun.options(cores: 1), prepare: failing("t0"))
        #expect(stopping.executor.started == ["t0"])
        #expect(stopping.summary.count(.pending) + stopping.summary.count(.ready) == 5)
    }

    @Test func aFailedTaskRunsAgainNextTimeAndSaysWhy() throws {
        let numbers = Self.fan(2)
        _ = try NumberRun(numbers, world, options: NumberRun.options(keepGoing: true), prepare: failing("t1"))
        let plan = try Plan(numbers.graph, store: world, sources: world)
        #expect(plan.reasons == [1: .previouslyFailed(message: "broken")])
        #expect(try NumberRun(numbers, world).executor.started == ["t1"])
    }

    @Test func onlyFailuresThatMayPassAreTriedAgain() throws {
        var numbers = Self.fan(1)
        numbers.tasks[0].resources.retries = 2
        let final = try NumberRun(numbers, MemoryWorld(), prepare: failing("t0"))
        #expect(final.executor.started.count == 1)
        let passing = try NumberRun(numbers, MemoryWorld(), prepare: failing("t0", mayPass: true))
        #expect(passing.executor.started.count == 3)
        #expect(passing.summary.statuses == [.failed])
        var tries = 0
        let second = try NumberRun(numbers, world) { executor, _ in
            let work = executor.work
            executor.work = { request in
                tries += 1
                return tries == 1
                    ? .failure(TaskFailure(code: .exited, message: "busy", status: 3, mayPass: true)) : work(request)
            }
        }
        #expect(second.summary.statuses == [.executed])
        #expect(world.state.withLock { $0.records.map(\.attempt) } == [2])
    }

    @Test func aTaskPastItsTimeLimitIsAskedAndThenMadeToStop() throws {
        var numbers = Self.fan(2)
        for task in 0..<2 { numbers.tasks[task].resources.timeLimitSeconds = 60 }
        let run = try NumberRun(numbers, world, options: NumberRun.options(keepGoing: true)) { executor, _ in
            executor.seconds = { $0.label == "t0" ? 59 : 1000 }
            executor.obeysTerm = { _ in false }
        }
        #expect(run.summary.statuses == [.executed, .failed])
        #expect(run.summary.failures[1]?.code == .timedOut)
        #expect(run.executor.signals == ["TERM t1", "KILL t1"])
        #expect(run.executor.clock.monotonicSeconds == 70)
    }

    @Test func askedToStopItEndsRunningTasksAndKeepsWhatWasDone() throws {
        let numbers = Self.fan(8)
        let run = try NumberRun(numbers, world, options: NumberRun.options(cores: 2)) { executor, engine in
            let stop = engine.stop
            executor.beforeWait = { if executor.clock.monotonicSeconds >= 2 { stop() } }
        }
        #expect(run.summary.wasCancelled)
        #expect(run.summary.count(.executed) >= 4)
        #expect(run.summary.count(.cancelled) <= 2)
        #expect(!run.summary.isComplete)
        let kept = run.summary.count(.executed)
        #expect(world.state.withLock { $0.locked.isEmpty })
        let rest = try NumberRun(numbers, world)
        #expect(rest.executor.started.count == 8 - kept)
    }

    @Test func aKeyThatAnotherRunHoldsIsWaitedForAndItsResultTakenOver() throws {
        let numbers = Self.fan(3)
        numbers.write(to: world)
        let key = try #require(try Plan(numbers.graph, store: world, sources: world).keys[1])
        let lock = try #require(try world.tryLock(key))
        let result = NumberGraph.bytes(numbers.values[1])
        let run = try NumberRun(numbers, world) { executor, _ in
            executor.beforeWait = {
                guard executor.clock.monotonicSeconds > 5 else { return }
                // The other run publishes and lets go.
                let digest = ContentHasher.digest(of: result)
                world.state.withLock {
                    $0.objects[digest] = result
                    $0.actions[key] = [StoredFile(digest: digest, fileExtension: "txt", byteCount: 1)]
                }
                lock.release()
            }
        }
        #expect(run.summary.statuses == [.executed, .upToDate, .executed])
        #expect(run.executor.started == ["t0", "t2"])
    }

    @Test func ifTheOtherRunGivesUpWeDoTheTask() throws {
        let numbers = Self.fan(1)
        numbers.write(to: world)
        let key = try #require(try Plan(numbers.graph, store: world, sources: world).keys[0])
        let lock = try #require(try world.tryLock(key))
        let run = try NumberRun(numbers, world) { executor, _ in
            executor.beforeWait = { if executor.clock.monotonicSeconds > 5 { lock.release() } }
        }
        #expect(run.summary.statuses == [.executed])
    }

    @Test func aMissingSourceFailsItsReaderAlone() throws {
        var numbers = Self.fan(2)
        numbers.sources.append(7)
        numbers.tasks.append(.init(inputs: [.source(1)], add: 0, modulus: 10))
        numbers.write(to: world)
        let graph = numbers.graph
        world.setSource("source1", nil)
        let clock = ManualClock()
        let executor = FakeExecutor(world, clock, work: NumberGraph.work(world))
        let engine = Engine(
            graph, store: world, sources: world, executor: executor, clock: clock,
            options: NumberRun.options(keepGoing: true))
        let summary = try engine.run()
        #expect(summary.statuses == [.executed, .executed, .failed])
        #expect(summary.failures[2]?.code == .sourceUnreadable)
    }

    @Test func aSourceThatChangesUnderATaskSpoilsItsResult() throws {
        let numbers = Self.fan(1)
        let run = try NumberRun(numbers, world) { executor, _ in
            let work = executor.work
            let world = world
            executor.work = { request in
                world.setSource("source0", NumberGraph.bytes(55))
                return work(request)
            }
        }
        #expect(run.summary.failures[0]?.code == .sourceChanged)
        #expect(world.state.withLock { $0.actions.isEmpty })
    }

    @Test func aTaskThatNeedsMoreGPUsThanThereAreIsRefusedInWords() throws {
        var numbers = Self.fan(1)
        numbers.tasks[0].resources.gpus = 1
        let run = try NumberRun(numbers, world)
        #expect(run.summary.failures[0]?.message.contains("needs 1 GPUs and this run has 0") == true)
    }

    /// With lanes, publishing and hashing happen on other threads; the outcome is the same.
    @Test func publishingOnOtherThreadsGivesTheSame() throws {
        var dice = Dice(7)
        let numbers = NumberGraph.random(&dice)
        var options = NumberRun.options()
        options.publishLanes = 2
        options.hashLanes = 2
        let run = try NumberRun(numbers, world, options: options) { executor, _ in
            executor.beforeWait = { usleepABit() }
        }
        #expect(run.summary.isComplete)
        #expect(run.executor.started.count == Set(numbers.recipes).count)
    }
}
