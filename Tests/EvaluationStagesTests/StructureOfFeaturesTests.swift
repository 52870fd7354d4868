import EvaluationStages
import Foundation
import HDF5
import NDArray
import NIfTI
import PNG
import StageKit
import StageProtocol
import Testing

/// How features lie among each other: clusters, similarities, neighbours.
@Suite struct StructureOfFeaturesTests {
    let files: EvaluationFiles

    init() throws { files = try EvaluationFiles() }

    // MARK: parcellation

    private func parcel(
        _ inputs: [InputFile], _ config: [String: ConfigValue] = [:], adjacency: [InputFile] = [],
        maps: [InputFile] = [], cores: Int = 1
    ) throws -> [String: String] {
        let defaults: [String: ConfigValue] = [
            "use": .text("features"), "brain": .null, "areas": .list([]), "select": .text("label"),
            "threshold": .real(0.5), "clusters": .integer(2), "runs": .integer(5),
        ]
        return try files.run(
            Parcellation.self, ["features": inputs, "adjacency": adjacency, "probabilities": maps, "labels": []],
            outputs: ["clusters", "picture", "summary"], defaults.merging(config) { $1 }, cores: cores)
    }

    @Test func areasFarApartAreClustersOfTheirOwn() throws {
        var table = EvaluationFiles.Table()
        table.areaStep = 14
        let input = files.input(try files.write(table))
        let outputs = try parcel(input, ["areas": .list([.text("A2"), .integer(3)])])
        let summary = try files.summary(outputs["summary"])
        #expect(summary.figure("purity_label") == 1)
        #expect(summary.figure("accuracy") == 1)
        // Both hemispheres are alike.
        #expect(abs(summary.figure("purity_hemisphere") - 0.5) < 1e-9)
        let file = try HDF5File(reading: outputs["clusters"] ?? "")
        #expect(try file.dataset("/cluster").shape == [40])
        #expect(try file.read("/runs/purity_label", as: Double.self) == [1, 1, 1, 1, 1])
        #expect(try file.textAttribute("brain") == "B3")
        #expect(try PNGFile(path: outputs["picture"] ?? "").columns == 800)
        let two = try parcel(input, ["areas": .list([.text("A2"), .integer(3)])], cores: 2)
        #expect(try files.bytes(outputs["clusters"]) == files.bytes(two["clusters"]))
    }

    @Test func moreClustersSplitHemispheresThatDiffer() throws {
        var table = EvaluationFiles.Table()
        table.areaStep = 10
        table.hemisphereStep = 20
        let summary = try files.summary(
            try parcel(
                files.input(try files.write(table)), ["clusters": .integer(4), "brain": .text("B1")],
                adjacency: files.input(try files.adjacency(table.areas)))["summary"])
        #expect(summary.figure("purity_hemisphere") > 0.95)
        #expect(summary.figure("purity_label") > 0.9)
        // Each area has one cluster in the matching, so that half of the points are missed.
        #expect(summary.figure("accuracy") < 0.75)
    }

    @Test func pointsAreChosenByProbabilityToo() throws {
        var table = EvaluationFiles.Table()
        table.change = { row in row.label = -1 }
        // Labels are known to the table only by name; maps say 0.8 for area 1 at the left, for area 2 at the right, elsewhere 0.4.
        let place = [2.0, 0, 0, -60, 0, 2, 0, -10, 0, 0, 2, -10, 0, 0, 0, 1]
        var maps = [Volume<Float>](
            repeating: Volume<Float>(planes: 20, rows: 30, columns: 60, filledWith: 0.1), count: 4)
        for plane in 0..<20 {
            for row in 0..<30 {
                for column in 0..<60 {
                    let x = 2 * column - 60
                    maps[0][plane, row, column] = x < -12 ? 0.8 : 0.4
                    maps[1][plane, row, column] = x > 12 ? 0.8 : 0.4
                }
            }
        }
        try NIfTIWriter.create(
            files.path("maps.nii.gz"), NIfTIHeader(shape: [60, 30, 20, 4], element: .float32, indexToRasMm: place)
        ) { writer in for map in maps { try writer.write(map) } }
        let input = files.input(try files.write(table))
        let config: [String: ConfigValue] = [
            "select": .text("probability"), "areas": .list([.integer(1), .integer(2)]), "clusters": .integer(6),
        ]
        let outputs = try parcel(input, config, maps: files.input(files.path("maps.nii.gz")))
        let file = try HDF5File(reading: outputs["clusters"] ?? "")
        let areas = try file.read("/area", as: Int32.self)
        let hemispheres = try file.read("/hemisphere", as: UInt8.self)
        #expect(areas.count > 40)
        #expect(zip(areas, hemispheres).allSatisfy { $0 == Int32($1) + 1 })
        #expect(files.message { _ = try parcel(input, config) }.contains("probabilities: "))
    }

    @Test func wrongAreasAndTooFewPointsAreNamed() throws {
        let table = EvaluationFiles.Table()
        let input = files.input(try files.write(table))
        #expect(
            files.message { _ = try parcel(input, ["areas": .list([.text("Fp1"), .text("A1")])]) }
                .contains("names the area Fp1"))
        #expect(files.message { _ = try parcel(input, ["areas": .list([.text("A1")])]) }.contains("two or more"))
        #expect(
            files.message { _ = try parcel(input, ["clusters": .integer(500)]) }.contains("too few for 500 clusters"))
        // Points that all coincide: clusters stay empty, and nothing fails.
        var same = table
        same.change = { row in row.features = row.features.map { _ in 1 } }
        let summary = try files.summary(try parcel(files.input(try files.write(same, "same.h5")))["summary"])
        #expect(abs(summary.figure("purity_label") - 0.5) < 1e-9)
    }

    // MARK: area-similarity

    private func similarity(_ inputs: [InputFile]) throws -> [String: String] {
        try files.run(
            AreaSimilarity.self, ["features": inputs], outputs: ["similarity", "picture", "summary"],
            ["use": .text("features"), "least_points": .integer(3)])
    }

    @Test func similaritiesEqualThoseOfAllPairs() throws {
        var table = EvaluationFiles.Table()
        table.areaStep = 3
        table.hemisphereStep = 2
        table.pointsPerArea = 10
        let outputs = try similarity(files.input(try files.write(table)))
        let file = try HDF5File(reading: outputs["similarity"] ?? "")
        let matrix = try file.read("/similarity", as: Double.self)
        let rows = files.rows(table)
        func cosine(_ a: [Float], _ b: [Float]) -> Double {
            let (a, b) = (a.map(Double.init), b.map(Double.init))
            func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
            return dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
        }
        // Groups are ordered by hemisphere, then area.
        for (first, second) in [(0, 0), (0, 3), (2, 6), (7, 7)] {
            func members(_ group: Int) -> [Int] {
                rows.indices.filter { Int(rows[$0].hemisphere) == group / 4 && Int(rows[$0].label) == group % 4 + 1 }
            }
            var values: [Double] = []
            for a in members(first) {
                for b in members(second) where a != b { values.append(cosine(rows[a].features, rows[b].features)) }
            }
            // Sums of a thousand products in double precision.
            #expect(abs(matrix[first * 8 + second] - values.reduce(0, +) / Double(values.count)) < 1e-9)
            #expect(matrix[first * 8 + second] == matrix[second * 8 + first])
        }
        #expect(try file.dataset("/brain_similarity").shape == [4, 8, 8])
        let pearson = try file.read("/pearson", as: Double.self)
        #expect(pearson[0] == 1 && pearson[1] > 0.5)
        let summary = try files.summary(outputs["summary"])
        #expect(summary.figure("within_areas") > summary.figure("between_areas"))
        #expect(summary.table("area_similarity")?.rows.count == 5)
    }

    @Test func anAreaThatABrainLacksIsLeftOutOfItsMatrix() throws {
        var table = EvaluationFiles.Table()
        table.change = { if $0.brain == 1, $0.label == 2 { $0.label = -1 } }
        let file = try HDF5File(
            reading: try similarity(files.input(try files.write(table)))["similarity"] ?? "")
        let each = try file.read("/brain_similarity", as: Double.self)
        #expect(each[64 + 1 * 8 + 1].isNaN && each[1 * 8 + 1].isFinite)
        #expect(try file.read("/pearson", as: Double.self).allSatisfy { $0.isFinite })
        table.change = { $0.label = -1 }
        let path = files.input(try files.write(table, "none.h5"))
        #expect(files.message { _ = try similarity(path) }.contains("no area has 3 labelled points"))
    }

    // MARK: retrieval

    private func retrieve(
        _ inputs: [InputFile], _ config: [String: ConfigValue] = [:], patches: [InputFile] = [], cores: Int = 1
    ) throws -> [String: String] {
        let defaults: [String: ConfigValue] = [
            "use": .text("features"), "queries": .integer(4), "rows": .null, "neighbours": .integer(3),
            "exclude": .text("section"), "scored_queries": .integer(50), "near_mm": .real(10), "patch_side_px": .null,
        ]
        return try files.run(
            Retrieval.self, ["features": inputs, "patches": patches], outputs: ["neighbours", "picture", "summary"],
            defaults.merging(config) { $1 }, cores: cores)
    }

    @Test func theNearestByCosineAreFoundAndNoneOfTheSameSection() throws {
        var table = EvaluationFiles.Table()
        table.areaStep = 5
        let rows = files.rows(table)
        let input = files.input(try files.write(table))
        let outputs = try retrieve(input, ["rows": .list([.integer(3), .integer(200)])], cores: 2)
        let file = try HDF5File(reading: outputs["neighbours"] ?? "")
        #expect(try file.read("/query_row", as: Int64.self) == [3, 200])
        let found = try file.read("/neighbour_row", as: Int64.self).map { Int($0) }
        for (place, query) in [3, 200].enumerated() {
            func cosine(_ row: Int) -> Double {
                let (a, b) = (rows[query].features.map(Double.init), rows[row].features.map(Double.init))
                func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
                return dot(a, b) / (dot(a, a) * dot(b, b)).squareRoot()
            }
            let allowed = rows.indices.filter {
                rows[$0].section != rows[query].section || rows[$0].brain != rows[query].brain
            }
            let expected = allowed.sorted { cosine($0) > cosine($1) }.prefix(3)
            #expect(Array(found[place * 3..<place * 3 + 3]) == Array(expected))
        }
        let summary = try files.summary(outputs["summary"])
        #expect(summary.figure("same_area_share") > 0.8)
        #expect(abs(summary.figure("same_area_chance") - 0.25) < 0.1)
        #expect(summary.table("retrieved")?.rows.count == 8)
        let one = try retrieve(input, ["rows": .list([.integer(3), .integer(200)])])
        #expect(try files.bytes(one["neighbours"]) == files.bytes(outputs["neighbours"]))
    }

    @Test func patchesComeFromTheMiddleOfTheirWindows() throws {
        let table = EvaluationFiles.Table()
        let rows = files.rows(table)
        let input = files.input(try files.write(table))
        func patches(_ rows: [EvaluationFiles.Row], _ name: String) throws -> [InputFile] {
            let path = try files.write(rows, table, name)
            // Windows of 6 px whose pixels tell row and place.
            let patched = files.path("patches-\(name)")
            let source = try HDF5File(reading: path)
            try HDF5File.create(patched) { file in
                let count = rows.count
                try file.write(
                    (0..<count * 36).map { UInt8(($0 / 36 + $0 % 36) % 256) }, shape: [count, 6, 6], to: "/pixels")
                try file.write(try source.read("/brain", as: Int32.self), to: "/brain")
                try file.write(texts: try source.readTexts("/brains/name"), to: "/brains/name")
                try file.write(texts: try source.readTexts("/section_name"), to: "/section_name")
                try file.write(
                    try source.read("/position_um", as: Double.self), shape: [count, 2], to: "/position_um")
                try file.setAttribute("spacing_um", to: 64.0)
            }
            return files.input(patched)
        }
        let config: [String: ConfigValue] = ["rows": .list([.integer(5)]), "patch_side_px": .integer(4)]
        let outputs = try retrieve(input, config, patches: try patches(rows, "a.h5"))
        let file = try HDF5File(reading: outputs["neighbours"] ?? "")
        #expect(try file.dataset("/neighbour_pixels").shape == [1, 3, 4, 4])
        // Row 5, from (1, 1): 5 + 7.
        #expect(try file.read("/query_pixels", as: UInt8.self).prefix(5) == [12, 13, 14, 15, 18])
        let other = try patches(rows.reversed(), "b.h5")
        #expect(files.message { _ = try retrieve(input, config, patches: other) }.contains("not those of the features"))
        let wide = try patches(rows, "a.h5")
        #expect(
            files.message { _ = try retrieve(input, ["patch_side_px": .integer(9)], patches: wide) }
                .contains("6 px wide"))
        #expect(files.message { _ = try retrieve(input, ["rows": .list([.integer(999_999)])]) }.contains("999999"))
    }
}
