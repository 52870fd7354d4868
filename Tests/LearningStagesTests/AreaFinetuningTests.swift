import Foundation
import HDF5
import LearningStages
import NDArray
import Networks
import StageKit
import StageProtocol
import Testing

@Suite(.serialized) struct AreaFinetuningTests {
    private let bench: StageBench

    init() throws { bench = try StageBench() }

    private func run(
        model: String?, patches: [String], _ changes: [String: ConfigValue] = [:], adjacency: String? = nil
    ) throws -> Int32 {
        let base: [String: ConfigValue] = [
            "strategy": .text("finetune"), "attach": .text("features"), "network": .text("small"),
            "patch_side_px": .integer(32), "per_area": .integer(24), "batch_size": .integer(12), "epochs": .integer(2),
            "optimizer": .text("sgd"), "learning_rate": .real(0.02), "schedule": .text("constant"),
            "warm_up_fraction": .integer(0), "momentum": .real(0.9), "trust": .real(0.02),
            "weight_decay": .real(0.0001),
            "mixed_precision": .bool(false), "checkpoint_steps": .integer(100),
        ]
        var inputs = ["patches": patches]
        if let model { inputs["model"] = [model] }
        if let adjacency { inputs["adjacency"] = [adjacency] }
        try? FileManager.default.removeItem(atPath: bench.path("checkpoint.h5"))
        return try bench.run(
            "area-finetuning", inputs: inputs,
            outputs: ["scores": "scores.h5", "summary": "summary.json", "model": "model.h5"],
            config: base.merging(changes) { $1 })
    }

    private func cohort() throws -> [String] {
        [
            try bench.patches("b1.h5", count: 60, brain: "B01", role: "seen", seed: 1),
            try bench.patches("b2.h5", count: 30, brain: "B02", role: "transfer", seed: 2),
            try bench.patches("b3.h5", count: 30, brain: "B03", role: "unseen", seed: 3),
        ]
    }

    @Test func stripesAreToldFromScratchInEveryBrain() throws {
        let table = bench.path("adjacency.tsv")
        try "area\tneighbour\tcontact_mm2\n11\t12\t1\n12\t13\t1\n".write(
            toFile: table, atomically: true, encoding: .utf8)
        let code = try run(
            model: nil, patches: cohort(),
            ["optimizer": .text("adamw"), "learning_rate": .real(0.004), "epochs": .integer(12)],
            adjacency: table)
        #expect(code == WorkerExit.success)
        let file = try HDF5File(reading: bench.path("scores.h5"))
        #expect(try file.dataset("/scores/set").readTexts() == ["seen", "transfer", "unseen"])
        #expect(try file.dataset("/scores/points").read(as: Int64.self) == [12, 30, 30])
        #expect(try file.dataset("/scores/top1").read(as: Double.self).allSatisfy { $0 > 0.6 }, "chance is a third")
        #expect(try file.dataset("/scores/top3").read(as: Double.self) == [1, 1, 1])
        #expect(try file.dataset("/row").read(as: Int64.self).first == 4, "the first test point of the first brain")
        #expect(try file.dataset("/hops").read(as: Int32.self).allSatisfy { (0...2).contains($0) })
        #expect(try file.dataset("/brains/name").readTexts() == ["B01", "B02", "B03"])
        #expect(try file.textAttribute("start") == "scratch")
        let model = try ModelFile(reading: bench.path("model.h5"))
        #expect(model.objective == .classification && model.tensors.contains { $0.name == "classifier.weight" })
        #expect(bench.bytes("summary.json") != nil)
    }

    @Test func logitsAreKeptWithTheirAreasAndPlacesSoThatTheyCanBeSmoothed() throws {
        let set = try bench.patches("r.h5", brain: "B01", role: "seen") { file in
            try file.write((0..<180).map { Double($0) }, shape: [60, 3], to: "/reconstruction_um")
        }
        #expect(try run(model: bench.model("m.h5"), patches: [set]) == WorkerExit.success)
        let file = try HDF5File(reading: bench.path("scores.h5"))
        let logits = try file.dataset("/logits")
        #expect(logits.shape == [12, 3])
        #expect(try file.dataset("/classes").read(as: Int32.self) == [11, 12, 13])
        #expect(try file.dataset("/class_names").readTexts() == ["area 0", "area 1", "area 2"])
        // Every fifth row is a test point, from the fifth on.
        #expect(try file.dataset("/reconstruction_um").read(as: Double.self).prefix(6) == [12, 13, 14, 27, 28, 29])
        let values = try logits.read(as: Float.self)
        let predicted = try file.dataset("/predicted").read(as: Int32.self)
        let margins = try file.dataset("/margin").read(as: Float.self)
        for row in 0..<12 {
            let sorted = (0..<3).sorted { values[3 * row + $0] > values[3 * row + $1] }
            #expect(predicted[row] == Int32(11 + sorted[0]))
            #expect(margins[row] == values[3 * row + sorted[0]] - values[3 * row + sorted[1]])
        }
    }

    @Test func aProbeLeavesTheNetworkAsItIs() throws {
        let model = try bench.model("m.h5")
        #expect(try run(model: model, patches: cohort(), ["strategy": .text("linear-probe")]) == WorkerExit.success)
        let before = try ModelFile(reading: model).tensors.filter { !$0.name.hasPrefix("projection") }
        let after = try ModelFile(reading: bench.path("model.h5")).tensors
        #expect(after.filter { $0.name != "classifier.weight" } == before)
        #expect(try HDF5File(reading: bench.path("scores.h5")).textAttribute("strategy") == "linear-probe")
        #expect(try run(model: model, patches: cohort()) == WorkerExit.success)
        #expect(
            try ModelFile(reading: bench.path("model.h5")).tensors.filter { $0.name != "classifier.weight" } != before)
    }

    @Test func theClassifierCanStandOnTheProjection() throws {
        let model = try bench.model("m.h5")
        for strategy in ["linear-probe", "finetune"] {
            let config: [String: ConfigValue] = ["strategy": .text(strategy), "attach": .text("projection")]
            #expect(try run(model: model, patches: cohort(), config) == WorkerExit.success)
            let weight = try ModelFile(reading: bench.path("model.h5")).tensors.first { $0.name == "classifier.weight" }
            #expect(weight?.shape == [3, 16])
            #expect(try HDF5File(reading: bench.path("scores.h5")).textAttribute("variant") == "projection")
        }
        let headless = try bench.model("h.h5", head: false)
        #expect(try run(model: headless, patches: cohort(), ["attach": .text("projection")]) != WorkerExit.success)
    }

    @Test func theSameInputGivesTheSameBytesAndFewLabelsAreTaken() throws {
        let set = try cohort()
        let model = try bench.model("m.h5")
        let few: [String: ConfigValue] = ["labels_per_area": .integer(2)]
        #expect(try run(model: model, patches: set, few) == WorkerExit.success)
        let first = (bench.bytes("scores.h5"), bench.bytes("model.h5"))
        #expect(try run(model: model, patches: set, few) == WorkerExit.success)
        #expect(bench.bytes("scores.h5") == first.0 && bench.bytes("model.h5") == first.1)
        #expect(try HDF5File(reading: bench.path("scores.h5")).attribute("labels_per_area", as: Int.self) == 2)
    }

    @Test func areasWithoutTrainingPointsAreNeverTold() throws {
        // The transfer brain has a fourth area.
        let sets = [
            try bench.patches("b1.h5", brain: "B01", role: "seen"),
            try bench.patches("b2.h5", count: 24, classes: 4, brain: "B02", role: "transfer"),
        ]
        #expect(try run(model: bench.model("m.h5"), patches: sets) == WorkerExit.success)
        let file = try HDF5File(reading: bench.path("scores.h5"))
        let truth = try file.dataset("/true").read(as: Int32.self)
        let ranks = try file.dataset("/correct_rank").read(as: Int32.self)
        #expect(truth.contains(14) && zip(truth, ranks).allSatisfy { $0 != 14 || $1 == 3 })
        #expect(try !file.dataset("/predicted").read(as: Int32.self).contains(14))
    }

    @Test func aSetThatIsAllOfOneClassInTestIsScored() throws {
        let sets = [
            try bench.patches("b1.h5", brain: "B01", role: "seen"),
            try bench.patches("b2.h5", count: 6, classes: 1, brain: "B02", role: "transfer"),
        ]
        #expect(try run(model: bench.model("m.h5"), patches: sets) == WorkerExit.success)
    }

    @Test func whatCannotBeLearnedFromIsRefused() throws {
        let model = try bench.model("m.h5")
        #expect(try run(model: model, patches: [bench.patches("one.h5", classes: 1)]) != WorkerExit.success)
        #expect(try run(model: model, patches: [bench.patches("t.h5", role: "transfer")]) != WorkerExit.success)
        #expect(try run(model: model, patches: [bench.patches("n.h5", side: 40)]) != WorkerExit.success)
        #expect(try run(model: model, patches: [bench.patches("u.h5", spacingUm: 32)]) != WorkerExit.success)
        #expect(
            try run(model: model, patches: [bench.patches("a.h5"), bench.patches("b.h5", side: 54)])
                != WorkerExit.success)
        #expect(try run(model: nil, patches: cohort(), ["strategy": .text("linear-probe")]) != WorkerExit.success)
        #expect(try run(model: model, patches: cohort(), ["batch_size": .integer(73)]) != WorkerExit.success)
    }
}
