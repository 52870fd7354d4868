internal import ArtifactStore
internal import PipelineGraph
internal import PipelineModel
internal import Scheduling
internal import StageProtocol

/// What would run and why, for people and programs.
struct PlanReport {
    let graph: WorkGraph
    let plan: Plan
    /// Stages that are left out whole, and what they would read that is not there.
    let leftOut: [(stage: String, missing: String)]

    init(tasks: SelectedTasks, of pipeline: Pipeline, store: ArtifactStore) throws {
        graph = tasks.graph
        leftOut = pipeline.stages.compactMap { stage in stage.leftOutFor.map { (stage.name, $0) } }
        plan = try Plan(tasks.graph, store: store, sources: store.sources, modes: tasks.modes)
        // What was learned of source files is worth keeping: the run that follows need not hash them again.
        store.endRun()
    }

    private struct StageLine {
        var counts: [Plan.Verdict: Int] = [:]
        var must = ReasonGroups()
        var may = ReasonGroups()
        var blocked = 0
    }

    private var stageLines: [StageLine] {
        var lines = graph.stages.map { _ in StageLine() }
        for task in graph.tasks.indices {
            let stage = Int(graph.tasks[task].stage)
            let verdict = plan.verdicts[task]
            lines[stage].counts[verdict, default: 0] += 1
            if verdict == .mustRun { lines[stage].must.add(plan.reasons[task]) }
            if verdict == .mayRun { lines[stage].may.add(plan.reasons[task]) }
        }
        return lines
    }

    func write(isVerbose: Bool, asJSON: Bool) throws {
        StandardOutput.write(asJSON ? JSONText.of(json) : isVerbose ? verboseText : text)
    }

    /// One line a stage.
    var text: String {
        var table = TextTable([.left, .right, .left, .left])
        for (stage, line) in zip(graph.stages, stageLines) {
            let total = line.counts.values.reduce(0, +)
            guard total > 0 else { continue }
            var parts: [String] = []
            if let count = line.counts[.mustRun] { parts.append("\(CountText.of(count)) run") }
            if let count = line.counts[.mayRun] { parts.append("\(CountText.of(count)) may run") }
            if let count = line.counts[.blocked] { parts.append("\(CountText.of(count)) cannot run") }
            if let count = line.counts[.leftOut] { parts.append("\(CountText.of(count)) left out") }
            if let count = line.counts[.upToDate] { parts.append("\(CountText.of(count)) up to date") }
            let why = [line.must, line.may].filter { !$0.groups.isEmpty }.map { $0.line() }
            table.add([
                stage.name, CountText.of(total, "task"), parts.joined(separator: ", "), why.joined(separator: "; "),
            ])
        }
        return table.text + leftOutLine + sourceLines + totals
    }

    /// One line a task that is not up to date.
    var verboseText: String {
        var text = ""
        for task in graph.tasks.indices {
            let reason = plan.reasons[task]?.sentence
            switch plan.verdicts[task] {
            case .upToDate: continue
            case .mustRun: text += "run        \(graph.label(of: task)): \(reason ?? "")\n"
            case .mayRun: text += "may run    \(graph.label(of: task)): \(reason ?? "only if an input changes")\n"
            case .blocked: text += "cannot run \(graph.label(of: task))\n"
            case .leftOut: text += "left out   \(graph.label(of: task))\n"
            }
        }
        return text + leftOutLine + sourceLines + totals
    }

    private var leftOutLine: String {
        guard !leftOut.isEmpty else { return "" }
        return "left out, as they have nothing to read: "
            + leftOut.map { "\($0.stage) (no \($0.missing))" }.joined(separator: ", ") + "\n"
    }

    private var sourceLines: String {
        let unreadable = plan.unreadableSources.sorted { $0.key < $1.key }
        var text = unreadable.prefix(10).map { "✗ \($0.value)\n" }.joined()
        if unreadable.count > 10 { text += "and \(CountText.of(unreadable.count - 10, "more unreadable source"))\n" }
        return text
    }

    private var totals: String {
        let must = plan.count(.mustRun)
        let may = plan.count(.mayRun)
        var parts = ["\(CountText.of(plan.count(.upToDate))) up to date"]
        if plan.count(.blocked) > 0 { parts.append("\(CountText.of(plan.count(.blocked))) cannot run") }
        if plan.count(.leftOut) > 0 { parts.append("\(CountText.of(plan.count(.leftOut))) left out") }
        let run =
            must + may == 0
            ? "nothing to run" : "\(CountText.of(must, "task")) to run, up to \(CountText.of(may)) after them"
        return "\(run); \(parts.joined(separator: ", "))\n"
    }

    var json: ConfigValue {
        let tasks = graph.tasks.indices.filter { plan.verdicts[$0] != .upToDate }.map { task in
            ConfigValue.map([
                "task": .text(graph.label(of: task)), "verdict": .text(String(describing: plan.verdicts[task])),
                "reason": plan.reasons[task].map { .text($0.name) } ?? .null,
                "sentence": plan.reasons[task].map { .text($0.sentence) } ?? .null,
                "key": plan.keys[task].map { .text("\($0)") } ?? .null,
            ])
        }
        let stages = zip(graph.stages, stageLines).map { stage, line in
            var map: [String: ConfigValue] = ["stage": .text(stage.name)]
            for (verdict, count) in line.counts { map[String(describing: verdict)] = .integer(Int64(count)) }
            return ConfigValue.map(map)
        }
        return .map([
            "pipeline": .text(graph.pipeline), "mustRun": .integer(Int64(plan.count(.mustRun))),
            "mayRun": .integer(Int64(plan.count(.mayRun))), "upToDate": .integer(Int64(plan.count(.upToDate))),
            "blocked": .integer(Int64(plan.count(.blocked))), "leftOut": .integer(Int64(plan.count(.leftOut))),
            "stagesLeftOut": .map(Dictionary(uniqueKeysWithValues: leftOut.map { ($0.stage, .text($0.missing)) })),
            "stages": .list(stages), "tasks": .list(tasks),
            "unreadableSources": .list(plan.unreadableSources.sorted { $0.key < $1.key }.map { .text($0.value) }),
        ])
    }
}
