/// Who reads what: for every task and every source the tasks that read it, in two flat arrays.
///
/// A consumer that reads several files of one producer stands as often as it reads.
struct ConsumerIndex: Sendable {
    private var start: [Int32]
    private var consumers: [Int32]
    private let taskCount: Int

    init(_ graph: WorkGraph) {
        taskCount = graph.tasks.count
        start = [Int32](repeating: 0, count: graph.tasks.count + graph.sources.count + 1)
        for task in graph.tasks.indices {
            for position in graph.inputRange(of: task) {
                start[ConsumerIndex.node(graph.inputs[position].origin, taskCount: taskCount) + 1] += 1
            }
        }
        for node in 1..<start.count { start[node] += start[node - 1] }
        consumers = [Int32](repeating: 0, count: Int(start[start.count - 1]))
        var next = start
        for task in graph.tasks.indices {
            for position in graph.inputRange(of: task) {
                let node = ConsumerIndex.node(graph.inputs[position].origin, taskCount: taskCount)
                consumers[Int(next[node])] = Int32(task)
                next[node] += 1
            }
        }
    }

    func consumers(ofTask task: Int) -> ArraySlice<Int32> { consumers[Int(start[task])..<Int(start[task + 1])] }

    func consumers(ofSource source: Int) -> ArraySlice<Int32> { consumers(ofTask: taskCount + source) }

    private static func node(_ origin: WorkGraph.Origin, taskCount: Int) -> Int {
        switch origin {
        case .task(let task, port: _): Int(task)
        case .source(let source): taskCount + Int(source)
        }
    }
}

extension WorkGraph {
    /// The positions in `inputs` of what a task reads.
    func inputRange(of task: Int) -> Range<Int> {
        Int(tasks[task].inputs.lowerBound)..<Int(tasks[task].inputs.upperBound)
    }
}
