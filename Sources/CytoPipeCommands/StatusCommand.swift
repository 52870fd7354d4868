internal import ArgumentParser
internal import ArtifactStore
internal import PipelineGraph
internal import Scheduling
internal import StageProtocol

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Counts the tasks of each stage: done, stale, failed, running.")

    @OptionGroup var arguments: PipelineArguments
    @OptionGroup var selection: SelectionArguments
    @OptionGroup var store: StoreArgument

    @Flag(help: "Also what the finished tasks of each stage took when they ran: time and memory.")
    var times = false

    @Flag(help: "Prints the status as JSON.")
    var json = false

    private struct Counts {
        var done = 0
        var stale = 0
        var failed = 0
        var running = 0
        var total: Int { done + stale + failed + running }
    }

    func run() throws {
        let pipeline = try arguments.load()
        let tasks = try PipelineGraph(pipeline).select(selection.selection)
        let artifacts = try ArtifactStore(path: store.path(for: pipeline))
        let plan = try Plan(tasks.graph, store: artifacts, sources: artifacts.sources, modes: tasks.modes)
        artifacts.endRun()
        let graph = tasks.graph
        var stages = graph.stages.map { _ in Counts() }
        var costs = graph.stages.map { _ in StageCost() }
        for task in graph.tasks.indices {
            let stage = Int(graph.tasks[task].stage)
            if plan.verdicts[task] == .upToDate {
                stages[stage].done += 1
                // A record that is gone or damaged is `verify`'s business; its task counts as done all the same.
                if times, let key = plan.keys[task], let record = try? artifacts.record(key) {
                    costs[stage].add(record.action)
                }
            } else if let key = plan.keys[task], try artifacts.isLocked(key) {
                stages[stage].running += 1
            } else if case .previouslyFailed? = plan.reasons[task] {
                stages[stage].failed += 1
            } else {
                stages[stage].stale += 1
            }
        }
        if json {
            let list = graph.stages.indices.map { index in
                var map: [String: ConfigValue] = [
                    "stage": .text(graph.stages[index].name), "done": .integer(Int64(stages[index].done)),
                    "stale": .integer(Int64(stages[index].stale)), "failed": .integer(Int64(stages[index].failed)),
                    "running": .integer(Int64(stages[index].running)),
                ]
                if times { map.merge(costs[index].values) { $1 } }
                return ConfigValue.map(map)
            }
            StandardOutput.write(JSONText.of(.map(["pipeline": .text(graph.pipeline), "stages": .list(list)])))
            return
        }
        let headings = times ? StageCost.headings : []
        var table = TextTable([.left] + [TextTable.Alignment](repeating: .right, count: 5 + headings.count))
        table.add(["stage", "done", "stale", "failed", "running", "tasks"] + headings)
        var sum = Counts()
        var all = StageCost()
        for index in graph.stages.indices where stages[index].total > 0 {
            let counts = stages[index]
            sum.done += counts.done
            sum.stale += counts.stale
            sum.failed += counts.failed
            sum.running += counts.running
            all.add(costs[index])
            table.add(
                [graph.stages[index].name] + StatusCommand.cells(counts) + (times ? costs[index].cells : []))
        }
        table.add(["all"] + StatusCommand.cells(sum) + (times ? all.cells : []))
        StandardOutput.write(table.text)
    }

    private static func cells(_ counts: Counts) -> [String] {
        [counts.done, counts.stale, counts.failed, counts.running, counts.total].map {
            $0 == 0 ? "·" : CountText.of($0)
        }
    }
}
