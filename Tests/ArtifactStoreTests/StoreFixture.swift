import ArtifactStore
import ContentHash
import Foundation
import Scheduling
import StageProtocol

/// A folder that lives as long as a test.
final class ScratchFolder {
    let path: String

    init() {
        path = NSTemporaryDirectory() + "/cyto-store-\(UUID().uuidString)"
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        // A test may have made folders read-only.
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/chmod")
        process.arguments = ["-R", "u+rwx", path]
        try? process.run()
        process.waitUntilExit()
        try? FileManager.default.removeItem(atPath: path)
    }

    var store: String { path + "/store" }

    @discardableResult
    func write(_ name: String, _ text: String) throws -> String {
        let file = path + "/" + name
        try FileManager.default.createDirectory(
            atPath: (file as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        return file
    }
}

func digest(_ text: String) -> Digest { ContentHasher.digest(of: Array(text.utf8)) }

/// A stage called `stage` with one output port per name.
func makeStage(_ stage: String, outputs: [String] = ["out"], folder: String = "/") -> WorkGraph.Stage {
    WorkGraph.Stage(
        name: stage, manifest: stage, version: 1, manifestDigest: digest("manifest " + stage),
        command: ["sh", "-c", "cat ${inputs.in} > ${outputs.out}"], folder: folder, inputPorts: ["in"],
        outputPorts: outputs.map {
            WorkGraph.Port(name: $0, type: ArtifactType(name: "text", format: .file, fileExtension: "txt"))
        }, resources: .init())
}

/// A record as the engine would write it.
func makeRecord(
    _ stage: String, key: Digest? = nil, pipeline: String = "p", item: [Coordinate] = [],
    inputs: [RecordedInput] = [], ended: Double = 1000, config: [String: ConfigValue] = [:]
) -> ActionRecord {
    let label = item.isEmpty ? stage : stage + "[" + item.map { "\($0.axis)=\($0.value)" }.joined(separator: ",") + "]"
    let task = TaskRecord(
        key: key ?? digest("key of " + label), manifest: stage, version: 1, manifestDigest: digest("manifest " + stage),
        config: config, seed: 7, item: item, inputs: inputs)
    return ActionRecord(
        pipeline: pipeline, stage: stage, label: label, task: task, command: ["sh"], reason: .neverRun,
        started: ended - 2, ended: ended, cpuSeconds: 1.5, peakMemoryBytes: 1 << 20, resources: .init(), attempt: 1,
        logPath: "")
}

extension ArtifactStore {
    /// Writes the texts as a worker would and publishes them; one output port each.
    @discardableResult
    func publish(_ record: ActionRecord, _ texts: [String], fileExtension: String = "txt") throws -> [StoredFile] {
        try publish([prepare(record, texts, fileExtension: fileExtension)])[0].get()
    }

    func prepare(_ record: ActionRecord, _ texts: [String], fileExtension: String = "txt") throws -> Publication {
        let folder = try makeWorkFolder(for: record.task.key)
        let files = try texts.enumerated().map { index, text in
            let path = folder + "/out\(index).txt"
            try Data(text.utf8).write(to: URL(fileURLWithPath: path))
            return Publication.ProducedFile(
                port: index == 0 ? "out" : "out\(index)", path: path, fileExtension: fileExtension)
        }
        return Publication(record: record, files: files)
    }

    func action(_ key: Digest) throws -> CachedAction? { try actions(for: [key])[0] }
}

/// All files below a folder with their content, by path relative to it.
func contents(of folder: String) throws -> [String: Data] {
    var files: [String: Data] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
        if let data = FileManager.default.contents(atPath: folder + "/" + name) { files[name] = data }
    }
    return files
}
