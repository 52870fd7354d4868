internal import ArgumentParser
internal import PipelineGraph
internal import PipelineModel
internal import Scheduling
internal import StageProtocol

struct LintCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lint", abstract: "Finds every mistake in pipelines and in the stage manifests beside them.")

    @Argument(help: "Pipeline files, manifests, or a folder of manifests.")
    var files: [String]

    @Option(name: .customLong("set"), help: ArgumentHelp("Gives a value, as with 'run'.", valueName: "name=value"))
    var settings: [String] = []

    @Option(name: .customLong("import"), help: ArgumentHelp("Imports a file, as with 'run'.", valueName: "alias=file"))
    var imports: [String] = []

    @Flag(help: "Prints the mistakes as JSON.")
    var json = false

    func run() throws {
        var diagnostics: [Diagnostic] = []
        var lines: [String] = []
        let loader = PipelineLoader()
        for file in files {
            // A manifest is checked with its siblings, since types and names are theirs in common.
            let isManifests = DiskFiles().list(file) != nil || LintCommand.standsAmongManifests(file)
            do throws(PipelineMistakes) {
                let manifests = try loader.checkManifests(near: file)
                if isManifests { lines.append("\(file): \(CountText.of(manifests.count, "manifest"))") }
            } catch {
                diagnostics += error.diagnostics
            }
            if isManifests { continue }
            do throws(PipelineMistakes) {
                let pipeline = try loader.load(file, options: PipelineOptions(settings: settings, imports: imports))
                let graph = try PipelineGraph(pipeline).graph
                diagnostics += pipeline.warnings
                lines.append(
                    "\(file): \(CountText.of(pipeline.stages.count, "stage")), \(CountText.of(pipeline.axes.count, "axis", "axes")), "
                        + "\(CountText.of(graph.tasks.count, "task")), \(CountText.of(graph.sources.count, "source file"))"
                )
            } catch {
                diagnostics += error.diagnostics
            }
        }
        let mistakes = PipelineMistakes(diagnostics)
        if json {
            StandardOutput.write(JSONText.of(.list(mistakes.diagnostics.map { LintCommand.json($0) })))
        } else {
            StandardError.write(mistakes.description)
            StandardOutput.write(lines.map { $0 + "\n" }.joined())
        }
        if mistakes.errorCount > 0 { throw CommandFailure(.badInput) }
    }

    private static func standsAmongManifests(_ file: String) -> Bool {
        file.split(separator: "/").dropLast().last == "stages" && DiskFiles().isFile(file)
    }

    private static func json(_ diagnostic: Diagnostic) -> ConfigValue {
        .map([
            "severity": .text(diagnostic.severity.rawValue), "file": .text(diagnostic.mark.file.path),
            "line": .integer(Int64(diagnostic.mark.line)), "column": .integer(Int64(diagnostic.mark.column)),
            "length": .integer(Int64(diagnostic.mark.length)), "message": .text(diagnostic.message),
            "expected": diagnostic.expected.map { .text($0) } ?? .null,
            "suggestion": diagnostic.suggestion.map { .text($0) } ?? .null,
        ])
    }
}
