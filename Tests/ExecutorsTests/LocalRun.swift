import ContentHash
import Executors
import Foundation
import Scheduling
import StageProtocol

/// A folder of its own that goes with the test.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "cyto-executors-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String, executable: Bool = false) throws {
        try Data(text.utf8).write(to: URL(filePath: path + "/" + name))
        if executable {
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path + "/" + name)
        }
    }

    func text(_ name: String) -> String? {
        (try? Data(contentsOf: URL(filePath: path + "/" + name))).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// Runs single tasks through the local executor.
final class LocalRun {
    let folder: TemporaryFolder
    let executor: LocalExecutor
    private var count = 0
    var progress: [ProgressMessage] = []

    init(environment: [String: String] = ProcessInfo.processInfo.environment) throws {
        folder = try TemporaryFolder()
        executor = LocalExecutor(
            executableFolder: folder.path, workingDirectory: folder.path, environment: environment)
    }

    /// The built cyto-stage, beside the test bundle.
    static let worker: String = {
        let bundle = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(filePath: bundle).deletingLastPathComponent().appending(path: "cyto-stage").path
    }()

    func request(
        _ command: [String], inputs: [(port: String, files: [InputFile])] = [], outputs: [String] = ["out"],
        format: ArtifactType.Format = .file, config: [String: ConfigValue] = [:], item: [Coordinate] = [],
        attempt: Int = 1, manifest: String = "stage"
    ) throws -> TaskRequest {
        count += 1
        let work = folder.path + "/work\(count)"
        try FileManager.default.createDirectory(atPath: work, withIntermediateDirectories: true)
        return TaskRequest(
            task: count, label: "task\(count)", manifest: manifest, command: command, folder: folder.path, item: item,
            inputs: inputs,
            outputs: outputs.map { ($0, ArtifactType(name: "type", format: format, fileExtension: "txt")) },
            config: config, seed: 42, resources: WorkGraph.Resources(cores: 3, memoryBytes: 1 << 20),
            workFolder: work, logPath: folder.path + "/log\(count)", attempt: attempt)
    }

    /// Waits until all these tasks have ended.
    func results(of requests: [TaskRequest], meanwhile: () -> Void = {}) -> [Int: TaskResult] {
        var results: [Int: TaskResult] = [:]
        for request in requests { executor.start(request) }
        while results.count < requests.count {
            for event in executor.waitForEvents(seconds: 0.05) {
                switch event {
                case .progress(_, let message): progress.append(message)
                case .ended(let task, let result): results[task] = result
                }
            }
            meanwhile()
        }
        return results
    }

    func result(of request: TaskRequest, meanwhile: () -> Void = {}) -> TaskResult {
        results(of: [request], meanwhile: meanwhile)[request.task] ?? TaskResult()
    }

    func shell(_ script: String, outputs: [String] = ["out"], format: ArtifactType.Format = .file) throws -> TaskResult
    {
        result(
            of: try request(
                ["sh", "-c", script, "sh"] + outputs.map { "${outputs.\($0)}" }, outputs: outputs, format: format))
    }

    func log(_ number: Int) -> String? { folder.text("log\(number)") }
}

/// Whether a process with this number is there and not a zombie.
func isAlive(_ pid: Int32) -> Bool {
    guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
        let state = text.split(separator: ")").last?.split(separator: " ").first
    else { return false }
    return state != "Z" && state != "X"
}
