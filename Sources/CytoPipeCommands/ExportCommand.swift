internal import ArgumentParser
internal import ArtifactStore
internal import ContentHash
internal import Foundation
internal import Glibc
internal import StageProtocol

/// Finds one artifact in the store and lets the worker write it for other programs: what stands in it is the worker's to know.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Writes an artifact in a format that other programs open.",
        discussion: """
            The target's name says the format: .nii or .nii.gz, .gii, .ply, .ome.tif, .csv, .tsv, .npy, .safetensors, or the artifact's own for a copy. \
            What an artifact can go to, the answer to an impossible wish lists.

            For example: cyto-pipe export 'tissue-volume[brain=B01]' --to volume.nii.gz
            """)

    @Argument(help: "stage[item], stage[item].port, a digest or a file of the store.")
    var what: String

    @Option(help: ArgumentHelp("The file to write.", valueName: "file"), completion: .file())
    var to: String

    @Option(
        help: ArgumentHelp("The format, where the target's name does not say it; 'copy' copies.", valueName: "name"))
    var format: String?

    @Option(help: ArgumentHelp("What of the artifact, where it holds several things.", valueName: "path"))
    var dataset: String?

    @Option(help: ArgumentHelp("The space of coordinates, where there is a choice.", valueName: "name"))
    var space: String?

    @OptionGroup var store: ExistingStore

    @Flag(help: "Prints what was written as JSON.")
    var json = false

    func run() throws {
        try answering {
            let artifacts = try store.open()
            let found = try artifacts.lookup(what)
            let record = try artifacts.record(found.key)
            let outputs = record.outputs.filter { found.artifact == nil || $0.digest == found.artifact }
            guard found.artifact != nil || outputs.count == 1, let output = outputs.first else {
                let ports = record.outputs.map { "\(record.label).\($0.port)" }.joined(separator: ", ")
                throw CommandFailure(
                    .badInput, "cyto-pipe: \(record.label) has \(record.outputs.count) outputs; name one: \(ports)")
            }
            let path = artifacts.path(of: output.file)
            guard artifacts.isPresent(output.file) else {
                throw StoreError(
                    .notFound,
                    "Output '\(output.port)' of \(what) is gone from the store; the next run makes it again.",
                    path: path)
            }
            let text = try worker(on: path, type: output.type)
            guard json else {
                StandardOutput.write(text)
                return
            }
            let files = try JSONDecoder().decode(ConfigValue.self, from: Data(text.utf8))
            StandardOutput.write(
                JSONText.of(
                    .map([
                        "artifact": .text(output.digest.hex), "from": .text("\(record.label).\(output.port)"),
                        "type": .text(output.type), "files": files,
                    ])))
        }
    }

    /// Runs `cyto-stage export`; gives what it printed.
    private func worker(on path: String, type: String) throws -> String {
        let folders =
            [RunCommand.executableFolder]
            + (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
        guard let program = folders.map({ $0 + "/cyto-stage" }).first(where: { access($0, X_OK) == 0 }) else {
            throw CommandFailure(
                .inputOutput, "cyto-pipe: there is no 'cyto-stage' beside cyto-pipe or on PATH; it writes the formats.")
        }
        var arguments = ["export", "--artifact", path, "--type", type, "--to", to]
        if let format { arguments += ["--format", format] }
        if let dataset { arguments += ["--dataset", dataset] }
        if let space { arguments += ["--space", space] }
        if json { arguments.append("--json") }
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardOutput = pipe
        do {
            try process.run()
        } catch {
            throw CommandFailure(.inputOutput, "cyto-pipe: \(program) cannot be started: \(error)")
        }
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationReason == .exit else {
            throw CommandFailure(.defect, "cyto-pipe: \(program) ended by signal \(process.terminationStatus)")
        }
        // The worker has said what is wrong.
        switch process.terminationStatus {
        case WorkerExit.success: return String(decoding: data, as: UTF8.self)
        case WorkerExit.badJob: throw CommandFailure(.badInput)
        case WorkerExit.inputOutput: throw CommandFailure(.inputOutput)
        case WorkerExit.failed: throw CommandFailure(.taskFailed)
        default: throw CommandFailure(.defect)
        }
    }
}
