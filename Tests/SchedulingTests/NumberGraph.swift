import ContentHash
import Scheduling
import StageProtocol

/// A graph of arithmetic on small numbers, one stage a task unless said otherwise.
struct NumberGraph {
    enum Node: Hashable {
        case source(Int)
        case task(Int)
    }
    struct Task {
        var inputs: [Node]
        /// The stage's config value `add`.
        var add: Int
        /// The stage's config value `modulus`: small ones make outputs that often come out the same.
        var modulus: Int
        var resources = WorkGraph.Resources(cores: 1, memoryBytes: 1)
        var leastCores: Int?
        var typicalSeconds: Double?
        var version = 1
        var manifest: String?
    }
    var sources: [Int]
    var tasks: [Task]

    var graph: WorkGraph {
        var graph = WorkGraph(pipeline: "numbers", sources: sources.indices.map { "source\($0)" }, items: [[]])
        for (index, task) in tasks.enumerated() {
            graph.stages.append(
                WorkGraph.Stage(
                    name: "t\(index)", manifest: task.manifest ?? "m\(index)", version: task.version,
                    manifestDigest: .ofNothing, command: ["sum"], folder: ".", inputPorts: ["in"],
                    outputPorts: [
                        .init(name: "out", type: ArtifactType(name: "n", format: .file, fileExtension: "txt"))
                    ],
                    resources: task.resources, leastCores: task.leastCores, typicalSeconds: task.typicalSeconds))
            graph.configs.append(["add": .integer(Int64(task.add)), "modulus": .integer(Int64(task.modulus))])
            let start = Int32(graph.inputs.count)
            for input in task.inputs {
                switch input {
                case .source(let source): graph.inputs.append(.init(port: 0, origin: .source(Int32(source)), item: 0))
                case .task(let task): graph.inputs.append(.init(port: 0, origin: .task(Int32(task), port: 0), item: 0))
                }
            }
            graph.tasks.append(
                WorkGraph.Task(
                    stage: Int32(index), item: 0, config: Int32(index), inputs: start..<Int32(graph.inputs.count),
                    seed: 0))
        }
        return graph
    }

    /// The reference: the value of each task, worked out plainly from the sources.
    var values: [Int] {
        var values: [Int] = []
        for task in tasks {
            let inputs = task.inputs.map { input -> Int in
                switch input {
                case .source(let source): sources[source]
                case .task(let producer): values[producer]
                }
            }
            values.append(NumberGraph.result(inputs, add: task.add, modulus: task.modulus))
        }
        return values
    }

    /// What decides about each task's result, spelled out: two tasks that agree in it need only one run.
    var recipes: [String] {
        let values = values
        return tasks.indices.map { index in
            let task = tasks[index]
            let inputs = task.inputs.map { input -> Int in
                switch input {
                case .source(let source): sources[source]
                case .task(let producer): values[producer]
                }
            }
            return "\(task.manifest ?? "m\(index)") \(task.version) \(task.add) \(task.modulus) \(inputs)"
        }
    }

    static func result(_ inputs: [Int], add: Int, modulus: Int) -> Int {
        (inputs.enumerated().reduce(add) { $0 + ($1.offset + 1) * $1.element }) % modulus
    }

    static func bytes(_ value: Int) -> [UInt8] { Array("\(value)".utf8) }

    /// What the fake program does: reads its input files, not the graph.
    static func work(_ world: MemoryWorld) -> (TaskRequest) -> Result<[[UInt8]], TaskFailure> {
        { request in
            guard case .integer(let add) = request.config["add"], case .integer(let modulus) = request.config["modulus"]
            else { return .failure(TaskFailure(code: .exited, message: "no config")) }
            let inputs = request.inputs[0].files.map {
                Int(String(decoding: world.bytes(at: $0.path), as: UTF8.self)) ?? -1
            }
            return .success([bytes(result(inputs, add: Int(add), modulus: Int(modulus)))])
        }
    }

    func write(to world: MemoryWorld) {
        for (index, value) in sources.enumerated() {
            if world.bytes(at: "source\(index)") != NumberGraph.bytes(value) {
                world.setSource("source\(index)", NumberGraph.bytes(value))
            }
        }
    }
}

/// Numbers from a seed (SplitMix64), so that a failing case can be named.
struct Dice {
    var state: UInt64
    init(_ seed: Int) { state = UInt64(bitPattern: Int64(seed)) }

    mutating func roll(_ range: Range<Int>) -> Int {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        z ^= z >> 31
        return range.lowerBound + Int(z % UInt64(range.count))
    }
}

extension NumberGraph {
    static func random(_ dice: inout Dice) -> NumberGraph {
        let sourceCount = dice.roll(1..<5)
        let count = dice.roll(1..<30)
        var tasks: [Task] = []
        for index in 0..<count {
            let inputs = (0..<dice.roll(0..<4)).map { _ -> Node in
                index > 0 && dice.roll(0..<3) > 0 ? .task(dice.roll(0..<index)) : .source(dice.roll(0..<sourceCount))
            }
            var task = Task(inputs: inputs, add: dice.roll(0..<5), modulus: [2, 3, 1000][dice.roll(0..<3)])
            task.resources.cores = dice.roll(1..<4)
            if dice.roll(0..<2) == 0 { task.leastCores = dice.roll(1..<4) }
            if dice.roll(0..<4) == 0 { task.manifest = "shared" }
            tasks.append(task)
        }
        return NumberGraph(sources: (0..<sourceCount).map { _ in dice.roll(0..<100) }, tasks: tasks)
    }
}

/// One run of a number graph on a world.
struct NumberRun {
    var summary: RunSummary
    var executor: FakeExecutor
    var events: [RunEvent]

    init(
        _ numbers: NumberGraph, _ world: MemoryWorld, options: RunOptions? = nil,
        prepare: (FakeExecutor, Engine) -> Void = { _, _ in }
    ) throws {
        numbers.write(to: world)
        let clock = ManualClock()
        executor = FakeExecutor(world, clock, work: NumberGraph.work(world))
        let list = EventList()
        let engine = Engine(
            numbers.graph, store: world, sources: world, executor: executor, clock: clock,
            options: options ?? NumberRun.options(), observer: list)
        prepare(executor, engine)
        summary = try engine.run()
        events = list.events
    }

    static func options(cores: Int = 4, modes: TaskModes = TaskModes(), keepGoing: Bool = false) -> RunOptions {
        RunOptions(cores: cores, memoryBytes: 100, keepGoing: keepGoing, modes: modes, publishLanes: 0, hashLanes: 0)
    }
}
