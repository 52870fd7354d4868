import EvaluationStages
import Foundation
import HDF5
import StageKit
import StageProtocol
import Testing

@Suite struct AreaClassificationTests {
    let files: EvaluationFiles

    init() throws { files = try EvaluationFiles() }

    private func run(
        _ inputs: [InputFile], _ config: [String: ConfigValue] = [:], adjacency: [InputFile] = [], cores: Int = 1,
        seed: UInt64 = 0
    ) throws -> [String: String] {
        let defaults: [String: ConfigValue] = [
            "use": .text("features"), "points_per_area": .integer(50), "labels_per_area": .null, "repeats": .integer(1),
            "c": .real(1), "max_iterations": .integer(200), "tolerance": .real(1e-4), "rotate": .bool(false),
            "test_every": .integer(5),
        ]
        return try files.run(
            AreaClassification.self, ["features": inputs, "adjacency": adjacency], outputs: ["scores", "summary"],
            defaults.merging(config) { $1 }, cores: cores, seed: seed)
    }

    @Test func areasFarApartAreFoundInEverySet() throws {
        var table = EvaluationFiles.Table()
        table.areaStep = 12
        let outputs = try run(
            files.input(try files.write(table)), adjacency: files.input(try files.adjacency(table.areas)))
        let file = try HDF5File(reading: outputs["scores"] ?? "")
        #expect(try file.readTexts("/scores/set") == ["seen", "transfer", "unseen"])
        #expect(try file.read("/scores/macro_f1", as: Double.self).allSatisfy { $0 > 0.95 })
        // Test sections of two seen brains, all of the others: 4 areas × 2 hemispheres × 2 points a section.
        #expect(try file.dataset("/true").shape == [2 * 16 + 2 * 80])
        #expect(try file.dataset("/logits").shape == [2 * 16 + 2 * 80, 4])
        #expect(try file.read("/classes", as: Int32.self) == [1, 2, 3, 4])
        #expect(try file.textAttribute("strategy") == "linear-probe")
        // The row leads back to the point in the table.
        let rows = files.rows(table)
        let numbers = try file.read("/row", as: Int64.self)
        #expect(try file.read("/true", as: Int32.self) == numbers.map { rows[Int($0)].label })
        let summary = try files.summary(outputs["summary"])
        #expect(summary.figure("macro_f1_transfer") > 0.95)
        #expect(summary.table("area_classification_areas")?.rows.count == 4)
    }

    @Test func theResultDependsOnTheSeedAndNotOnTheThreads() throws {
        var table = EvaluationFiles.Table()
        table.areaStep = 3
        let input = files.input(try files.write(table))
        let one = try run(input, ["labels_per_area": .integer(3)])
        let two = try run(input, ["labels_per_area": .integer(3)], cores: 2)
        let other = try run(input, ["labels_per_area": .integer(3)], seed: 5)
        #expect(try files.bytes(one["scores"]) == files.bytes(two["scores"]))
        #expect(try files.bytes(one["summary"]) == files.bytes(two["summary"]))
        #expect(try files.bytes(one["scores"]) != files.bytes(other["scores"]))
    }

    @Test func gatheredTablesAreOneTable() throws {
        var table = EvaluationFiles.Table()
        table.areaStep = 4
        let rows = files.rows(table)
        let whole = try run(files.input(try files.write(rows, table)))
        var paths: [String] = []
        for brain in table.brains.indices {
            var one = table
            one.brains = [table.brains[brain]]
            let own = rows.filter { $0.brain == Int32(brain) }.map { row in
                var row = row
                row.brain = 0
                return row
            }
            paths.append(try files.write(own, one, "part-\(brain).h5"))
        }
        let parts = try run(paths.map { InputFile(path: $0, item: [], digest: "") })
        #expect(try files.bytes(whole["summary"]) == files.bytes(parts["summary"]))
    }

    @Test func fewerLabelsDoNoBetterAndRepeatsGiveADeviation() throws {
        var table = EvaluationFiles.Table()
        table.areaStep = 3
        table.pointsPerArea = 40
        let input = files.input(try files.write(table))
        let all = try files.summary(try run(input)["summary"])
        let few = try files.summary(
            try run(input, ["labels_per_area": .integer(2), "repeats": .integer(4)])["summary"])
        #expect(few.figure("macro_f1_seen") < all.figure("macro_f1_seen"))
        #expect(few.figure("macro_f1_seen_sd") > 0)
        #expect(few.table("area_classification_repeats")?.rows.count == 3)
    }

    @Test func theProjectionIsAVariant() throws {
        let outputs = try run(
            files.input(try files.write(EvaluationFiles.Table())), ["use": .text("projection")])
        #expect(try HDF5File(reading: outputs["scores"] ?? "").textAttribute("variant") == "projection")
    }

    @Test func everyBrainTakesItsTurnAsTransferBrain() throws {
        var table = EvaluationFiles.Table()
        // Transfer brains have no test sections; every fifth becomes one where they are seen.
        table.change = { if $0.brain >= 2 { $0.test = 0 } }
        let outputs = try run(files.input(try files.write(table)), ["rotate": .bool(true)])
        let file = try HDF5File(reading: outputs["scores"] ?? "")
        #expect(try file.readTexts("/rotation/brain") == ["B1", "B2", "B3"])
        #expect(try file.dataset("/rotation/macro_f1").shape == [3, 3])
        #expect(try file.read("/rotation/macro_f1", as: Double.self).allSatisfy { $0.isFinite })
        #expect(try files.summary(outputs["summary"]).table("rotation")?.rows.count == 3)
    }

    @Test func errorsAreCountedInHopsAndMarginsFallWithThem() throws {
        var table = EvaluationFiles.Table()
        table.areaStep = 2.5
        table.pointsPerArea = 60
        let outputs = try run(
            files.input(try files.write(table)), adjacency: files.input(try files.adjacency(table.areas)))
        let file = try HDF5File(reading: outputs["scores"] ?? "")
        let truth = try file.read("/true", as: Int32.self)
        let predicted = try file.read("/predicted", as: Int32.self)
        // Areas in a row: hops are differences of labels.
        #expect(try file.read("/hops", as: Int32.self) == zip(truth, predicted).map { abs($0 - $1) })
        let ranks = try file.read("/correct_rank", as: Int32.self)
        #expect(zip(ranks, zip(truth, predicted)).allSatisfy { ($0 == 0) == ($1.0 == $1.1) })
        let margins = try #require(try files.summary(outputs["summary"]).table("logit_margins"))
        #expect(margins.column("hops").contains(.text("correct")))
        let distances = try #require(try files.summary(outputs["summary"]).table("error_distance"))
        let shares = distances.rows.filter { $0[0] == .text("transfer") }.compactMap { row -> Double? in
            if case .real(let share) = row[3] {
                share
            } else if case .integer(let share) = row[3] {
                Double(share)
            } else {
                nil
            }
        }
        #expect(abs(shares.reduce(0, +) - 1) < 1e-12)
    }

    @Test func anAreaOfOnePointAndOneThatOnlyTestsHaveAreDefined() throws {
        var table = EvaluationFiles.Table()
        var isFirst = true
        table.change = { row in
            // Area 3 keeps one training point; area 4 is in unseen brains alone, and has no test point of seen ones.
            if row.label == 3, row.brain < 2, row.test == 0 {
                if !isFirst { row.label = -1 }
                isFirst = false
            }
            if row.label == 4, row.brain < 3 { row.label = -1 }
        }
        let outputs = try run(files.input(try files.write(table)))
        let file = try HDF5File(reading: outputs["scores"] ?? "")
        #expect(try file.read("/classes", as: Int32.self) == [1, 2, 3])
        let truth = try file.read("/true", as: Int32.self)
        let ranks = try file.read("/correct_rank", as: Int32.self)
        #expect(zip(truth, ranks).allSatisfy { $0 != 4 || $1 == 3 })
        // scikit-learn's macro-F1: a class that is true but never found counts 0.
        #expect(try files.summary(outputs["summary"]).figure("macro_f1_unseen") <= 0.75)
        // A set without any test point is undefined, not zero.
        var noTests = EvaluationFiles.Table()
        noTests.change = { $0.test = 0 }
        let undefined = try files.summary(try run(files.input(try files.write(noTests, "none.h5")))["summary"])
        #expect(undefined.figures["macro_f1_seen"] == .some(nil))
    }

    @Test func constantFeaturesTellNothingButDoNotFail() throws {
        var table = EvaluationFiles.Table()
        table.change = { row in row.features = row.features.map { _ in 3 } }
        let summary = try files.summary(try run(files.input(try files.write(table)))["summary"])
        #expect(abs(summary.figure("top1_transfer") - 0.25) < 1e-9)
    }

    @Test func badInputIsNamed() throws {
        let good = EvaluationFiles.Table()
        var broken = good
        var number = 0
        broken.change = { row in
            if number == 17 { row.features[2] = .nan }
            number += 1
        }
        let nan = try files.write(broken, "nan.h5")
        #expect(files.message { _ = try run(files.input(nan)) }.contains("row 17, column 2"))
        #expect(files.message { _ = try run(files.input(nan)) }.contains("features: \(nan)"))

        var other = good
        other.network = "{\"other\": 1}"
        other.brains = [("B5", "unseen")]
        let mixed = files.input(try files.write(good), try files.write(other, "other.h5"))
        #expect(files.message { _ = try run(mixed) }.contains("features of one model"))
        other.network = good.network
        other.width = 4
        let narrow = files.input(try files.write(good), try files.write(other, "narrow.h5"))
        #expect(files.message { _ = try run(narrow) }.contains("features of one model"))

        var roles = good
        roles.brains[1].1 = ""
        #expect(
            files.message { _ = try run(files.input(try files.write(roles, "r.h5"))) }.contains(
                "the brain B2 has the role ''"))
        roles.brains = [("B1", "transfer")]
        #expect(files.message { _ = try run(files.input(try files.write(roles, "r.h5"))) }.contains("no brain is seen"))
        var unlabelled = good
        unlabelled.change = { $0.label = -1 }
        #expect(
            files.message { _ = try run(files.input(try files.write(unlabelled, "u.h5"))) }.contains(
                "nothing to train on"))
        var single = good
        single.areas = [2]
        #expect(files.message { _ = try run(files.input(try files.write(single, "s.h5"))) }.contains("two classes"))
        try Data("area\tneighbour\n1\tx\n".utf8).write(to: URL(fileURLWithPath: files.path("bad.tsv")))
        #expect(
            files.message {
                _ = try run(files.input(try files.write(good)), adjacency: files.input(files.path("bad.tsv")))
            }
            .contains("adjacency: "))
    }
}
