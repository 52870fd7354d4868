import EvaluationStages
import Foundation
import HDF5
import NDArray
import NIfTI
import StageKit
import StageProtocol
import Testing

/// What every evaluation says of features that are no numbers, all the same, or of too few points: a located error or a defined answer.
@Suite struct DegenerateInputTests {
    let files: EvaluationFiles

    init() throws { files = try EvaluationFiles() }

    /// The stages that take features, with the config of a small run.
    enum Evaluation: String, CaseIterable, Sendable {
        case classification, finding, clusters, embedding, similarity, coordinates, regions, structure
    }

    private func run(
        _ evaluation: Evaluation, _ features: [InputFile], _ changes: [String: ConfigValue] = [:],
        probabilities: [InputFile] = []
    ) throws -> [String: String] {
        var config: [String: ConfigValue] = ["use": .text("features")]
        func started<Kind: Stage>(
            _ stage: Kind.Type, _ outputs: [String], _ more: [String: ConfigValue],
            _ inputs: [String: [InputFile]] = [:]
        ) throws -> [String: String] {
            config.merge(more) { $1 }
            config.merge(changes) { $1 }
            return try files.run(stage, inputs.merging(["features": features]) { $1 }, outputs: outputs, config)
        }
        switch evaluation {
        case .classification:
            return try started(
                AreaClassification.self, ["scores", "summary"],
                [
                    "points_per_area": .integer(20), "labels_per_area": .null, "repeats": .integer(1), "c": .real(1),
                    "max_iterations": .integer(100), "tolerance": .real(1e-4), "rotate": .bool(false),
                    "test_every": .integer(5),
                ])
        case .finding:
            return try started(
                Retrieval.self, ["neighbours", "picture", "summary"],
                [
                    "queries": .integer(4), "rows": .null, "neighbours": .integer(3), "exclude": .text("section"),
                    "scored_queries": .integer(50), "near_mm": .real(10), "patch_side_px": .null,
                ])
        case .clusters:
            return try started(
                Parcellation.self, ["clusters", "picture", "summary"],
                [
                    "brain": .null, "areas": .list([]),
                    "select": .text(probabilities.isEmpty ? "label" : "probability"),
                    "threshold": .real(0.5), "clusters": .integer(3), "runs": .integer(3),
                ], ["probabilities": probabilities])
        case .embedding:
            return try started(
                Embedding.self, ["embedding", "picture", "summary"],
                [
                    "points": .integer(1000), "neighbours": .integer(10), "minimum_distance": .real(0.1),
                    "epochs": .integer(20), "dimensions": .list([.integer(2), .integer(3)]),
                ])
        case .similarity:
            return try started(
                AreaSimilarity.self, ["similarity", "picture", "summary"], ["least_points": .integer(3)])
        case .coordinates:
            return try started(
                CoordinatePrediction.self, ["predictions", "summary"],
                ["brain": .null, "points": .integer(100_000), "folds": .integer(5)])
        case .regions:
            return try started(
                MacroscaleDecoding.self, ["scores", "picture", "summary"],
                [
                    "grouping": .list([]), "held_out": .text("roles"), "distance_mm": .real(2),
                    "least_labelled": .real(0.5), "points": .integer(100_000), "points_per_region": .integer(100),
                    "c": .real(1), "max_iterations": .integer(100), "tolerance": .real(1e-4),
                ], ["labels": files.input(try halves("halves.nii.gz"))])
        case .structure:
            let path = files.path("properties.h5")
            let count = try HDF5File(reading: features.first?.path ?? "").dataset("/features").shape[0]
            let values = (0..<count).map { Float($0 % 17) }
            try HDF5File.create(path) { file in
                for name in ["/curvature_per_mm", "/thickness_um", "/cutting_angle_deg"] {
                    try file.write(values, to: name)
                }
            }
            return try started(
                StructuralPrediction.self, ["scores", "summary"],
                [
                    "components": .list([.integer(2), .integer(0)]), "folds": .integer(5),
                    "attributed_components": .integer(2),
                ], ["properties": files.input(path)])
        }
    }

    /// Region 1 at the left of the template, 2 at the right; or the same as two maps of shares, elsewhere in space.
    private func halves(_ name: String, shiftMm: Double = 0, asShares: Bool = false) throws -> String {
        let place = [2, 0, 0, -60 + shiftMm, 0, 2, 0, -10, 0, 0, 2, -10, 0, 0, 0, 1]
        var left = Volume<Float>(planes: 20, rows: 30, columns: 60, filledWith: 0)
        var labels = Volume<Int32>(planes: 20, rows: 30, columns: 60, filledWith: 2)
        for plane in 0..<20 {
            for row in 0..<30 {
                for column in 0..<30 {
                    left[plane, row, column] = 1
                    labels[plane, row, column] = 1
                }
            }
        }
        if asShares {
            let header = NIfTIHeader(shape: [60, 30, 20, 2], element: .float32, indexToRasMm: place)
            try NIfTIWriter.create(files.path(name), header) { writer in
                for _ in 0..<2 { try writer.write(left) }
            }
        } else {
            try NIfTIImage(volume: labels, indexToRasMm: place).write(to: files.path(name))
        }
        return files.path(name)
    }

    /// Four brains, or the one that structure is predicted in.
    private func table(
        _ evaluation: Evaluation, _ change: @escaping (inout EvaluationFiles.Row) -> Void
    ) -> EvaluationFiles.Table {
        var table = EvaluationFiles.Table()
        if evaluation == .structure { table.brains = [("B1", "seen")] }
        table.change = change
        return table
    }

    @Test(arguments: Evaluation.allCases, [Float.nan, .infinity])
    func aFeatureThatIsNoNumberIsNamedByItsRowAndColumn(_ evaluation: Evaluation, _ value: Float) throws {
        var number = 0
        // Of the seen brain B1; every stage looks at it but parcellation, which takes two areas of B3: this is one of A1.
        let wanted = evaluation == .clusters ? 161 : 17
        let areas: [String: ConfigValue] = evaluation == .clusters ? ["areas": .list([.text("A1"), .text("A2")])] : [:]
        let path = try files.write(
            table(evaluation) { row in
                if number == wanted { row.features[2] = value }
                number += 1
            })
        let message = files.message { _ = try run(evaluation, files.input(path), areas) }
        #expect(message.contains("row \(wanted)") && message.contains("column 2"), "\(evaluation): \(message)")
        #expect(message.contains("features: \(path)"))
    }

    @Test(arguments: Evaluation.allCases, [Float(3), 0])
    func featuresThatAreAllTheSameHaveADefinedAnswer(_ evaluation: Evaluation, _ value: Float) throws {
        let path = try files.write(table(evaluation) { row in row.features = row.features.map { _ in value } })
        let outputs = try run(evaluation, files.input(path))
        // JSON has no NaN: what is undefined stands as null.
        let summary = try files.summary(outputs["summary"])
        switch evaluation {
        case .classification: #expect(abs(summary.figure("top1_transfer") - 0.25) < 1e-9)
        case .finding:
            let found = try HDF5File(reading: outputs["neighbours"] ?? "").read("/neighbour_row", as: Int64.self)
            #expect(found.count == 12 && found.allSatisfy { (0..<320).contains($0) })
        case .clusters: #expect(summary.figure("purity_label") <= 0.5 + 1e-9)
        case .embedding:
            let file = try HDF5File(reading: outputs["embedding"] ?? "")
            for name in ["/umap2", "/umap3", "/projection_umap2"] {
                #expect(try file.read(name, as: Float.self).allSatisfy { $0.isFinite })
            }
        case .similarity:
            // Vectors of no length have no direction, and so no cosine.
            let matrix = try HDF5File(reading: outputs["similarity"] ?? "").read("/similarity", as: Double.self)
            #expect(matrix.allSatisfy { value == 0 ? $0.isNaN || $0 == 0 : abs($0 - 1) < 1e-9 })
        case .coordinates:
            // The mean of what was trained on, for every point.
            let guesses = try HDF5File(reading: outputs["predictions"] ?? "").read("/predicted_mm", as: Double.self)
            #expect(guesses.allSatisfy { $0.isFinite })
            let row = try #require(summary.table("coordinate_prediction")).rows[2]
            #expect(row[2] == row[10], "as far off as the mean")
        case .regions: #expect(abs(summary.figure("top1") - 0.5) < 0.01 || summary.figure("macro_f1") < 0.4)
        case .structure:
            let scores = try HDF5File(reading: outputs["scores"] ?? "").read("/r2", as: Double.self)
            #expect(scores.allSatisfy { $0.isNaN || $0 < 0.01 }, "nothing is explained")
        }
    }

    @Test(arguments: Evaluation.allCases)
    func anAreaOfOnePointIsDefined(_ evaluation: Evaluation) throws {
        var isFirst = true
        let path = try files.write(
            table(evaluation) { row in
                guard row.label == 3 else { return }
                if !isFirst { row.label = -1 }
                isFirst = false
            })
        let outputs = try run(evaluation, files.input(path))
        #expect(try !files.summary(outputs["summary"]).tables.isEmpty)
    }

    @Test func probabilitiesInAnotherSpaceAreRefused() throws {
        var two = EvaluationFiles.Table()
        two.areas = [1, 2]
        let features = files.input(try files.write(two))
        let far = files.input(try halves("far.nii.gz", shiftMm: 900, asShares: true))
        let message = files.message { _ = try run(.clusters, features, probabilities: far) }
        #expect(message.contains("probabilities: ") && message.contains("far.nii.gz"), "\(message)")
    }

    @Test func logitsThatAreNoNumbersAreNamed() throws {
        let outputs = try run(.classification, files.input(try files.write(EvaluationFiles.Table())))
        let scores = outputs["scores"] ?? ""
        let broken = files.path("broken.h5")
        let file = try HDF5File(reading: scores)
        try HDF5File.create(broken) { copy in
            try copyDatasets(from: file, to: copy, skipping: ["/logits"])
            var logits = try file.read("/logits", as: Float.self)
            logits[4 * 7 + 1] = .nan
            try copy.write(logits, shape: [logits.count / 4, 4], to: "/logits")
        }
        let config: [String: ConfigValue] = [
            "strength": .real(1), "apart_cost": .real(4), "island_points": .integer(3), "temperature": .real(1),
            "along_mm": .real(2), "between_mm": .real(3),
        ]
        #expect(
            files.message {
                _ = try files.run(
                    AreaSmoothing.self, ["scores": files.input(broken), "adjacency": []],
                    outputs: ["areas", "summary"],
                    config)
            }.contains("/logits is not finite at row 7"))
        // The scores as they are do.
        let smoothed = try files.run(
            AreaSmoothing.self, ["scores": files.input(scores), "adjacency": []], outputs: ["areas", "summary"], config)
        #expect(try files.summary(smoothed["summary"]).figure("top1_transfer").isFinite)
    }
}
