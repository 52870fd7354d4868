internal import ArgumentParser
internal import ArtifactStore
internal import PipelineGraph
internal import PipelineModel
internal import Scheduling

/// The arguments that name a pipeline and change its values.
struct PipelineArguments: ParsableArguments {
    @Argument(help: "The pipeline's YAML file.", completion: .file(extensions: ["yaml", "yml"]))
    var pipeline: String

    @Option(
        name: .customLong("set"),
        help: ArgumentHelp("Gives a value: stage.key, config.key or params.name.", valueName: "name=value"))
    var settings: [String] = []

    @Option(
        name: .customLong("import"),
        help: ArgumentHelp("Imports another file under an alias of the pipeline.", valueName: "alias=file"))
    var imports: [String] = []

    func load() throws(PipelineMistakes) -> Pipeline {
        try PipelineLoader().load(pipeline, options: PipelineOptions(settings: settings, imports: imports))
    }
}

/// The arguments that pick tasks.
struct SelectionArguments: ParsableArguments {
    @Argument(
        help: "Targets or stages, also stage[axis=value]; without any, the target 'default', or everything.")
    var targets: [String] = []

    @Option(help: ArgumentHelp("Runs only this stage; what it reads must be there.", valueName: "stage"))
    var only: [String] = []

    @Option(help: ArgumentHelp("Runs only this stage and what comes after it.", valueName: "stage"))
    var from: [String] = []

    @Option(help: ArgumentHelp("Runs this stage though it is up to date.", valueName: "stage"))
    var force: [String] = []

    @Option(help: ArgumentHelp("Only tasks at this item and what they need.", valueName: "axis=value"))
    var item: [String] = []

    var selection: TaskSelection {
        var selection = TaskSelection()
        selection.targets = targets
        selection.only = only
        selection.from = from
        selection.force = force
        selection.items = item
        return selection
    }
}

/// Where the store is.
struct StoreArgument: ParsableArguments {
    @Option(
        name: .customLong("store"),
        help: ArgumentHelp(
            "Folder of the artifacts; by default 'artifacts' beside the pipeline's 'stages' folder.",
            valueName: "folder"))
    var folder: String?

    /// The store's folder for a pipeline.
    func path(for pipeline: Pipeline) -> String {
        if let folder { return folder }
        let beside = pipeline.stagesFolder ?? pipeline.file
        return beside.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 } + "/artifacts"
    }
}
