import Foundation
import HDF5
import LearningStages
import NDArray
import Networks
import StageKit
import StageProtocol
import Testing

@Suite(.serialized) struct LayerSegmentationTests {
    private let bench: StageBench

    init() throws { bench = try StageBench() }

    /// Four of seven bands of stripes, each finer than the one before, from another one on in each patch.
    private func patches(_ name: String, count: Int = 40, _ change: (HDF5File) throws -> Void = { _ in }) throws
        -> String
    {
        var generator = SeededGenerator(seed: 4)
        var pixels: [UInt8] = []
        var layers: [UInt8] = []
        for _ in 0..<count {
            let first = generator.index(below: 4)
            for row in 0..<32 {
                let layer = first + row / 8
                for column in 0..<32 {
                    layers.append(UInt8(layer))
                    let stripes = 100 * Math.cos(0.45 * Double(layer * column) + Double(first))
                    pixels.append(UInt8(128 + stripes + 10 * generator.uniform()))
                }
            }
        }
        let path = bench.path(name)
        try HDF5File.create(path) { file in
            try file.write(pixels, shape: [count, 32, 32], to: "/pixels")
            try file.write(layers, shape: [count, 32, 32], to: "/layer")
            try file.write((0..<count).map { Int32($0 / 20) }, to: "/brain")
            try file.write(texts: ["B01", "B02"], to: "/brains/name")
            try file.write(texts: ["seen", "unseen"], to: "/brains/role")
            try file.write([Int32](repeating: 3, count: count), to: "/label")
            try file.write(texts: (0..<count).map { "\($0 / 5)" }, to: "/section_name")
            try file.setAttribute("spacing_um", to: 64.0)
            try change(file)
        }
        return path
    }

    private func run(
        model: String?, patches: String, _ changes: [String: ConfigValue] = [:], cores: Int = 1
    ) throws -> Int32 {
        let base: [String: ConfigValue] = [
            "strategy": .text(model == nil ? "finetune" : "linear-probe"), "network": .text("small"),
            "fractions": .list([.real(0.2), .integer(1)]), "folds": .integer(2), "fold_training": .text("others"),
            "test_fraction": .real(0.2), "split": .text("patch"), "steps": .integer(100), "batch_size": .integer(8),
            "optimizer": .text("adamw"), "learning_rate": .real(0.01), "schedule": .text("constant"),
            "warm_up_fraction": .integer(0), "momentum": .real(0.9), "trust": .real(0.02), "weight_decay": .real(0.01),
            "mixed_precision": .bool(false), "examples": .integer(3),
        ]
        return try bench.run(
            "layer-segmentation",
            inputs: ["patches": [patches]].merging(model.map { ["model": [$0]] } ?? [:]) { $1 },
            outputs: ["scores": "scores.h5", "summary": "summary.json"],
            config: base.merging(changes) { $1 }, cores: cores)
    }

    /// Textures are told by the features of an untrained network too. Gray levels would not be: without any bias, features and
    /// logits grow with the level, and the order of the logits stays.
    @Test func bandsAreToldByALinearProbe() throws {
        let set = try patches("p.h5")
        #expect(try run(model: bench.model("m.h5"), patches: set) == WorkerExit.success)
        let file = try HDF5File(reading: bench.path("scores.h5"))
        #expect(try file.dataset("/macro_f1").shape == [2, 2] && file.dataset("/class_f1").shape == [2, 2, 7])
        #expect(try file.dataset("/patches").read(as: Int64.self) == [6, 32])
        let scores = try file.dataset("/macro_f1").read(as: Double.self)
        #expect(
            scores.allSatisfy { $0 > 0.15 && $0 <= 1 } && scores[2] > 0.5, "\(scores): seven classes, chance is 0.14")
        #expect(try file.dataset("/example/predicted").shape == [2, 3, 4, 4])
        #expect(try file.dataset("/example/pixels").shape == [3, 32, 32])
        let json = try #require(bench.bytes("summary.json"))
        let summary = try #require(try JSONSerialization.jsonObject(with: json) as? [String: Any])
        let figures = try #require(summary["figures"] as? [String: Double])
        #expect(abs((figures["macro_f1_at_100_percent"] ?? 0) - (scores[2] + scores[3]) / 2) < 1e-12)
        #expect(figures["macro_f1_at_20_percent"] != nil)
    }

    @Test func theSameInputGivesTheSameBytes() throws {
        let set = try patches("p.h5")
        let model = try bench.model("m.h5")
        #expect(try run(model: model, patches: set, ["steps": .integer(5)]) == WorkerExit.success)
        let first = bench.bytes("scores.h5")
        #expect(try run(model: model, patches: set, ["steps": .integer(5)]) == WorkerExit.success)
        #expect(bench.bytes("scores.h5") == first)
    }

    @Test func theNumberOfThreadsDoesNotMatter() throws {
        let set = try patches("p.h5")
        for model in [try bench.model("m.h5"), nil] {
            #expect(try run(model: model, patches: set, ["steps": .integer(5)]) == WorkerExit.success)
            let first = bench.bytes("scores.h5")
            #expect(try run(model: model, patches: set, ["steps": .integer(5)], cores: 3) == WorkerExit.success)
            #expect(bench.bytes("scores.h5") == first)
        }
    }

    @Test func networksAreFinetunedAndTrainedFromScratch() throws {
        let set = try patches("p.h5", count: 20)
        let few: [String: ConfigValue] = [
            "steps": .integer(4), "fractions": .list([.integer(1)]), "split": .text("section"),
        ]
        #expect(try run(model: nil, patches: set, few) == WorkerExit.success)
        #expect(try HDF5File(reading: bench.path("scores.h5")).textAttribute("start") == "scratch")
        let finetune = few.merging(["strategy": .text("finetune")]) { $1 }
        #expect(try run(model: bench.model("m.h5"), patches: set, finetune) == WorkerExit.success)
        let hybrid = try bench.model("v.h5", transformer: .small)
        #expect(try run(model: hybrid, patches: set, finetune) == WorkerExit.success)
    }

    @Test func mirroredPlacesAreNotScored() throws {
        // Masks that are wrong wherever they are not valid: a score of nearly 1 shows that these don't count.
        let set = try patches("p.h5") { file in
            try file.write(
                [UInt8](repeating: 1, count: 40 * 16 * 32) + [UInt8](repeating: 0, count: 40 * 16 * 32),
                shape: [40, 32, 32], to: "/valid")
        }
        #expect(try run(model: bench.model("m.h5"), patches: set) == WorkerExit.success)
        let truth = try HDF5File(reading: bench.path("scores.h5")).dataset("/example/true").read(as: UInt8.self)
        #expect(truth.contains(255))
    }

    @Test func whatDoesNotFitIsRefused() throws {
        let set = try patches("p.h5")
        let model = try bench.model("m.h5")
        #expect(try run(model: nil, patches: set, ["strategy": .text("linear-probe")]) != WorkerExit.success)
        #expect(try run(model: model, patches: bench.patches("a.h5")) != WorkerExit.success, "windows, and no /layer")
        #expect(try run(model: model, patches: bench.patches("b.h5", side: 32)) != WorkerExit.success, "no /layer")
        #expect(try run(model: model, patches: patches("few.h5", count: 2)) != WorkerExit.success)
        #expect(try run(model: model, patches: set, ["fractions": .list([.real(1.5)])]) != WorkerExit.success)
        #expect(try run(model: model, patches: set, ["split": .text("lobe")]) != WorkerExit.success)
        #expect(try run(model: bench.model("s.h5", spacingUm: 32), patches: set) != WorkerExit.success)
    }
}
