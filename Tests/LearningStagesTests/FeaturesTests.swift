import Foundation
import HDF5
import LearningStages
import NDArray
import Networks
import StageKit
import StageProtocol
import Testing
import Torch

@Suite(.serialized) struct FeaturesTests {
    private let bench: StageBench

    init() throws { bench = try StageBench() }

    private func run(
        model: String, patches: String, batch: Int? = 16, bf16: Bool = false, cores: Int = 1, to name: String = "out.h5"
    ) throws -> Int32 {
        try bench.run(
            "features", inputs: ["model": [model], "patches": [patches]], outputs: ["features": name],
            config: ["batch_size": batch.map { .integer(Int64($0)) } ?? .null, "mixed_precision": .bool(bf16)],
            cores: cores)
    }

    @Test func aRowAPatchWithItsDatasetsInTheSameOrder() throws {
        let patches = try bench.patches("p.h5", count: 21)
        #expect(try run(model: bench.model("m.h5"), patches: patches) == WorkerExit.success)
        let table = try HDF5File(reading: bench.path("out.h5"))
        #expect(try table.dataset("/features").shape == [21, 256])
        #expect(try table.dataset("/projection").shape == [21, 16])
        #expect(!table.contains("/pixels"))
        let source = try HDF5File(reading: patches)
        #expect(
            try table.dataset("/label").read(as: Int32.self) == source.dataset("/label").read(as: Int32.self))
        #expect(
            try table.dataset("/mni_mm").read(as: Double.self) == source.dataset("/mni_mm").read(as: Double.self))
        #expect(try table.dataset("/areas/name").readTexts() == ["area 0", "area 1", "area 2"])
        #expect(try table.attribute("spacing_um", as: Double.self) == 64)
        #expect(try table.textAttribute("objective").contains("spatial"))
    }

    /// The middle of a window is what a network gets, by a plain crop and the network called on it.
    @Test func featuresAreTheNetworksOfTheMiddle() throws {
        let patches = try bench.patches("p.h5", count: 3)
        #expect(try run(model: bench.model("m.h5"), patches: patches) == WorkerExit.success)
        let pixels = try HDF5File(reading: patches).dataset("/pixels").read(as: UInt8.self)
        var middle: [Float] = []
        for row in 10..<42 {
            for column in 10..<42 { middle.append(Float(pixels[2 * 52 * 52 + row * 52 + column]) / 255) }
        }
        let store = ParameterStore(seed: nil)
        let backbone = try ModelFile(reading: bench.path("m.h5")).backbone(store)
        let wanted = try withoutGradients {
            try backbone(Tensor(middle, shape: [1, 1, 32, 32]), .inference).features.array(of: Float.self)
        }
        let found = try HDF5File(reading: bench.path("out.h5")).dataset("/features").read(as: Float.self).suffix(256)
        // A sum over a batch of three may be ordered otherwise than over one: rounding only.
        let scale = wanted.map(abs).max() ?? 1
        #expect(zip(wanted, found).allSatisfy { abs($0 - $1) <= 1e-5 * scale })
    }

    @Test func bytesDependNeitherOnTheRunNorOnTheThreads() throws {
        let patches = try bench.patches("p.h5")
        let model = try bench.model("m.h5")
        #expect(try run(model: model, patches: patches) == WorkerExit.success)
        let first = bench.bytes("out.h5")
        #expect(try run(model: model, patches: patches) == WorkerExit.success)
        #expect(bench.bytes("out.h5") == first)
        #expect(try run(model: model, patches: patches, cores: 3) == WorkerExit.success)
        #expect(bench.bytes("out.h5") == first)
    }

    @Test func bfloat16IsNearFloat32() throws {
        let patches = try bench.patches("p.h5")
        let model = try bench.model("m.h5")
        #expect(try run(model: model, patches: patches) == WorkerExit.success)
        let exact = try HDF5File(reading: bench.path("out.h5")).dataset("/features").read(as: Float.self)
        #expect(try run(model: model, patches: patches, bf16: true) == WorkerExit.success)
        let near = try HDF5File(reading: bench.path("out.h5")).dataset("/features").read(as: Float.self)
        #expect(near != exact)
        let scale = exact.map(abs).max() ?? 1
        // Eight bits of mantissa, a dozen layers.
        #expect(zip(exact, near).allSatisfy { abs($0 - $1) <= 0.05 * scale })
    }

    @Test func aHybridGivesItsClassToken() throws {
        let patches = try bench.patches("p.h5", count: 5)
        let model = try bench.model("m.h5", transformer: .small, head: false)
        #expect(try run(model: model, patches: patches, batch: nil) == WorkerExit.success)
        let table = try HDF5File(reading: bench.path("out.h5"))
        #expect(try table.dataset("/features").shape == [5, VisionTransformerShape.small.width])
        #expect(!table.contains("/projection"))
    }

    @Test func whatDoesNotFitIsRefused() throws {
        let model = try bench.model("m.h5")
        #expect(try run(model: model, patches: bench.patches("s.h5", count: 4, side: 30)) != WorkerExit.success)
        #expect(try run(model: model, patches: bench.patches("u.h5", count: 4, spacingUm: 32)) != WorkerExit.success)
        let broken = try bench.model("n.h5") { store in
            try store.set("bn1.bias", to: [Float](repeating: .nan, count: 16))
        }
        let error = #expect(throws: StageError.self) {
            try LoadedModel(
                StageInput(port: "model", file: InputFile(path: broken, item: [], digest: "")))
        }
        #expect(error?.message.contains("bn1.bias") == true)
        #expect(try run(model: broken, patches: bench.patches("p.h5", count: 4)) != WorkerExit.success)
        #expect(try run(model: bench.path("none.h5"), patches: bench.patches("p.h5", count: 4)) != WorkerExit.success)
    }
}
