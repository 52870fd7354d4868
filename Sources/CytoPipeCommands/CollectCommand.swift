internal import ArgumentParser
internal import ArtifactStore
internal import Foundation
internal import StageProtocol

struct CollectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc", abstract: "Shows what no pipeline needs any more, and with --delete removes it.",
        discussion: """
            Kept is what stands behind the current tasks of the pipelines that ran in this store, and everything made in the \
            last --keep-days days, with all that led to it.
            """)

    @OptionGroup var store: ExistingStore

    @Option(help: ArgumentHelp("Keeps everything made within so many days.", valueName: "days"))
    var keepDays = 30.0

    @Option(help: ArgumentHelp("Keeps only what this pipeline needs (may be repeated).", valueName: "name"))
    var pipeline: [String] = []

    @Flag(help: "Removes it; without this it is only counted.")
    var delete = false

    @Flag(help: "Prints the outcome as JSON.")
    var json = false

    func validate() throws {
        if !(keepDays >= 0) { throw ValidationError("--keep-days is \(keepDays); give a number from 0 up.") }
    }

    func run() throws {
        try answering {
            let artifacts = try store.open()
            let report = try artifacts.collect(
                CollectionOptions(
                    keepDays: keepDays, pipelines: pipeline.isEmpty ? nil : pipeline, removes: delete,
                    now: Date().timeIntervalSince1970))
            if json {
                StandardOutput.write(JSONText.of(try JSONText.value(report)))
                return
            }
            var table = TextTable([.left, .right])
            for (stage, count) in report.stages.sorted(by: { $0.key < $1.key }) {
                table.add(["  " + stage, CountText.of(count, "action")])
            }
            let verb = report.isDone ? "removed" : "would remove"
            StandardOutput.write(
                "\(verb) \(CountText.of(report.actionsRemoved, "action")) and "
                    + "\(CountText.of(report.objectsRemoved, "artifact")), \(ByteText.of(report.bytesRemoved))\n"
                    + table.text
                    + (report.checkpointsRemoved + report.checkpointsKept == 0
                        ? ""
                        : "checkpoints of broken-off tasks: \(report.checkpointsRemoved) "
                            + "\(report.isDone ? "removed" : "to remove"), \(report.checkpointsKept) kept\n")
                    + "keeps \(CountText.of(report.actionsKept, "action")) and "
                    + "\(CountText.of(report.objectsKept, "artifact")), \(ByteText.of(report.bytesKept))\n")
            if !report.isDone, report.actionsRemoved + report.objectsRemoved + report.checkpointsRemoved > 0 {
                StandardOutput.write("nothing was removed; --delete does it\n")
            }
        }
    }
}
