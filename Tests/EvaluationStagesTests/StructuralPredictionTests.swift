import EvaluationStages
import Foundation
import HDF5
import NDArray
import StageProtocol
import Testing

/// What structural-prediction says of files whose structure is known.
private struct StructuralFiles {
    let files: EvaluationFiles
    var table = EvaluationFiles.Table()
    var rows: [EvaluationFiles.Row]
    let features: String

    init(width: Int = 8, points: Int = 80, change: (inout EvaluationFiles.Row) -> Void = { _ in }) throws {
        files = try EvaluationFiles()
        table.brains = [("B1", "seen")]
        table.pointsPerArea = points
        table.width = width
        rows = files.rows(table)
        // The features' variances fall, so that principal components are the features in their order.
        for index in rows.indices {
            for column in 0..<width { rows[index].features[column] *= Float(width - column) * 3 }
            change(&rows[index])
        }
        features = try files.write(rows, table)
    }

    /// Writes the three properties, the same number a row.
    func properties(_ value: (Int) -> Float) throws -> String {
        let path = files.path("properties.h5")
        let values = rows.indices.map(value)
        try HDF5File.create(path) { file in
            try file.write(values, to: "/curvature_per_mm")
            try file.write(values.map { 1000 + 300 * $0 }, to: "/thickness_um")
            try file.write(values.map { -$0 }, to: "/cutting_angle_deg")
        }
        return path
    }

    struct Scores {
        var inputs: [String]
        var components: [Int32]
        var targets: [String]
        var folds: Int
        var r2: [Double]
        var rows: [Int64]
        var attribution: [Double]
        var summary: String

        func r2(_ input: String, _ count: Int32, _ target: String) -> [Double] {
            guard let i = inputs.firstIndex(of: input), let c = components.firstIndex(of: count),
                let t = targets.firstIndex(of: target)
            else { return [] }
            let start = ((i * components.count + c) * targets.count + t) * folds
            return Array(r2[start..<start + folds])
        }
    }

    func run(
        _ inputs: [String: [InputFile]], components: [Int64] = [1, 2, 4, 64, 0], cores: Int = 1
    ) throws -> Scores {
        let paths = try files.run(
            StructuralPrediction.self, inputs, outputs: ["scores", "summary"],
            [
                "use": .text("features"), "components": .list(components.map { .integer($0) }), "folds": .integer(5),
                "attributed_components": .integer(4),
            ], cores: cores)
        let file = try HDF5File(reading: paths["scores"] ?? "")
        return Scores(
            inputs: try file.readTexts("/inputs"), components: try file.read("/components", as: Int32.self),
            targets: try file.readTexts("/targets"), folds: 5, r2: try file.read("/r2", as: Double.self),
            rows: try file.read("/rows", as: Int64.self), attribution: try file.read("/attribution", as: Double.self),
            summary: try String(contentsOfFile: paths["summary"] ?? "", encoding: .utf8))
    }
}

@Suite struct StructuralPredictionTests {
    @Test func targetThatIsLinearInTheFeaturesIsPredictedExactlyFromAllOfThem() throws {
        let set = try StructuralFiles()
        let properties = try set.properties { set.rows[$0].features[0] - 0.5 * set.rows[$0].features[7] }
        let scores = try set.run(["features": set.files.input(set.features), "properties": set.files.input(properties)])
        for target in ["curvature", "thickness", "cutting_angle"] {
            // Single precision of features and targets leaves 1e-6 or so of the variance.
            #expect(scores.r2("features", 0, target).allSatisfy { $0 > 0.9999 })
            // One component misses a part.
            #expect(scores.r2("features", 1, target).allSatisfy { $0 < 0.9999 })
        }
        #expect(scores.inputs == ["features"])
        #expect(scores.targets == ["curvature", "thickness", "cutting_angle", "mni_x", "mni_y", "mni_z"])
    }

    @Test func noiseIsNotPredicted() throws {
        let set = try StructuralFiles()
        var random = SeededGenerator(seed: 5)
        let noise = set.rows.map { _ in Float(random.normal()) }
        let properties = try set.properties { noise[$0] }
        let scores = try set.run(["features": set.files.input(set.features), "properties": set.files.input(properties)])
        let found = scores.r2("features", 0, "curvature")
        let mean = found.reduce(0, +) / 5
        #expect(mean < 0.05)
    }

    @Test func moreComponentsThanFeaturesAreSkippedAndNullInTheTable() throws {
        let set = try StructuralFiles()
        let properties = try set.properties { set.rows[$0].features[1] }
        let scores = try set.run(["features": set.files.input(set.features), "properties": set.files.input(properties)])
        #expect(scores.r2("features", 64, "curvature").allSatisfy { $0.isNaN })
        #expect(scores.summary.contains("null"))
        #expect(!scores.summary.contains("nan"))
    }

    @Test func moreFeaturesThanTrainingRowsAreSkippedThoughComponentsAreNot() throws {
        // 80 rows, 64 a fold to train on, 70 features.
        let set = try StructuralFiles(width: 70, points: 20)
        let properties = try set.properties { set.rows[$0].features[0] }
        let scores = try set.run(["features": set.files.input(set.features), "properties": set.files.input(properties)])
        #expect(set.rows.count == 80)
        #expect(scores.r2("features", 0, "curvature").allSatisfy { $0.isNaN })
        #expect(scores.r2("features", 64, "curvature").allSatisfy { $0.isNaN })
        #expect(scores.r2("features", 4, "curvature").allSatisfy { $0.isFinite })
    }

    @Test func rowsWithoutAPropertyAreLeftOutForThatPropertyOnly() throws {
        let set = try StructuralFiles()
        let properties = try set.properties { $0 % 3 == 0 ? .nan : set.rows[$0].features[0] }
        let scores = try set.run(["features": set.files.input(set.features), "properties": set.files.input(properties)])
        let known = set.rows.indices.count { $0 % 3 != 0 }
        #expect(
            scores.rows == [Int64(known), Int64(known), Int64(known)]
                + [Int64](repeating: Int64(set.rows.count), count: 3))
        #expect(scores.r2("features", 0, "curvature").allSatisfy { $0 > 0.9999 })
    }

    @Test func profilesAreTheBaselineOnTheSameRows() throws {
        let set = try StructuralFiles()
        let properties = try set.properties { set.rows[$0].features[0] }
        let path = set.files.path("profiles.h5")
        var random = SeededGenerator(seed: 8)
        let profiles = set.rows.indices.flatMap { row in
            (0..<20).map { _ in row == 3 ? Float.nan : Float(random.normal()) }
        }
        try HDF5File.create(path) { try $0.write(profiles, shape: [set.rows.count, 20], to: "/profile") }
        let scores = try set.run([
            "features": set.files.input(set.features), "properties": set.files.input(properties),
            "profiles": set.files.input(path),
        ])
        #expect(scores.inputs == ["features", "profiles"])
        #expect(scores.rows.allSatisfy { $0 == Int64(set.rows.count - 1) })
        #expect(scores.r2("features", 0, "thickness").allSatisfy { $0 > 0.9999 })
        #expect(scores.r2("profiles", 0, "thickness").allSatisfy { $0 < 0.5 })
    }

    @Test func attributionOfTheOnlyComponentThatCountsIsOne() throws {
        // Uncorrelated features: the first one alone, so that it is the first component.
        var generator = SeededGenerator(seed: 3)
        let set = try StructuralFiles(width: 2, points: 400) { row in
            row.features = [Float(generator.normal()) * 50, 0]
        }
        let properties = try set.properties { -0.3 * set.rows[$0].features[0] + 7 }
        let scores = try set.run(
            ["features": set.files.input(set.features), "properties": set.files.input(properties)], components: [1])
        let size = abs(scores.attribution[0])
        #expect(abs(size - 1) < 1e-4)
        // Two features have two components; what is beyond is not told.
        #expect(scores.attribution[2].isNaN)
        let both = scores.attribution[0] + scores.attribution[8]
        #expect(abs(both) < 1e-4)
    }

    @Test func threadsDoNotChangeTheResult() throws {
        let set = try StructuralFiles()
        let properties = try set.properties { set.rows[$0].features[2] }
        let inputs = ["features": set.files.input(set.features), "properties": set.files.input(properties)]
        let (one, three) = (try set.run(inputs), try set.run(inputs, cores: 3))
        #expect(one.r2.map(\.bitPattern) == three.r2.map(\.bitPattern))
    }

    @Test func densitiesOfLayerPatchesArePredictedFromTheirOwnFeatures() throws {
        let set = try StructuralFiles()
        let path = set.files.path("densities.h5")
        try HDF5File.create(path) { file in
            let values = set.rows.indices.flatMap { row in
                (0..<6).map { layer in layer == 3 && row % 2 == 0 ? Float.nan : set.rows[row].features[layer] + 1000 }
            }
            try file.write(values, shape: [set.rows.count, 6], to: "/density_per_mm2")
        }
        let scores = try set.run([
            "layer_features": set.files.input(set.features), "layer_densities": set.files.input(path),
        ])
        #expect(scores.targets == (1...6).map { "density_layer_\($0)" })
        #expect(scores.r2("features", 0, "density_layer_4").allSatisfy { $0 > 0.999 })
        #expect(scores.rows[3] == Int64(set.rows.count / 2))
    }

    @Test func wrongInputsAreClearErrors() throws {
        let set = try StructuralFiles()
        func message(_ inputs: [String: [InputFile]], _ components: [Int64] = [1]) -> String {
            set.files.message { _ = try set.run(inputs, components: components) }
        }
        #expect(message([:]).contains("nothing to predict"))
        let short = set.files.path("short.h5")
        try HDF5File.create(short) { file in
            for name in ["/curvature_per_mm", "/thickness_um", "/cutting_angle_deg"] {
                try file.write([Float(1), 2], to: name)
            }
        }
        let features = set.files.input(set.features)
        #expect(
            message(["features": features, "properties": set.files.input(short)])
                .contains("has 2 rows, the features have \(set.rows.count)"))
        #expect(message(["features": features], [-1]).contains("config.components holds -1"))
        #expect(message(["features": features], [4, 4]).contains("each once"))
        let profiles = set.files.path("none.h5")
        try HDF5File.create(profiles) { file in
            try file.write(
                [Float](repeating: .nan, count: set.rows.count * 3), shape: [set.rows.count, 3], to: "/profile")
        }
        #expect(
            message(["features": features, "profiles": set.files.input(profiles)]).contains("nothing to compare"))
    }
}
