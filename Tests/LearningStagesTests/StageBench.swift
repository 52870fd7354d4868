import Foundation
import HDF5
import LearningStages
import NDArray
import Networks
import StageKit
import StageProtocol
import Testing
import Torch

/// A folder with tiny models and patch sets, and the worker to run stages on them.
final class StageBench {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("learn-\(UUID().uuidString)")
    private let worker = StageWorker(program: "cyto-learn", stages: learningStages, tools: learningTools)

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    /// Stripes whose direction and width tell the class; classes are areas 11, 12, … of the brain.
    ///
    /// Every fifth point is a test point. Sections hold ten points each.
    @discardableResult func patches(
        _ name: String, count: Int = 60, side: Int = 52, classes: Int = 3, brain: String = "B01", role: String = "seen",
        spacingUm: Double = 64, seed: UInt64 = 2, _ change: (HDF5File) throws -> Void = { _ in }
    ) throws -> String {
        var generator = SeededGenerator(seed: seed)
        var pixels: [UInt8] = []
        var labels: [Int32] = []
        for index in 0..<count {
            let place = Double(index % classes) / Double(max(classes - 1, 1))
            labels.append(Int32(11 + index % classes))
            let phase = generator.uniform() * 6
            for pixel in 0..<side * side {
                let along = place * Double(pixel / side) + (1 - place) * Double(pixel % side)
                pixels.append(UInt8(128 + 100 * Math.cos(along * (0.4 + place) + phase) + 10 * generator.uniform()))
            }
        }
        let path = path(name)
        try HDF5File.create(path) { file in
            try file.write(pixels, shape: [count, side, side], to: "/pixels")
            try file.write([Int32](repeating: 0, count: count), to: "/brain")
            try file.write(texts: [brain], to: "/brains/name")
            try file.write(texts: [role], to: "/brains/role")
            try file.write(texts: (0..<count).map { "\($0 / 10)" }, to: "/section_name")
            try file.write((0..<2 * count).map { Double($0) }, shape: [count, 2], to: "/position_um")
            try file.write((0..<3 * count).map { Double($0) }, shape: [count, 3], to: "/mni_mm")
            try file.write((0..<count).map { Int64($0) }, to: "/row")
            try file.write((0..<count).map { UInt8($0 % 2) }, to: "/hemisphere")
            try file.write(labels, to: "/label")
            try file.write((0..<count).map { UInt8($0 % 5 == 4 ? 1 : 0) }, to: "/test")
            try file.write((0..<classes).map { Int32(11 + $0) }, to: "/areas/label")
            try file.write(texts: (0..<classes).map { "area \($0)" }, to: "/areas/name")
            try file.setAttribute("spacing_um", to: spacingUm)
            try change(file)
        }
        return path
    }

    /// An untrained model with a projection head, for patches of 32 px.
    @discardableResult func model(
        _ name: String, transformer: VisionTransformerShape? = nil, head: Bool = true, spacingUm: Double = 64,
        _ change: (ParameterStore) throws -> Void = { _ in }
    ) throws -> String {
        let network = NetworkDescription(residual: .small, transformer: transformer, imageSide: 32)
        let store = ParameterStore(seed: 5)
        let backbone = try network.build(store)
        if head { _ = try ProjectionHead(features: backbone.featureCount, outputs: 16, parameters: store) }
        try change(store)
        let path = path(name)
        try HDF5File.create(path) { file in
            try ModelFile(
                network: network, objective: .spatial(sigmaMm: 10, temperature: 0.07), spacingUm: spacingUm,
                tensors: try store.values()
            ).write(to: file)
        }
        return path
    }

    /// Runs a stage as the runner does; gives the exit code.
    func run(
        _ stage: String, inputs: [String: [String]], outputs: [String: String], config: [String: ConfigValue],
        seed: UInt64 = 3, cores: Int = 1
    ) throws -> Int32 {
        for output in outputs.values { try? FileManager.default.removeItem(atPath: path(output)) }
        let job = StageJob(
            stage: stage, item: [],
            inputs: inputs.mapValues { files in
                files.map { InputFile(path: $0, item: [], digest: String(repeating: "0", count: 64)) }
            }, outputs: outputs.mapValues { OutputFile(path: path($0), type: nil) }, config: config, seed: seed,
            cores: cores, scratch: folder.path)
        let file = path("job-\(UUID().uuidString).json")
        try JSONEncoder().encode(job).write(to: URL(fileURLWithPath: file))
        return worker.run(arguments: [stage, "--job", file])
    }

    func bytes(_ name: String) -> Data? { FileManager.default.contents(atPath: path(name)) }
}
