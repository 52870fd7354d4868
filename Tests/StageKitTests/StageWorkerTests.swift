import Foundation
import HDF5
import NDArray
import StageKit
import StageProtocol
import Testing

/// Writes `side × side` numbers of a seed; the config can make it go wrong in every way.
private enum NoiseStage: Stage {
    static let name = "noise"
    static let summary = "Writes noise."

    static func run(_ context: StageContext) throws {
        let side = try context.config.integer("side", in: 1...)
        context.progress(0.5, "drawing")
        context.figure("side", Double(side))
        context.figure("unbounded", .infinity)
        switch try context.config.optionalText("mistake") {
        case "no-result":
            throw StageError(.noResult, "holds no tissue; check the stain", port: "section", file: "a.tif")
        case "no-output": return
        case "missing-input": _ = try context.open("section")
        default: break
        }
        var generator = SeededGenerator(seed: context.seed)
        let noise = (0..<side * side).map { _ in Float(generator.uniform()) }
        try context.write("noise") { file in
            try file.write(Image(rows: side, columns: side, elements: noise), to: "/noise")
            if context.config.has("spacing_um") { try file.setAttribute("spacing_um", to: 1.0) }
        }
    }
}

struct StageWorkerTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("worker-\(UUID().uuidString)")
    private let worker = StageWorker(program: "test", stages: [NoiseStage.self])
    private let type = ArtifactType(
        name: "noise", format: .hdf5, fileExtension: "h5",
        datasets: [.init(path: "/noise", element: .float32, shape: [nil, nil])],
        attributes: [.init(name: "spacing_um", element: .float64)])

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    /// Runs the stage with a config; gives the exit code, what it wrote, and its progress.
    private func run(
        _ config: [String: ConfigValue], cores: Int = 1, inputs: [String: [InputFile]] = [:]
    ) throws -> (code: Int32, bytes: Data?, messages: [ProgressMessage]) {
        let progress = path("progress")
        #expect(FileManager.default.createFile(atPath: progress, contents: nil))
        let handle = try #require(FileHandle(forWritingAtPath: progress))
        let output = path("noise.h5")
        try? FileManager.default.removeItem(atPath: output)
        let job = StageJob(
            stage: "noise", item: [Coordinate(axis: "brain", value: "B01")], inputs: inputs,
            outputs: ["noise": OutputFile(path: output, type: type)], config: config, seed: 3, cores: cores,
            scratch: folder.path, progressDescriptor: handle.fileDescriptor)
        try JSONEncoder().encode(job).write(to: URL(fileURLWithPath: path("job.json")))
        let code = worker.run(arguments: ["noise", "--job", path("job.json")])
        try handle.close()
        let lines = try String(contentsOfFile: progress, encoding: .utf8).split(separator: "\n")
        return (
            code, FileManager.default.contents(atPath: output),
            try lines.map { try JSONDecoder().decode(ProgressMessage.self, from: Data($0.utf8)) }
        )
    }

    @Test func aStageThatDoesItsWorkEndsWithSuccessProgressAndFigures() throws {
        let (code, bytes, messages) = try run(["side": .integer(40), "spacing_um": .integer(1)])
        #expect(code == WorkerExit.success)
        #expect(bytes != nil)
        #expect(messages == [ProgressMessage(fraction: 0.5, step: "drawing"), ProgressMessage(figures: ["side": 40])])
    }

    @Test func bytesDoNotDependOnTheNumberOfCoresOrTheTime() throws {
        let one = try run(["side": .integer(200), "spacing_um": .integer(1)], cores: 1)
        Thread.sleep(forTimeInterval: 1.1)
        let two = try run(["side": .integer(200), "spacing_um": .integer(1)], cores: 2)
        #expect(one.bytes == two.bytes)
        #expect(one.bytes != nil)
    }

    @Test func exitCodesTellTheKindOfFailure() throws {
        #expect(try run(["side": .integer(0)]).code == WorkerExit.badJob)
        #expect(try run([:]).code == WorkerExit.badJob)
        #expect(try run(["side": .integer(4), "mistake": .text("no-result")]).code == WorkerExit.failed)
        #expect(try run(["side": .integer(4), "mistake": .text("no-output")]).code == WorkerExit.defect)
        let absent = InputFile(path: "/nowhere/a.h5", item: [], digest: "")
        #expect(
            try run(["side": .integer(4), "mistake": .text("missing-input")], inputs: ["section": [absent]]).code
                == WorkerExit.inputOutput)
        #expect(worker.run(arguments: ["noise", "--job", path("absent.json")]) == WorkerExit.inputOutput)
        #expect(worker.run(arguments: ["noise"]) == WorkerExit.badJob)
        #expect(worker.run(arguments: ["nois", "--job", "x"]) == WorkerExit.badJob)
        try Data("{}".utf8).write(to: URL(fileURLWithPath: path("job.json")))
        #expect(worker.run(arguments: ["noise", "--job", path("job.json")]) == WorkerExit.badJob)
    }

    @Test func anOutputThatIsNotOfItsTypeIsADefect() throws {
        #expect(try run(["side": .integer(4)]).code == WorkerExit.defect)
    }

    @Test func aTypeFindsEveryMistakeOfAFile() throws {
        let file = path("wrong.h5")
        try HDF5File.create(file) { file in
            try file.write([UInt8](repeating: 0, count: 6), shape: [2, 3], to: "/labels")
            try file.write([1.0], shape: [1], to: "/matrix")
            try file.setAttribute("spacing_um", to: Int32(3))
        }
        let type = ArtifactType(
            name: "t", format: .hdf5, fileExtension: "h5",
            datasets: [
                .init(path: "/labels", element: .uint8, shape: [nil, 4]),
                .init(path: "/matrix", element: .float32, shape: [1]),
                .init(path: "/gone", element: .text, shape: [nil]),
                .init(path: "/extra", element: .text, shape: [nil], optional: true),
            ],
            attributes: [.init(name: "spacing_um", element: .float64), .init(name: "axes", element: .text)])
        #expect(
            type.mistakes(in: file) == [
                "/labels has the shape [2, 3], but [any, 4] is declared",
                "/matrix holds float64, but float32 is declared",
                "/gone is missing",
                "the attribute spacing_um is int32, but float64 is declared",
                "the attribute axes is missing",
            ])
        #expect(type.mistakes(in: path("absent.h5")) == ["was not written"])
    }

    @Test func inputsComeByPortWithTheirAttributes() throws {
        let file = InputFile(
            path: "/a.tif",
            item: [Coordinate(axis: "brain", value: "B01"), Coordinate(axis: "section", value: "0012")],
            digest: "00", attributes: ["section": ["position_um": .text("240.5")], "brain": ["role": .text("seen")]])
        let job = StageJob(
            stage: "s", item: [Coordinate(axis: "brain", value: "B01")],
            inputs: ["one": [file], "many": [file, file], "none": []], outputs: [:], config: [:], seed: 0, cores: 2,
            scratch: "/tmp")
        let context = StageContext(job: job)
        #expect(try context.input("one").double("position_um") == 240.5)
        #expect(try context.input("one").optionalText("role") == "seen")
        #expect(try context.input("one").coordinate("section") == "0012")
        #expect(try context.inputs("many").count == 2)
        #expect(try context.optionalInput("none")?.path == nil)
        #expect(throws: StageError.self) { try context.input("many") }
        #expect(throws: StageError.self) { try context.inputs("absent") }
        #expect(throws: StageError.self) { try context.input("one").double("absent") }
        #expect(context.label == "s[brain=B01]")
    }
}
