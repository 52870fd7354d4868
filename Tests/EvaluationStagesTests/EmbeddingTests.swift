import EvaluationStages
import Foundation
import HDF5
import PNG
import StageKit
import StageProtocol
import Testing

@Suite struct EmbeddingTests {
    let files: EvaluationFiles

    init() throws { files = try EvaluationFiles() }

    private func embed(
        _ inputs: [InputFile], _ config: [String: ConfigValue] = [:], cores: Int = 1
    ) throws -> [String: String] {
        let defaults: [String: ConfigValue] = [
            "points": .integer(1000), "neighbours": .integer(10), "minimum_distance": .real(0.1),
            "epochs": .integer(100),
            "dimensions": .list([.integer(2), .integer(3)]),
        ]
        return try files.run(
            Embedding.self, ["features": inputs], outputs: ["embedding", "picture", "summary"],
            defaults.merging(config) { $1 }, cores: cores)
    }

    @Test func brainsThatDifferLieApartInTheEmbedding() throws {
        var table = EvaluationFiles.Table()
        table.areaStep = 0
        table.brainStep = 15
        let outputs = try embed(files.input(try files.write(table)))
        let file = try HDF5File(reading: outputs["embedding"] ?? "")
        #expect(try file.dataset("/umap2").shape == [320, 2])
        #expect(try file.dataset("/umap3").shape == [320, 3])
        #expect(try file.dataset("/projection_umap2").shape == [320, 2])
        #expect(try file.read("/umap2", as: Float.self).allSatisfy { $0.isFinite })
        let summary = try files.summary(outputs["summary"])
        #expect(summary.figure("ch_features_brain") > 50 * summary.figure("ch_features_area"))
        #expect(summary.figure("ch_features_umap2_brain") > 50 * summary.figure("ch_features_umap2_area"))
        #expect(summary.table("calinski_harabasz")?.rows.count == 5)
        #expect(summary.table("calinski_harabasz_brains")?.rows.count == 20)
        #expect(try PNGFile(path: outputs["picture"] ?? "").rows == 960)
        let two = try embed(files.input(files.path("features.h5")), cores: 2)
        #expect(try files.bytes(outputs["embedding"]) == files.bytes(two["embedding"]))
    }

    @Test func pointsAreDrawnAndTooFewAreNamed() throws {
        let input = files.input(try files.write(EvaluationFiles.Table()))
        let outputs = try embed(input, ["points": .integer(60), "dimensions": .list([.integer(2)])])
        let file = try HDF5File(reading: outputs["embedding"] ?? "")
        let rows = try file.read("/row", as: Int64.self)
        #expect(rows.count == 60 && rows == rows.sorted() && Set(rows).count == 60)
        #expect(!file.contains("/umap3"))
        #expect(files.message { _ = try embed(input, ["neighbours": .integer(500)]) }.contains("too few for 500"))
        #expect(files.message { _ = try embed(input, ["dimensions": .list([.integer(4)])]) }.contains("2, 3 or both"))
    }
}
