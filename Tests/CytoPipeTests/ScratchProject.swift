import Foundation
import StageProtocol

/// A project of tiny stages in a folder of its own, and the built `cyto-pipe` to run on it.
final class ScratchProject {
    let folder: String

    /// The built program stands beside the test bundle.
    static let program: String = {
        let bundle = (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
        return URL(filePath: bundle).deletingLastPathComponent().appending(path: "cyto-pipe").path
    }()

    static var isBuilt: Bool { FileManager.default.isExecutableFile(atPath: program) }
    static let hasPython = FileManager.default.isExecutableFile(atPath: "/usr/bin/python3")

    init() throws {
        folder = NSTemporaryDirectory() + "cyto-pipe-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func write(_ path: String, _ text: String) throws {
        let url = URL(filePath: folder).appending(path: path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url)
    }

    func read(_ path: String) throws -> String {
        try String(contentsOf: URL(filePath: folder).appending(path: path), encoding: .utf8)
    }

    struct Outcome {
        var status: Int32
        var output: String
        var errors: String

        /// The JSON on stdout.
        var json: [String: ConfigValue] {
            guard case .map(let map) = try? JSONDecoder().decode(ConfigValue.self, from: Data(output.utf8)) else {
                return [:]
            }
            return map
        }

        func count(_ name: String) -> Int? {
            if case .integer(let count) = json[name] { return Int(count) }
            return nil
        }
    }

    func start(_ arguments: [String]) throws -> (process: Process, finish: () -> Outcome) {
        let process = Process()
        process.executableURL = URL(filePath: ScratchProject.program)
        process.arguments = arguments
        process.currentDirectoryURL = URL(filePath: folder)
        let name = UUID().uuidString
        let outputPath = folder + "/\(name).out"
        let errorPath = folder + "/\(name).err"
        for path in [outputPath, errorPath] { try Data().write(to: URL(filePath: path)) }
        process.standardOutput = FileHandle(forWritingAtPath: outputPath)
        process.standardError = FileHandle(forWritingAtPath: errorPath)
        process.standardInput = FileHandle.nullDevice
        try process.run()
        return (
            process,
            {
                process.waitUntilExit()
                func text(_ path: String) -> String { (try? String(contentsOfFile: path, encoding: .utf8)) ?? "" }
                return Outcome(status: process.terminationStatus, output: text(outputPath), errors: text(errorPath))
            }
        )
    }

    func run(_ arguments: String...) throws -> Outcome { try start(arguments).finish() }

    /// Runs the pipeline and gives how many tasks really executed.
    func executed(_ arguments: String...) throws -> Int? {
        try start(["run", "p.yaml", "--json"] + arguments).finish().count("executed")
    }

    /// Three groups of four leaves and a final; a leaf keeps the first five bytes of its source and its word.
    static func fan() throws -> ScratchProject {
        let project = try ScratchProject()
        try project.write("stages/types.yaml", "types: { note: { format: file, extension: txt } }\n")
        try project.write(
            "stages/leaf.yaml",
            """
            stage: leaf
            run: [sh, leaf.sh, "${inputs.in}", "${outputs.out}", "${config.word}"]
            inputs: { in: { type: note } }
            outputs: { out: { type: note } }
            config: { word: { type: text, default: a } }
            resources: { memory: 10MiB }
            """)
        try project.write("stages/leaf.sh", "head -c 5 \"$1\" > \"$2\" && echo \" $3\" >> \"$2\"\n")
        try project.write(
            "stages/join.yaml",
            """
            stage: join
            run: [sh, -c, 'o=$1; s=$2; shift 2; cat "$@" > "$o"; echo "$s" >> "$o"', join, "${outputs.out}", "${config.sign}", "${inputs.parts}"]
            inputs: { parts: { type: note } }
            outputs: { out: { type: note } }
            config: { sign: { type: text, default: end } }
            resources: { memory: 10MiB }
            """)
        try project.write(
            "p.yaml",
            """
            pipeline: fan
            axes:
              group: [a, b, c]
              leaf: { within: group, range: [1, 4] }
            sources: { in: { file: "in/${group}${leaf}.txt", for: [group, leaf], type: note } }
            stages:
              leaf: { for: [group, leaf], inputs: { in: in } }
              group: { uses: join, for: [group], inputs: { parts: leaf } }
              final: { uses: join, inputs: { parts: group } }
            """)
        for group in ["a", "b", "c"] {
            for leaf in 1...4 { try project.write("in/\(group)\(leaf).txt", "\(group)\(leaf)___ and more\n") }
        }
        return project
    }
}
