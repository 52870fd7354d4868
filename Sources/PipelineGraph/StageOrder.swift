internal import PipelineModel

/// The order in which stages can be expanded: producers before consumers.
struct StageOrder {
    /// Indices into the pipeline's stages.
    private(set) var order: [Int] = []
    /// Stages that read their own neighbours further along an axis: their tasks run from the axis's end.
    private(set) var reversed: Set<Int> = []
    private(set) var mistakes: [Diagnostic] = []

    init(_ pipeline: Pipeline) {
        let stages = pipeline.stages
        var state = [UInt8](repeating: 0, count: stages.count)
        var path: [(stage: Int, connections: [Pipeline.Connection], next: Int)] = []
        for stage in stages.indices { noteOwnNeighbours(of: stage, in: pipeline) }
        for root in stages.indices where state[root] == 0 {
            path.append((root, stages[root].inputs.flatMap { $0 }, 0))
            state[root] = 1
            while let top = path.last {
                guard top.next < top.connections.count else {
                    state[top.stage] = 2
                    order.append(top.stage)
                    path.removeLast()
                    continue
                }
                path[path.count - 1].next += 1
                let connection = top.connections[top.next]
                guard case .stage(let producer, port: _) = connection.origin, producer != top.stage else { continue }
                if state[producer] == 0 {
                    state[producer] = 1
                    path.append((producer, stages[producer].inputs.flatMap { $0 }, 0))
                } else if state[producer] == 1 {
                    let cycle = path.drop { $0.stage != producer }.map { stages[$0.stage].name }
                    // The path runs from consumer to producer; data flows the other way.
                    let names = ([producer].map { stages[$0].name } + cycle.reversed())
                    mistakes.append(
                        Diagnostic(
                            at: connection.mark,
                            "stages need each other in a circle: \(names.joined(separator: " -> "))",
                            expected: "stages that can run one after the other"))
                }
            }
        }
    }

    private mutating func noteOwnNeighbours(of stage: Int, in pipeline: Pipeline) {
        var isForward = false
        var isBackward = false
        for connection in pipeline.stages[stage].inputs.flatMap({ $0 }) where connection.origin.stage == stage {
            let offsets = connection.neighbours?.offsets ?? [0]
            isForward = isForward || offsets.contains { $0 >= 0 }
            isBackward = isBackward || offsets.contains { $0 <= 0 }
            if isForward, isBackward {
                mistakes.append(
                    Diagnostic(
                        at: connection.mark,
                        "stage '\(pipeline.stages[stage].name)' needs its own output in a circle: "
                            + "\(pipeline.stages[stage].name) -> \(pipeline.stages[stage].name)",
                        expected: "neighbours in one direction along one axis, as -1"))
                return
            }
        }
        if isForward { reversed.insert(stage) }
    }
}

extension Pipeline.Connection.Origin {
    /// The producing stage, nil for a source.
    var stage: Int? {
        if case .stage(let stage, port: _) = self { return stage }
        return nil
    }
}
