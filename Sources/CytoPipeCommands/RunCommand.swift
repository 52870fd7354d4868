internal import ArgumentParser
internal import ArtifactStore
internal import Executors
internal import FoundationEssentials
internal import Glibc
internal import PipelineGraph
internal import PipelineModel
internal import Scheduling

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Runs what of a pipeline is not up to date.")

    @OptionGroup var arguments: PipelineArguments
    @OptionGroup var selection: SelectionArguments
    @OptionGroup var store: StoreArgument

    @Option(help: "A profile of the pipeline: executor and limits.")
    var profile: String?

    @Option(name: .shortAndLong, help: "At most so many tasks at once.")
    var jobs: Int?

    @Flag(name: .shortAndLong, help: "After a failure, goes on with all that does not need the failed task.")
    var keepGoing = false

    @Flag(name: [.customShort("n"), .long], help: "Says what would run, like 'plan', and runs nothing.")
    var dryRun = false

    @Flag(help: "Prints the outcome as JSON.")
    var json = false

    func validate() throws {
        if let jobs, jobs < 1 { throw ValidationError("--jobs is \(jobs); give a number from 1 up.") }
    }

    func run() throws {
        let pipeline = try arguments.load()
        for warning in pipeline.warnings { StandardError.write(warning.rendered) }
        var options = RunOptions(cores: Machine.cores, memoryBytes: Machine.memoryBytes)
        try apply(chosenProfile(of: pipeline), to: &options)
        let tasks = try PipelineGraph(pipeline).select(selection.selection)
        let artifacts = try ArtifactStore(path: store.path(for: pipeline))
        if dryRun {
            try PlanReport(tasks: tasks, of: pipeline, store: artifacts).write(isVerbose: false, asJSON: json)
            return
        }
        options.modes = tasks.modes
        options.keepGoing = keepGoing
        if let jobs { options.jobs = jobs }
        let report = try run(tasks, in: artifacts, options: options)
        StandardOutput.write(json ? JSONText.of(report.json) : report.text)
        if report.status != .done { throw CommandFailure(report.status) }
    }

    private func run(_ tasks: SelectedTasks, in artifacts: ArtifactStore, options: RunOptions) throws -> RunReport {
        try artifacts.beginRun()
        defer { artifacts.endRun() }
        artifacts.register(tasks.graph.stages)
        let executor = LocalExecutor(
            executableFolder: RunCommand.executableFolder, workingDirectory: DiskFiles().workingDirectory,
            environment: ProcessInfo.processInfo.environment)
        let clock = SystemClock()
        let now: @Sendable () -> Double = { SystemClock().monotonicSeconds }
        let terminal: TerminalProgress?
        let plain: PlainProgress?
        if StandardError.isTerminal, ProcessInfo.processInfo.environment["TERM"] != "dumb" {
            terminal = TerminalProgress(
                graph: tasks.graph, now: now, size: { StandardError.size }, write: { StandardError.write($0) })
            plain = nil
        } else {
            terminal = nil
            plain = PlainProgress(graph: tasks.graph, now: now, write: { StandardError.write($0) })
        }
        let engine = Engine(
            tasks.graph, store: artifacts, sources: artifacts.sources, executor: executor, clock: clock,
            options: options,
            observer: terminal ?? plain)
        let interruption = Interruption(engine.stop)
        defer { interruption.end() }
        let result = Result { try engine.run() }
        let tally = terminal?.end() ?? plain?.end() ?? RunTally(graph: tasks.graph)
        let summary = try result.get()
        try artifacts.recordCurrent(tasks.graph, keys: summary.keys, isWhole: false)
        let announced = try AnnouncedOutputs(of: tasks.graph, keys: summary.keys, in: artifacts)
        return RunReport(tally: tally, summary: summary, announced: announced)
    }

    private func chosenProfile(of pipeline: Pipeline) throws -> Pipeline.Profile? {
        guard let profile else { return pipeline.profiles.first { $0.name == "local" } }
        if let known = pipeline.profiles.first(where: { $0.name == profile }) { return known }
        let names = pipeline.profiles.map(\.name).joined(separator: ", ")
        throw CommandFailure(
            .badInput,
            "cyto-pipe: the pipeline has no profile '\(profile)'; it has \(names.isEmpty ? "none" : names).")
    }

    private func apply(_ profile: Pipeline.Profile?, to options: inout RunOptions) throws {
        guard let profile else { return }
        guard profile.executor == "local" else {
            throw CommandFailure(
                .badInput,
                "cyto-pipe: profile '\(profile.name)' wants the executor '\(profile.executor)', which this version does not have; use 'local'."
            )
        }
        if let cores = profile.limits.cores { options.cores = cores }
        if let bytes = profile.limits.memoryBytes { options.memoryBytes = bytes }
        if let gpus = profile.limits.gpus { options.gpus = gpus }
    }

    /// Folder of this program; its workers stand beside it.
    static var executableFolder: String {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = buffer.withUnsafeMutableBytes { bytes in
            bytes.withMemoryRebound(to: CChar.self) { text in
                text.baseAddress.map { readlink("/proc/self/exe", $0, text.count) } ?? 0
            }
        }
        guard count > 0 else { return "." }
        let path = String(decoding: buffer[..<count], as: UTF8.self)
        return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }
}
