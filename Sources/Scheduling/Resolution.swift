internal import ContentHash

/// What is known of every task so far: its key once its inputs are known, its outputs once they are in the store.
///
/// Plan and loop share it: the plan follows the cache as far as it reaches, the loop goes on as tasks finish. Flat arrays, one
/// slot a task or output.
struct Resolution: Sendable {
    enum State: UInt8 {
        /// Some input is not known yet.
        case waiting
        /// The key is known; the cache has nothing (complete) under it, or the task is forced.
        case stale
        /// Outputs are known and in the store.
        case settled
        /// Left out by the user and not in the cache.
        case leftOut
    }

    let graph: WorkGraph
    let consumers: ConsumerIndex
    private(set) var state: [State]
    private(set) var keys: [Digest]
    /// Index of a missing output for stale tasks whose action is known; −1 otherwise.
    private(set) var missingOutput: [Int16]
    private var remaining: [Int32]
    private var outputStart: [Int32]
    private var outputs: [StoredFile?]
    private var sources: [Digest?]
    private var ready: [Int32] = []
    private var taskKeys = TaskKeys()

    init(_ graph: WorkGraph) {
        self.graph = graph
        let count = graph.tasks.count
        consumers = ConsumerIndex(graph)
        state = [State](repeating: .waiting, count: count)
        keys = [Digest](repeating: .ofNothing, count: count)
        missingOutput = [Int16](repeating: -1, count: count)
        remaining = [Int32](repeating: 0, count: count)
        outputStart = [Int32](repeating: 0, count: count + 1)
        for task in 0..<count {
            remaining[task] = Int32(graph.tasks[task].inputs.count)
            let ports = graph.stages[Int(graph.tasks[task].stage)].outputPorts.count
            outputStart[task + 1] = outputStart[task] + Int32(ports)
            if remaining[task] == 0 { ready.append(Int32(task)) }
        }
        outputs = [StoredFile?](repeating: nil, count: Int(outputStart[count]))
        sources = [Digest?](repeating: nil, count: graph.sources.count)
    }

    func isKnown(source: Int) -> Bool { sources[source] != nil }

    mutating func settle(source: Int, _ digest: Digest) {
        guard sources[source] == nil else { return }
        sources[source] = digest
        release(consumers.consumers(ofSource: source))
    }

    mutating func settle(task: Int, _ files: [StoredFile]) {
        guard state[task] != .settled else { return }
        state[task] = .settled
        let start = Int(outputStart[task])
        let count = Int(outputStart[task + 1]) - start
        precondition(files.count == count, "\(graph.label(of: task)) has \(count) outputs, not \(files.count).")
        for port in 0..<count { outputs[start + port] = files[port] }
        release(consumers.consumers(ofTask: task))
    }

    /// What became known of tasks in one step.
    struct Advance {
        var upToDate: [Int] = []
        var stale: [Int] = []
        var leftOut: [Int] = []
    }

    /// Follows the cache from everything that became known.
    mutating func advance(store: some ActionStore, modes: TaskModes) throws -> Advance {
        var found = Advance()
        while !ready.isEmpty {
            let level = ready
            ready.removeAll(keepingCapacity: true)
            // Taken out for the loop: it is changed while the rest of the resolution is read.
            var maker = taskKeys
            taskKeys = TaskKeys()
            for task in level {
                keys[Int(task)] = maker.key(of: Int(task), in: graph) { position in
                    digest(of: graph.inputs[position].origin) ?? .ofNothing
                }
            }
            taskKeys = maker
            let cached = try store.actions(for: level.map { keys[Int($0)] })
            for (index, cached) in zip(level, cached) {
                let task = Int(index)
                let mode = modes[task]
                let ports = Int(outputStart[task + 1] - outputStart[task])
                if let cached, cached.missingOutput == nil, cached.outputs.count == ports, mode != .forced {
                    settle(task: task, cached.outputs)
                    found.upToDate.append(task)
                } else if mode == .leftOut {
                    state[task] = .leftOut
                    found.leftOut.append(task)
                } else {
                    state[task] = .stale
                    missingOutput[task] = Int16(cached?.missingOutput ?? -1)
                    found.stale.append(task)
                }
            }
        }
        return found
    }

    func digest(of origin: WorkGraph.Origin) -> Digest? {
        switch origin {
        case .source(let source): sources[Int(source)]
        case .task(let task, let port): outputs[Int(outputStart[Int(task)] + port)]?.digest
        }
    }

    func output(port: Int, of task: Int) -> StoredFile? { outputs[Int(outputStart[task]) + port] }

    /// The known outputs of a task, in the order of its ports.
    func outputs(of task: Int) -> [StoredFile] {
        outputs[Int(outputStart[task])..<Int(outputStart[task + 1])].compactMap { $0 }
    }

    private mutating func release(_ readers: ArraySlice<Int32>) {
        for reader in readers {
            remaining[Int(reader)] -= 1
            if remaining[Int(reader)] == 0 { ready.append(reader) }
        }
    }
}
