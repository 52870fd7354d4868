public import PipelineModel
public import Scheduling
internal import StageProtocol

/// What of a pipeline is wanted, as the command line says it.
public struct TaskSelection: Sendable {
    /// Names of targets or stages, or `stage[axis=value]`; none: the target `default`, or everything where there is none.
    public var targets: [String] = []
    /// Only these stages run; what they read must be there.
    public var only: [String] = []
    /// Only these stages and what comes after them run.
    public var from: [String] = []
    /// These stages run though they are up to date.
    public var force: [String] = []
    /// `axis=value`: only tasks at these items and what they need.
    public var items: [String] = []

    public init() {}
}

/// The tasks to look at, and how each is to be treated.
public struct SelectedTasks: Sendable {
    public var graph: WorkGraph
    public var modes: TaskModes
}

extension PipelineGraph {
    /// The part of the graph that a selection needs.
    ///
    /// - Throws: names of the selection that the pipeline does not have, all at once.
    public func select(_ selection: TaskSelection) throws(PipelineMistakes) -> SelectedTasks {
        var resolver = SelectionResolver(self)
        var goals = resolver.goals(selection.targets)
        let only = resolver.stages(selection.only, option: "--only")
        let from = resolver.stages(selection.from, option: "--from")
        let force = resolver.stages(selection.force, option: "--force")
        let items = resolver.items(selection.items)
        guard resolver.mistakes.isEmpty else { throw PipelineMistakes(resolver.mistakes) }

        if !items.isEmpty {
            close(&goals)
            for task in graph.tasks.indices where goals[task] {
                let item = graph.items[Int(graph.tasks[task].item)]
                goals[task] = items.allSatisfy { axis, values in
                    item.contains { $0.axis == axis && values.contains($0.value) }
                }
            }
        }
        close(&goals)
        var mayRun: [Bool]?
        if !only.isEmpty {
            mayRun = graph.tasks.map { only.contains($0.stage) }
        }
        if !from.isEmpty {
            var after = graph.tasks.map { from.contains($0.stage) }
            for task in graph.tasks.indices where !after[task] {
                after[task] = producers(of: task).contains { after[$0] }
            }
            mayRun = mayRun.map { zip($0, after).map { $0 || $1 } } ?? after
        }
        if let mayRun {
            for task in graph.tasks.indices where goals[task] { goals[task] = mayRun[task] }
            close(&goals)
        }
        let isWhole = goals.allSatisfy { $0 }
        let kept = isWhole ? Array(graph.tasks.indices) : graph.tasks.indices.filter { goals[$0] }
        let modes: [TaskModes.Mode] = kept.map { task in
            if let mayRun, !mayRun[task] { return .leftOut }
            return force.contains(graph.tasks[task].stage) ? .forced : .normal
        }
        let isPlain = modes.allSatisfy { $0 == .normal }
        return SelectedTasks(
            graph: isWhole ? graph : graph.reduced(to: kept), modes: isPlain ? TaskModes() : TaskModes(modes))
    }

    /// Adds what the marked tasks need, and what that needs.
    private func close(_ marked: inout [Bool]) {
        if marked.allSatisfy({ $0 }) { return }
        for task in graph.tasks.indices.reversed() where marked[task] {
            for producer in producers(of: task) { marked[producer] = true }
        }
    }

    private func producers(of task: Int) -> some Sequence<Int> {
        let range = graph.tasks[task].inputs
        return graph.inputs[Int(range.lowerBound)..<Int(range.upperBound)].lazy.compactMap { input in
            if case .task(let producer, port: _) = input.origin { return Int(producer) }
            return nil
        }
    }
}

extension WorkGraph {
    /// The graph of some tasks, ascending, that holds everything they read.
    func reduced(to kept: [Int]) -> WorkGraph {
        var result = WorkGraph(
            pipeline: pipeline, stages: stages, items: items, configs: configs, attributeSets: attributeSets)
        var taskNumbers = [Int32](repeating: -1, count: tasks.count)
        var sourceNumbers = [Int32](repeating: -1, count: sources.count)
        result.tasks.reserveCapacity(kept.count)
        for (number, index) in kept.enumerated() {
            var task = tasks[index]
            let start = Int32(result.inputs.count)
            for position in Int(task.inputs.lowerBound)..<Int(task.inputs.upperBound) {
                var input = inputs[position]
                switch input.origin {
                case .task(let producer, let port): input.origin = .task(taskNumbers[Int(producer)], port: port)
                case .source(let source):
                    if sourceNumbers[Int(source)] < 0 {
                        sourceNumbers[Int(source)] = Int32(result.sources.count)
                        result.sources.append(sources[Int(source)])
                    }
                    input.origin = .source(sourceNumbers[Int(source)])
                }
                result.inputs.append(input)
            }
            task.inputs = start..<Int32(result.inputs.count)
            taskNumbers[index] = Int32(number)
            result.tasks.append(task)
        }
        return result
    }
}

/// Looks up the names of a selection.
private struct SelectionResolver {
    let pipeline: Pipeline
    let graph: WorkGraph
    var mistakes: [Diagnostic] = []

    init(_ pipelineGraph: PipelineGraph) {
        pipeline = pipelineGraph.pipeline
        graph = pipelineGraph.graph
    }

    mutating func goals(_ names: [String]) -> [Bool] {
        var names = names
        if names.isEmpty {
            guard pipeline.targets.contains(where: { $0.name == "default" }) else {
                return [Bool](repeating: true, count: graph.tasks.count)
            }
            names = ["default"]
        }
        var goals = [Bool](repeating: false, count: graph.tasks.count)
        for name in names {
            if let bracket = name.firstIndex(of: "["), name.hasSuffix("]") {
                let stages = self.stages([String(name[..<bracket])], option: "target")
                let list = name[name.index(after: bracket)...].dropLast().split(separator: ",").map { String($0) }
                let wanted = items(list)
                for task in graph.tasks.indices where stages.contains(graph.tasks[task].stage) {
                    let item = graph.items[Int(graph.tasks[task].item)]
                    let matches = wanted.allSatisfy { axis, values in
                        item.contains { $0.axis == axis && values.contains($0.value) }
                    }
                    if matches { goals[task] = true }
                }
            } else {
                let stages: Set<Int32>
                if let target = pipeline.targets.first(where: { $0.name == name }) {
                    let stageNames = target.stages.map { pipeline.stages[$0].name }
                    stages = Set(
                        graph.stages.indices.filter { stageNames.contains(graph.stages[$0].name) }.map { Int32($0) })
                } else {
                    stages = self.stages([name], option: "target", candidates: pipeline.targets.map(\.name))
                }
                for task in graph.tasks.indices where stages.contains(graph.tasks[task].stage) { goals[task] = true }
            }
        }
        return goals
    }

    mutating func stages(_ names: [String], option: String, candidates: [String] = []) -> Set<Int32> {
        var stages: Set<Int32> = []
        for name in names {
            if let stage = graph.stages.firstIndex(where: { $0.name == name }) {
                stages.insert(Int32(stage))
            } else {
                note(
                    option, name,
                    option == "target" ? "there is no target or stage '\(name)'" : "there is no stage '\(name)'",
                    candidates: candidates + graph.stages.map(\.name))
            }
        }
        return stages
    }

    mutating func items(_ texts: [String]) -> [(axis: String, values: [String])] {
        var result: [(axis: String, values: [String])] = []
        for text in texts {
            guard let equals = text.firstIndex(of: "=") else {
                note("--item", text, "'\(text)' names no item; write axis=value", candidates: [])
                continue
            }
            let axis = String(text[..<equals])
            let value = String(text[text.index(after: equals)...])
            guard let known = pipeline.axes.first(where: { $0.name == axis }) else {
                note("--item", text, "there is no axis '\(axis)'", candidates: pipeline.axes.map(\.name), name: axis)
                continue
            }
            guard known.values.contains(value) else {
                note(
                    "--item", text, "axis '\(axis)' has no value '\(value)'", candidates: Array(Set(known.values)),
                    name: value)
                continue
            }
            if let position = result.firstIndex(where: { $0.axis == axis }) {
                result[position].values.append(value)
            } else {
                result.append((axis, [value]))
            }
        }
        return result
    }

    private mutating func note(
        _ option: String, _ text: String, _ message: String, candidates: [String], name: String? = nil
    ) {
        let mark = Mark(file: SourceFile(path: option, text: text), length: text.unicodeScalars.count)
        let suggestion = SpellingSuggestion.nearest(to: name ?? text, among: candidates)
        let expected =
            candidates.isEmpty || candidates.count > 24 ? nil : "one of \(candidates.sorted().joined(separator: ", "))"
        mistakes.append(Diagnostic(at: mark, message, expected: expected, suggestion: suggestion))
    }
}
