internal import ArgumentParser
internal import ArtifactStore
internal import PipelineGraph

struct PlanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plan", abstract: "Says what would run and why; runs nothing.")

    @OptionGroup var arguments: PipelineArguments
    @OptionGroup var selection: SelectionArguments
    @OptionGroup var store: StoreArgument

    @Flag(name: .shortAndLong, help: "One line a task instead of one a stage.")
    var verbose = false

    @Flag(help: "Prints the plan as JSON.")
    var json = false

    func run() throws {
        let pipeline = try arguments.load()
        let tasks = try PipelineGraph(pipeline).select(selection.selection)
        let artifacts = try ArtifactStore(path: store.path(for: pipeline))
        try PlanReport(tasks: tasks, of: pipeline, store: artifacts).write(isVerbose: verbose, asJSON: json)
    }
}
