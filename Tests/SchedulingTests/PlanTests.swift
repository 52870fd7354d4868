import ContentHash
import Scheduling
import StageProtocol
import Synchronization
import Testing

@Suite struct PlanTests {
    let world = MemoryWorld()
    let numbers = RebuildTests.diamond

    func plan(_ numbers: NumberGraph) throws -> Plan {
        numbers.write(to: world)
        return try Plan(numbers.graph, store: world, sources: world)
    }

    @Test func aFreshPlanSaysWhatMustAndWhatMayRun() throws {
        let plan = try plan(numbers)
        #expect(plan.verdicts == [.mustRun, .mustRun, .mayRun])
        #expect(plan.reasons == [0: .neverRun, 1: .neverRun, 2: .neverRun])
        #expect(plan.keys[2] == nil)
    }

    @Test func aPlanChangesNothing() throws {
        _ = try plan(numbers)
        #expect(world.state.withLock { $0.actions.isEmpty && $0.latest.isEmpty && $0.locked.isEmpty })
    }

    @Test func everyReasonIsFoundAndSaidInWords() throws {
        _ = try NumberRun(numbers, world)
        var changed = numbers
        changed.tasks[0].add = 9
        var reason = try #require(try plan(changed).reasons[0])
        #expect(reason == .configChanged(changes: [.init(name: "add", old: .integer(1), new: .integer(9))]))
        #expect(reason.sentence == "config changed: add 1 → 9")

        changed = numbers
        changed.tasks[0].version = 2
        reason = try #require(try plan(changed).reasons[0])
        #expect(reason == .versionChanged(old: 1, new: 2))
        #expect(reason.sentence == "the stage's version changed: 1 → 2")

        changed = numbers
        changed.sources[0] = 5
        reason = try #require(try plan(changed).reasons[0])
        #expect(
            reason
                == .inputChanged(
                    changes: [.init(port: "in", kind: .content, item: [], origin: "source0")], count: 1))
        #expect(reason.sentence == "input 'in' changed: source0")

        var graph = numbers.graph
        graph.stages[1].manifestDigest = ContentHasher.digest(of: [1])
        graph.tasks[0].seed = 5
        numbers.write(to: world)
        let plan = try Plan(graph, store: world, sources: world)
        #expect(plan.reasons == [0: .seedChanged(old: 0, new: 5), 1: .manifestChanged])
    }

    @Test func namesOfStagesAndPipelinesAndResourcesDoNotEnterKeys() throws {
        _ = try NumberRun(numbers, world)
        var graph = numbers.graph
        graph.pipeline = "another"
        for stage in graph.stages.indices {
            graph.stages[stage].name += "-renamed"
            graph.stages[stage].resources.cores = 64
            graph.stages[stage].folder = "/elsewhere"
        }
        let plan = try Plan(graph, store: world, sources: world)
        #expect(plan.count(.upToDate) == 3)
    }

    @Test func whatDecidesAboutAResultEntersTheKey() throws {
        numbers.write(to: world)
        func key(_ change: (inout WorkGraph) -> Void) throws -> Digest? {
            var graph = numbers.graph
            graph.items.append([Coordinate(axis: "a", value: "1")])
            change(&graph)
            return try Plan(graph, store: world, sources: world, withReasons: false).keys[0]
        }
        let keys = try [
            key { _ in }, key { $0.tasks[0].seed = 1 }, key { $0.stages[0].version = 2 },
            key { $0.stages[0].manifest = "other" },
            key { $0.stages[0].manifestDigest = ContentHasher.digest(of: [1]) },
            key { $0.configs[0]["add"] = .real(1) }, key { $0.configs[0]["add"] = .text("1") },
            key { $0.configs[0]["more"] = .null }, key { $0.tasks[0].item = 1 }, key { $0.inputs[0].item = 1 },
            key {
                $0.attributeSets = [["a": ["role": .text("x")]]]
                $0.inputs[0].attributes = 0
            },
        ]
        #expect(!keys.contains(nil))
        #expect(Set(keys).count == keys.count)
    }

    @Test func aMissingSourceBlocksItsReadersAndIsNamed() throws {
        numbers.write(to: world)
        world.setSource("source1", nil)
        let plan = try Plan(numbers.graph, store: world, sources: world)
        #expect(plan.verdicts == [.mustRun, .blocked, .blocked])
        #expect(plan.unreadableSources == [1: "there is no file source1"])
    }

    @Test func anEmptyGraphIsUpToDate() throws {
        let plan = try Plan(WorkGraph(pipeline: "nothing"), store: world, sources: world)
        #expect(plan.verdicts.isEmpty)
    }
}
