import EvaluationStages
import Foundation
import HDF5
import NDArray
import NIfTI
import StageKit
import StageProtocol
import Testing

/// Where in the brain: coordinates from features, and regions of a map.
@Suite struct SpaceTests {
    let files: EvaluationFiles

    init() throws { files = try EvaluationFiles() }

    private func coordinates(
        _ inputs: [InputFile], _ config: [String: ConfigValue] = [:], cores: Int = 1
    ) throws -> [String: String] {
        let defaults: [String: ConfigValue] = [
            "use": .text("features"), "brain": .null, "points": .integer(100_000), "folds": .integer(5),
        ]
        return try files.run(
            CoordinatePrediction.self, ["features": inputs], outputs: ["predictions", "summary"],
            defaults.merging(config) { $1 }, cores: cores)
    }

    /// Points whose features are linear in their position, and noise of a twentieth.
    private func linear() -> EvaluationFiles.Table {
        var table = EvaluationFiles.Table()
        table.areaStep = 0
        table.positionStep = 20
        table.width = 12
        table.pointsPerArea = 40
        return table
    }

    @Test func positionsThatFeaturesHoldAreFoundInOtherBrains() throws {
        let table = linear()
        let outputs = try coordinates(files.input(try files.write(table)))
        let summary = try files.summary(outputs["summary"])
        for axis in ["left_right", "anterior_posterior"] {
            #expect(summary.figure("\(axis)_mm_transfer") < 0.3, "\(axis)")
            #expect(summary.figure("\(axis)_mm_model") < 0.3, "\(axis)")
        }
        let found = try #require(summary.table("coordinate_prediction"))
        #expect(found.column("brain") == [.text("B1"), .text("B2"), .text("B3"), .text("B4")])
        #expect(found.column("role")[0] == .text("model"))
        let file = try HDF5File(reading: outputs["predictions"] ?? "")
        let (truth, guess) = (
            try file.read("/mni_mm", as: Double.self), try file.read("/predicted_mm", as: Double.self)
        )
        #expect(try file.dataset("/error_mm").shape == [4, 5, 3])
        #expect(zip(truth, guess).allSatisfy { abs($0 - $1) < 3 })
        #expect(
            try files.bytes(outputs["predictions"])
                == files.bytes(coordinates(files.input(files.path("features.h5")), cores: 2)["predictions"]))
    }

    @Test func featuresWithoutPositionDoNoBetterThanTheMean() throws {
        var table = linear()
        table.positionStep = 0
        let summary = try files.summary(try coordinates(files.input(try files.write(table)))["summary"])
        let row = try #require(summary.table("coordinate_prediction")).rows[2]
        guard case .real(let error) = row[2], case .real(let mean) = row[10] else {
            Issue.record("no numbers in \(row)")
            return
        }
        #expect(error > 0.95 * mean)
    }

    @Test func brainsWithoutCoordinatesAreNamed() throws {
        var table = linear()
        table.change = { if $0.brain == 0 { $0.mniMm = SIMD3(repeating: .nan) } }
        let path = files.input(try files.write(table))
        #expect(files.message { _ = try coordinates(path) }.contains("B1 has 0 points"))
        #expect(files.message { _ = try coordinates(path, ["brain": .text("B9")]) }.contains("no brain B9"))
        // Another brain serves.
        let summary = try files.summary(try coordinates(path, ["brain": .text("B2")])["summary"])
        #expect(summary.table("coordinate_prediction")?.rows.count == 3)
    }

    // MARK: macroscale-decoding

    /// A map in 2 mm voxels: region 1 at the left, 2 at the right behind, 3 at the right in front of y = 5 mm.
    private func map(shiftMm: Double = 0) throws -> String {
        var volume = Volume<Int32>(planes: 20, rows: 30, columns: 60, filledWith: 0)
        for plane in 0..<20 {
            for row in 0..<30 {
                for column in 0..<60 {
                    let x = 2 * Double(column) - 60
                    volume[plane, row, column] = x < 0 ? 1 : 2 * Double(row) - 10 < 5 ? 2 : 3
                }
            }
        }
        let place = [2, 0, 0, -60 + shiftMm, 0, 2, 0, -10, 0, 0, 2, -10, 0, 0, 0, 1]
        try NIfTIImage(volume: volume, indexToRasMm: place).write(to: files.path("map.nii.gz"))
        return files.path("map.nii.gz")
    }

    private func decode(
        _ inputs: [InputFile], _ labels: String, _ config: [String: ConfigValue] = [:], names: [InputFile] = []
    ) throws -> [String: String] {
        let defaults: [String: ConfigValue] = [
            "use": .text("features"), "grouping": .list([]), "held_out": .text("roles"), "distance_mm": .real(2),
            "least_labelled": .real(0.5), "points": .integer(100_000), "points_per_region": .integer(100),
            "c": .real(1),
            "max_iterations": .integer(200), "tolerance": .real(1e-4),
        ]
        return try files.run(
            MacroscaleDecoding.self, ["features": inputs, "labels": files.input(labels), "names": names],
            outputs: ["scores", "picture", "summary"], defaults.merging(config) { $1 })
    }

    @Test func regionsOfAMapAreDecodedInHeldOutBrains() throws {
        var table = linear()
        table.change = { $0.mniMm.z = 5 }
        let input = files.input(try files.write(table))
        try Data("label\tname\n1\tleft\n2\tbehind\n3\tfront\n".utf8)
            .write(to: URL(fileURLWithPath: files.path("names.tsv")))
        let outputs = try decode(input, try map(), names: files.input(files.path("names.tsv")))
        let file = try HDF5File(reading: outputs["scores"] ?? "")
        #expect(try file.readTexts("/class_names") == ["left", "behind", "front"])
        // The transfer and the unseen brain: 5 sections × 2 hemispheres × 16 points each.
        #expect(try file.read("/confusion", as: Int64.self).reduce(0, +) == 320)
        #expect(try files.summary(outputs["summary"]).figure("macro_f1") > 0.85)
        let each = try decode(input, files.path("map.nii.gz"), ["held_out": .text("each")])
        #expect(try HDF5File(reading: each["scores"] ?? "").dataset("/true").shape == [640])
        let grouped = try decode(
            input, files.path("map.nii.gz"), ["grouping": .list([.text("medial: 1 2"), .text("lateral: 3-9")])])
        #expect(try HDF5File(reading: grouped["scores"] ?? "").readTexts("/class_names") == ["medial", "lateral"])
    }

    @Test func aMapInAnotherSpaceIsRefused() throws {
        let input = files.input(try files.write(linear()))
        let far = files.message { _ = try decode(input, try map(shiftMm: 500)) }
        #expect(far.contains("labels: ") && far.contains("0 of 640 points") && far.contains("x 440 … 558"))
        let plain = try map()
        #expect(
            files.message { _ = try decode(input, plain, ["grouping": .list([.text("a: 1"), .text("b: 1-2")])]) }
                .contains("in another region already"))
        #expect(files.message { _ = try decode(input, plain, ["grouping": .list([.text("only")])]) }.contains("'only'"))
        #expect(
            files.message { _ = try decode(input, plain, ["grouping": .list([.text("a: 1-3")])]) }
                .contains("fewer than two regions"))
        try Data("no image".utf8).write(to: URL(fileURLWithPath: files.path("bad.nii.gz")))
        #expect(files.message { _ = try decode(input, files.path("bad.nii.gz")) }.contains("labels: "))
    }
}
