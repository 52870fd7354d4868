import Foundation
import HDF5
import LearningStages
import NDArray
import Networks
import StageKit
import StageProtocol
import Testing
import Torch

/// The stage through StageKit on patches of stripes, whose direction tells the place.
@Suite(.serialized) struct PretrainingTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent("learn-\(UUID().uuidString)")
    private let worker = StageWorker(program: "cyto-learn", stages: learningStages, tools: learningTools)
    private let type = ArtifactType(
        name: "trained-model", format: .hdf5, fileExtension: "h5",
        datasets: [.init(path: "/history/loss", element: .float32, shape: [nil])],
        attributes: [.init(name: "spacing_um", element: .float64)])

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    private func patches(
        count: Int = 48, side: Int = 52, _ change: (HDF5File) throws -> Void = { _ in }
    ) throws -> String {
        let path = path("patches-\(UUID().uuidString).h5")
        try writeStripedPatches(to: path, count: count, side: side, change)
        return path
    }

    private func config(_ changes: [String: ConfigValue] = [:]) -> [String: ConfigValue] { smallTraining(changes) }

    private func run(
        _ config: [String: ConfigValue], patches: String, cores: Int = 1, scratch: String = "scratch"
    ) throws -> (code: Int32, bytes: Data?) {
        let output = path("model.h5")
        try? FileManager.default.removeItem(atPath: output)
        try FileManager.default.createDirectory(atPath: path(scratch), withIntermediateDirectories: true)
        let job = StageJob(
            stage: "pretraining", item: [],
            inputs: ["patches": [InputFile(path: patches, item: [], digest: String(repeating: "0", count: 64))]],
            outputs: ["model": OutputFile(path: output, type: type)], config: config, seed: 3, cores: cores,
            scratch: path(scratch))
        try JSONEncoder().encode(job).write(to: URL(fileURLWithPath: path("job.json")))
        let code = worker.run(arguments: ["pretraining", "--job", path("job.json")])
        return (code, FileManager.default.contents(atPath: output))
    }

    @Test(arguments: ["cytonet", "simclr", "supcon", "scratch"])
    func everyMethodWritesAModelThatCanBeReadBack(method: String) throws {
        let set = try patches()
        let (code, bytes) = try run(config(["method": .text(method)]), patches: set)
        #expect(code == WorkerExit.success && bytes != nil)
        let model = try ModelFile(reading: path("model.h5"))
        #expect(model.network == NetworkDescription(residual: .small, imageSide: 32))
        #expect(model.spacingUm == 64)
        let losses = try HDF5File(reading: path("model.h5")).dataset("/history/loss").read(as: Float.self)
        #expect(losses.count == 9)  // 3 epochs of 48 / 16 batches
        let store = ParameterStore(seed: nil)
        let backbone = try model.backbone(store)
        let features = try withoutGradients {
            try backbone(Tensor.zeros(shape: [1, 1, 32, 32]), .inference).features
        }
        #expect(features.shape == [1, 256])
        #expect(try features.isFinite())
    }

    @Test func theSameInputGivesTheSameBytes() throws {
        let set = try patches()
        let one = try run(config(), patches: set, scratch: "one").bytes
        #expect(try one != nil && run(config(), patches: set, scratch: "two").bytes == one)
        #expect(try run(config(["weight_decay": .real(0.01)]), patches: set, scratch: "three").bytes != one)
    }

    @Test func aTrainingThatWasKilledEndsWithTheBytesOfAnUnbrokenOne() throws {
        let set = try patches()
        let whole = try run(config(), patches: set, scratch: "whole")
        #expect(whole.code == WorkerExit.success)
        // What the killed one left: its last checkpoint, of step 8, and a half-written one.
        let kept = path("whole/checkpoint.h5")
        try FileManager.default.createDirectory(atPath: path("broken"), withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: kept, toPath: path("broken/checkpoint.h5"))
        try Data("half".utf8).write(to: URL(fileURLWithPath: path("broken/checkpoint.h5.part")))
        #expect(try HDF5File(reading: kept).attribute("step", as: Int.self) == 8)
        let again = try run(config(), patches: set, scratch: "broken")
        #expect(again.code == WorkerExit.success)
        #expect(again.bytes == whole.bytes)
    }

    @Test func checkpointsOfOtherTrainingsVersionsAndDamagedOnesAreRefused() throws {
        let set = try patches()
        let checkpoint = path("scratch/checkpoint.h5")
        #expect(try run(config(), patches: set).code == WorkerExit.success)
        #expect(try run(config(["trust": .real(0.03)]), patches: set).code != WorkerExit.success)
        let state = TrainingState(step: 0, losses: [], tensors: [], optimizer: [])
        try TrainingCheckpoint.write(state, fingerprint: "a", to: checkpoint)
        #expect(throws: StageError.self) { try TrainingCheckpoint.read(checkpoint, fingerprint: "b") }
        #expect(try TrainingCheckpoint.read(checkpoint, fingerprint: "a")?.step == 0)
        #expect(try TrainingCheckpoint.read(path("none.h5"), fingerprint: "a") == nil)
        let bytes = try #require(FileManager.default.contents(atPath: checkpoint))
        try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: checkpoint))
        #expect(throws: HDF5Error.self) { try TrainingCheckpoint.read(checkpoint, fingerprint: "a") }
        try HDF5File.create(checkpoint) { try $0.setAttribute("version", to: 99) }
        let error = #expect(throws: StageError.self) { try TrainingCheckpoint.read(checkpoint, fingerprint: "a") }
        #expect(error?.message.contains("version 99") == true)
    }

    @Test func aCheckpointThatCannotBeWrittenLeavesTheOneBefore() throws {
        let state = TrainingState(step: 0, losses: [], tensors: [], optimizer: [])
        let error = #expect(throws: StageError.self) {
            try TrainingCheckpoint.write(state, fingerprint: "a", to: path("no-such-folder/checkpoint.h5"))
        }
        #expect(error?.code == .inputOutput)
    }

    @Test func patchesThatCannotBeLearnedFromAreRefused() throws {
        let small = try patches(side: 40)
        #expect(try run(config(), patches: small).code != WorkerExit.success)
        let set = try patches()
        #expect(try run(config(["batch_size": .integer(49)]), patches: set).code != WorkerExit.success)
        #expect(try run(config(["method": .text("dino")]), patches: set).code != WorkerExit.success)
        let nowhere = path("nowhere.h5")
        try HDF5File.create(nowhere) { file in
            try file.write([UInt8](repeating: 9, count: 4 * 52 * 52), shape: [4, 52, 52], to: "/pixels")
            try file.write([0, 0, 0, 1, 1, .nan, 2, 2, 2, 3, 3, 3], shape: [4, 3], to: "/mni_mm")
            try file.setAttribute("spacing_um", to: 64.0)
        }
        let error = #expect(throws: StageError.self) {
            try PatchSet(reading: nowhere).check(for: .spatial(sigmaMm: 10, temperature: 0.07))
        }
        #expect(error?.message.contains("point 1 has no position") == true)
        #expect(throws: StageError.self) { try PatchSet(reading: nowhere).check(for: .classification) }
        try HDF5File.create(nowhere) { file in
            try file.write([UInt8](repeating: 9, count: 4 * 52 * 50), shape: [4, 52, 50], to: "/pixels")
            try file.setAttribute("spacing_um", to: 64.0)
        }
        #expect(throws: StageError.self) { try PatchSet(reading: nowhere) }
    }

    @Test func throughputIsToldAsJSON() throws {
        let tool = try #require(learningTools.first { $0.name == "throughput" })
        let text = try tool.run(["small", "32", "4", "1", "1"])
        let json = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(json["network"] as? String == "small" && (json["images_per_s"] as? Double ?? 0) > 0)
        #expect(throws: StageError.self) { try tool.run(["large", "32", "4", "1", "1"]) }
    }
}
