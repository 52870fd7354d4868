internal import ArgumentParser
internal import ArtifactStore
internal import ContentHash
internal import Foundation
internal import Glibc
internal import Scheduling
internal import StageProtocol

struct ShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Shows one task or artifact: how it was made, its outputs and figures.",
        discussion: "For one artifact in HDF5, also what stands in the file, if 'cyto-stage' is there to tell.")

    @Argument(help: "A file, stage[item], stage[item].port or digest.", completion: .file())
    var what: String

    @OptionGroup var store: ExistingStore

    @Flag(help: "Prints the record as JSON.")
    var json = false

    func run() throws {
        try answering {
            let artifacts = try store.open()
            let found = try artifacts.lookup(what)
            let record = try artifacts.record(found.key)
            if json {
                guard case .map(var map) = try JSONText.value(record) else { return }
                map["paths"] = .map(
                    Dictionary(
                        record.outputs.map { ($0.port, .text(artifacts.path(of: $0.file))) },
                        uniquingKeysWith: { first, _ in first }))
                StandardOutput.write(JSONText.of(.map(map)))
                return
            }
            StandardOutput.write(ShowCommand.text(record, in: artifacts))
            let outputs = record.outputs.filter { $0.digest == found.artifact }
            guard let output = outputs.first ?? (record.outputs.count == 1 ? record.outputs[0] : nil) else { return }
            if output.fileExtension == "h5", let description = describe(artifacts.path(of: output.file)) {
                StandardOutput.write("\n" + description)
            }
        }
    }

    static func text(_ record: ProvenanceRecord, in store: ArtifactStore) -> String {
        let action = record.action
        var table = TextTable([.left, .left])
        table.add(["task", "\(record.label)  (pipeline \(action.pipeline))"])
        table.add(["key", record.key.hex])
        table.add(["stage", "\(action.task.manifest) version \(action.task.version)"])
        table.add(["why", action.reason.sentence])
        table.add(["made", "\(TimeText.local(action.started)), \(DurationText.of(action.ended - action.started))"])
        table.add([
            "used",
            "\(DurationText.of(action.cpuSeconds)) of CPU, at most \(ByteText.of(action.peakMemoryBytes)) of memory",
        ])
        table.add(["host", "\(record.host.name), \(record.host.system), \(record.host.cores) cores"])
        for program in record.code.programs { table.add(["program", "\(program.digest.shortHex)  \(program.path)"]) }
        if let commit = record.code.commit {
            table.add(["commit", commit + (record.code.hasChanges == true ? " with changes" : "")])
        }
        table.add(["command", action.command.joined(separator: " ")])
        for (name, value) in action.task.config.sorted(by: { $0.key < $1.key }) {
            table.add(["config", "\(name) = \(JSONText.compact(value))"])
        }
        table.add(["seed", "\(action.task.seed)"])
        var counts: [(port: String, count: Int, first: RecordedInput)] = []
        for input in action.task.inputs {
            if counts.last?.port == input.port {
                counts[counts.count - 1].count += 1
            } else {
                counts.append((input.port, 1, input))
            }
        }
        for (port, count, first) in counts {
            let origin =
                switch first.origin {
                case .source(let path): path
                case .task(let label, key: _, let output): "\(label).\(output)"
                }
            let rest = count > 1 ? " and \(count - 1) more" : ""
            table.add(["input", "\(port) \(first.digest.shortHex) \(origin)\(rest)"])
        }
        for output in record.outputs {
            let state = store.isPresent(output.file) ? "" : "  (gone)"
            table.add(["output", "\(output.port) \(output.digest.hex) \(ByteText.of(output.byteCount))\(state)"])
            table.add(["", store.path(of: output.file)])
        }
        for (name, value) in action.figures.sorted(by: { $0.key < $1.key }) {
            table.add(["figure", "\(name) = \(value)"])
        }
        for warning in action.warnings { table.add(["warning", warning]) }
        if let log = store.existingLogPath(for: record.key) { table.add(["log", log]) }
        return table.text
    }

    /// What `cyto-stage describe` says about a file; nil where it cannot.
    private func describe(_ path: String) -> String? {
        let program = RunCommand.executableFolder + "/cyto-stage"
        guard access(program, X_OK) == 0, access(path, R_OK) == 0 else { return nil }
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = ["describe", path]
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return process.terminationStatus == 0 ? String(decoding: data, as: UTF8.self) : nil
    }
}
