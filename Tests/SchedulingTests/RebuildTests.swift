import ContentHash
import Scheduling
import StageProtocol
import Synchronization
import Testing

/// The engine against a plain model: right results, and nothing runs that need not.
@Suite struct RebuildTests {
    /// Mokhov, Mitchell, Peyton Jones 2018: a build is correct if every output equals the one that its inputs demand; and it is minimal
    /// if no task runs whose recipe has run before.
    @Test(arguments: 0..<150) func randomGraphsComeOutRightAndNothingRunsTwice(seed: Int) throws {
        var dice = Dice(seed)
        var numbers = NumberGraph.random(&dice)
        let world = MemoryWorld()
        var done: Set<String> = []
        for _ in 0..<6 {
            let run = try NumberRun(numbers, world)
            #expect(run.summary.isComplete)
            let fresh = Set(numbers.recipes).subtracting(done)
            #expect(run.executor.started.count == fresh.count)
            #expect(run.executor.peak.cores <= 4)
            done.formUnion(fresh)
            try expectOutputs(of: numbers, in: world)
            switch dice.roll(0..<4) {
            case 0: numbers.sources[dice.roll(0..<numbers.sources.count)] = dice.roll(0..<100)
            case 1: numbers.tasks[dice.roll(0..<numbers.tasks.count)].add = dice.roll(0..<5)
            case 2: numbers.tasks[dice.roll(0..<numbers.tasks.count)].version += 1
            default: world.touchSource("source0")
            }
        }
    }

    func expectOutputs(of numbers: NumberGraph, in world: MemoryWorld) throws {
        let plan = try Plan(numbers.graph, store: world, sources: world)
        for (task, value) in numbers.values.enumerated() {
            #expect(plan.verdicts[task] == .upToDate)
            #expect(plan.outputs(of: task).map(\.digest) == [ContentHasher.digest(of: NumberGraph.bytes(value))])
        }
    }

    /// Stops the process at every single step that touches the store. The next run needs no flag, gives the same bytes and repeats
    /// no task whose action was kept.
    @Test(arguments: 0..<12) func aRunKilledAtAnyStepIsFinishedByTheNext(seed: Int) throws {
        var dice = Dice(1000 + seed)
        let numbers = NumberGraph.random(&dice)
        var haltAt = 1
        while true {
            let world = MemoryWorld()
            world.restart(haltAt: haltAt)
            var wasHalted = false
            do {
                let first = try NumberRun(numbers, world)
                // A halt while publishing is a failed task, not a throw.
                wasHalted = !first.summary.isComplete
            } catch is Halt {
                wasHalted = true
            }
            guard wasHalted else { break }
            let kept = world.state.withLock { $0.actions.count }
            world.restart()
            let second = try NumberRun(numbers, world)
            #expect(second.summary.isComplete)
            #expect(second.executor.started.count == Set(numbers.recipes).count - kept)
            try expectOutputs(of: numbers, in: world)
            haltAt += 1
        }
        #expect(haltAt > numbers.tasks.count)
    }

    static let diamond = NumberGraph(
        sources: [3, 4],
        tasks: [
            .init(inputs: [.source(0)], add: 1, modulus: 1000), .init(inputs: [.source(1)], add: 2, modulus: 2),
            .init(inputs: [.task(0), .task(1)], add: 3, modulus: 1000),
        ])

    @Test func touchingASourceRunsNothing() throws {
        let world = MemoryWorld()
        _ = try NumberRun(Self.diamond, world)
        world.touchSource("source0")
        let again = try NumberRun(Self.diamond, world)
        #expect(again.executor.started.isEmpty)
        #expect(again.summary.count(.upToDate) == 3)
    }

    @Test func anUnchangedOutputStopsTheWave() throws {
        let world = MemoryWorld()
        var numbers = Self.diamond
        _ = try NumberRun(numbers, world)
        // t1 computes modulo 2: 4 and 6 give the same.
        numbers.sources[1] = 6
        let again = try NumberRun(numbers, world)
        #expect(again.executor.started == ["t1"])
        let isUnchanged = again.events.contains {
            if case .finished(task: 1, _, _, _, unchanged: true) = $0 { true } else { false }
        }
        #expect(isUnchanged)
    }

    @Test func goingBackToAnOldConfigRunsNothing() throws {
        let world = MemoryWorld()
        var numbers = Self.diamond
        _ = try NumberRun(numbers, world)
        numbers.tasks[0].add = 7
        #expect(try NumberRun(numbers, world).executor.started == ["t0", "t2"])
        numbers.tasks[0].add = 1
        #expect(try NumberRun(numbers, world).executor.started.isEmpty)
    }

    @Test func forcedTasksRunAndTheirConsumersDoNot() throws {
        let world = MemoryWorld()
        _ = try NumberRun(Self.diamond, world)
        let modes = TaskModes([.forced, .normal, .normal])
        let again = try NumberRun(Self.diamond, world, options: NumberRun.options(modes: modes))
        #expect(again.executor.started == ["t0"])
        #expect(world.state.withLock { $0.records.last?.reason } == .forced)
    }

    @Test func aMissingObjectIsMadeAgain() throws {
        let world = MemoryWorld()
        _ = try NumberRun(Self.diamond, world)
        let lost = ContentHasher.digest(of: NumberGraph.bytes(Self.diamond.values[2]))
        world.state.withLock { _ = $0.objects.removeValue(forKey: lost) }
        let plan = try Plan(Self.diamond.graph, store: world, sources: world)
        #expect(plan.reasons == [2: .outputMissing(port: "out")])
        #expect(try NumberRun(Self.diamond, world).executor.started == ["t2"])
    }

    @Test func tasksLeftOutAreTakenFromTheStoreOrBlockWhatNeedsThem() throws {
        let world = MemoryWorld()
        let modes = TaskModes([.leftOut, .normal, .normal])
        let first = try NumberRun(Self.diamond, world, options: NumberRun.options(modes: modes, keepGoing: true))
        #expect(first.summary.statuses == [.leftOut, .executed, .skipped])
        _ = try NumberRun(Self.diamond, world)
        let second = try NumberRun(Self.diamond, world, options: NumberRun.options(modes: modes))
        #expect(second.summary.count(.upToDate) == 3)
    }
}
