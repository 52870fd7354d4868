internal import ContentHash
internal import StageProtocol

/// Finds why a task runs: compares what it is made of now with the record of its last run.
struct ReasonFinder {
    let graph: WorkGraph
    /// How many changed inputs a reason names; the others are counted.
    static let namedInputs = 5

    /// The reason of a stale task whose inputs are all known.
    func reason(
        of task: Int, resolution: Resolution, mode: TaskModes.Mode, latest: LatestRecord?, outputMissing: Int?
    ) -> RunReason {
        if mode == .forced { return .forced }
        let stage = graph.stages[Int(graph.tasks[task].stage)]
        if let port = outputMissing { return .outputMissing(port: stage.outputPorts[port].name) }
        guard let latest else { return .neverRun }
        if latest.task.key == resolution.keys[task] {
            if let message = latest.failureMessage { return .previouslyFailed(message: message) }
            return .outputMissing(port: stage.outputPorts.first?.name ?? "")
        }
        if let reason = reasonBeforeInputs(of: task, latest: latest.task) { return reason }
        let (changes, count) = inputChanges(of: task, resolution: resolution, old: latest.task.inputs)
        return .inputChanged(changes: changes, count: count)
    }

    /// The reason that shows without looking at the inputs' contents; nil where there is none.
    func reasonBeforeInputs(of task: Int, latest: TaskRecord) -> RunReason? {
        let stage = graph.stages[Int(graph.tasks[task].stage)]
        if latest.version != stage.version { return .versionChanged(old: latest.version, new: stage.version) }
        let config = graph.configs[Int(graph.tasks[task].config)]
        if latest.manifest != stage.manifest { return .manifestChanged }
        if latest.config != config {
            let names = Set(config.keys).union(latest.config.keys)
            let changes = names.sorted().filter { config[$0] != latest.config[$0] }
                .map { RunReason.ConfigChange(name: $0, old: latest.config[$0], new: config[$0]) }
            return .configChanged(changes: changes)
        }
        if latest.manifestDigest != stage.manifestDigest { return .manifestChanged }
        if latest.seed != graph.tasks[task].seed {
            return .seedChanged(old: latest.seed, new: graph.tasks[task].seed)
        }
        return nil
    }

    private struct Place: Hashable {
        var port: String
        var item: [Coordinate]
    }

    private func inputChanges(
        of task: Int, resolution: Resolution, old: [RecordedInput]
    ) -> ([RunReason.InputChange], Int) {
        var before: [Place: RecordedInput] = [:]
        for input in old { before[Place(port: input.port, item: input.item)] = input }
        var changes: [RunReason.InputChange] = []
        var count = 0
        func note(_ port: String, _ kind: RunReason.InputChange.Kind, _ item: [Coordinate], _ origin: String) {
            count += 1
            if count <= ReasonFinder.namedInputs {
                changes.append(RunReason.InputChange(port: port, kind: kind, item: item, origin: origin))
            }
        }
        for position in graph.inputRange(of: task) {
            let input = graph.inputs[position]
            let port = graph.stages[Int(graph.tasks[task].stage)].inputPorts[Int(input.port)]
            let item = graph.items[Int(input.item)]
            let attributes = input.attributes < 0 ? [:] : graph.attributeSets[Int(input.attributes)]
            guard let previous = before.removeValue(forKey: Place(port: port, item: item)) else {
                note(port, .added, item, graph.originName(input.origin))
                continue
            }
            if previous.digest != resolution.digest(of: input.origin) {
                note(port, .content, item, graph.originName(input.origin))
            } else if previous.attributes != attributes {
                note(port, .attributes, item, graph.originName(input.origin))
            }
        }
        for input in old where before[Place(port: input.port, item: input.item)] != nil {
            note(input.port, .removed, input.item, input.origin.name)
        }
        if count == 0, let first = old.first { note(first.port, .order, first.item, first.origin.name) }
        return (changes, count)
    }
}

extension WorkGraph {
    /// The producing task's label or the source's path.
    func originName(_ origin: Origin) -> String {
        switch origin {
        case .task(let task, port: _): label(of: Int(task))
        case .source(let source): sources[Int(source)]
        }
    }
}

extension RecordedInput.Origin {
    var name: String {
        switch self {
        case .task(let label, key: _, port: _): label
        case .source(let path): path
        }
    }
}
