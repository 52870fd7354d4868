import Foundation
import StageProtocol

/// The built cyto-learn, training on striped patches in a folder of its own.
struct TrainingProgram {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("training-\(UUID().uuidString)")

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try writeStripedPatches(to: path("patches.h5"))
    }

    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    /// One process and what it is to leave.
    struct Run {
        let process: Process
        let model: String
        let checkpoint: String
        /// What it wrote to its standard error until now.
        let said: () -> String

        /// Waits for its end.
        func status() -> Int32 {
            process.waitUntilExit()
            return process.terminationStatus
        }
    }

    /// Starts `pretraining`.
    ///
    /// - Parameters:
    ///   - name: of the folder that gets the job, the checkpoint and the model.
    ///   - patches: file of the patches.
    ///   - sections: their scans, for patches without pixels.
    ///   - shell: words before the program, such as a shell's that prepares something; `$CYTO_LEARN` and `$FOLDER` are set for it.
    func start(
        _ name: String, _ config: [String: ConfigValue], _ environment: [String: String] = [:], outputs: Bool = true,
        seed: UInt64 = 3, patches: String = "patches.h5", sections: [InputFile] = [], shell: String? = nil
    ) throws -> Run {
        let own = folder.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: own, withIntermediateDirectories: true)
        let model = own.appendingPathComponent("model.h5").path
        let input = InputFile(path: path(patches), item: [], digest: String(repeating: "0", count: 64))
        let job = StageJob(
            stage: "pretraining", item: [],
            inputs: ["patches": [input]].merging(sections.isEmpty ? [:] : ["sections": sections]) { $1 },
            outputs: outputs ? ["model": OutputFile(path: model)] : [:], config: config, seed: seed, cores: 1,
            scratch: own.appendingPathComponent("scratch").path)
        try FileManager.default.createDirectory(atPath: job.scratch, withIntermediateDirectories: true)
        let file = own.appendingPathComponent("job.json")
        try JSONEncoder().encode(job).write(to: file)
        let process = Process()
        let program = BuiltPrograms.path("cyto-learn")
        if let shell {
            process.executableURL = URL(filePath: "/bin/sh")
            process.arguments = ["-c", shell]
        } else {
            process.executableURL = URL(filePath: program)
            process.arguments = ["pretraining", "--job", file.path]
        }
        process.environment = ProcessInfo.processInfo.environment
            .merging(["CYTO_DEVICE": "cpu", "CYTO_LEARN": program, "FOLDER": own.path]) { $1 }
            .merging(environment) { $1 }
        let errors = own.appendingPathComponent("errors.txt")
        try Data().write(to: errors)
        process.standardError = try FileHandle(forWritingTo: errors)
        try process.run()
        return Run(
            process: process, model: model, checkpoint: job.scratch + "/checkpoint.h5",
            said: { (try? String(contentsOf: errors, encoding: .utf8)) ?? "" })
    }
}
