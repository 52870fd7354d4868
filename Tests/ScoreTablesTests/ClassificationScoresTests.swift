import Foundation
import HDF5
import ScoreTables
import Testing

@Suite struct ClassificationScoresTests {
    private func scores() -> ClassificationScores {
        func row(_ brain: Int, _ truth: Int, _ predicted: Int, rank: Int, margin: Float) -> ClassificationScores.Row {
            var row = ClassificationScores.Row()
            (row.brain, row.truth, row.predicted, row.correctRank, row.margin) = (brain, truth, predicted, rank, margin)
            row.section = "0007"
            return row
        }
        return ClassificationScores(
            brains: [.init(name: "B01", role: "unseen"), .init(name: "B02", role: "seen")],
            rows: [
                row(1, 1, 1, rank: 0, margin: 2), row(1, 2, 3, rank: 1, margin: 0.5), row(1, 1, 4, rank: 3, margin: 1),
                row(0, 2, 2, rank: 0, margin: 3),
            ], strategy: "linear-probe", variant: "features", labelsPerArea: 5,
            graph: AreaGraph(pairs: [(1, 2), (2, 3)]))
    }

    @Test func setsAreScoredApart() throws {
        let scores = scores().scores()
        #expect(scores.map(\.set) == ["seen", "unseen"])
        #expect(scores[0].points == 3 && scores[0].top1 == 1.0 / 3 && scores[0].top3 == 2.0 / 3)
        // F1 of 1: 2/3; of 2, 3, 4: 0.
        #expect(abs(scores[0].macroF1 - 1.0 / 6) < 1e-15)
        #expect(scores[0].meanHopsOfErrors == 1, "3 is beside 2; 4 is nowhere on the graph and does not count")
        #expect(scores[0].medianMargin.right == 2 && scores[0].medianMargin.wrong == 0.75)
        #expect(scores[1].macroF1 == 1 && scores[1].medianMargin.wrong.isNaN)
        #expect(self.scores().hops() == [0, 1, -1, 0])
    }

    @Test func aSetWithoutPointsIsUndefined() {
        let empty = ClassificationScores(
            brains: [.init(name: "B01", role: "seen")], rows: [], strategy: "finetune", variant: "features")
        #expect(empty.scores()[0].macroF1.isNaN && empty.scores()[0].top1.isNaN)
    }

    @Test func theArtifactHoldsARowAPoint() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).h5").path
        try HDF5File.create(path) { try scores().write(to: $0) }
        let file = try HDF5File(reading: path)
        #expect(try file.dataset("/true").read(as: Int32.self) == [1, 2, 1, 2])
        #expect(try file.dataset("/brains/role").readTexts() == ["unseen", "seen"])
        #expect(try file.dataset("/scores/set").readTexts() == ["seen", "unseen"])
        #expect(try file.attribute("labels_per_area", as: Int.self) == 5)
        let first = FileManager.default.contents(atPath: path)
        try HDF5File.create(path + ".again") { try scores().write(to: $0) }
        #expect(FileManager.default.contents(atPath: path + ".again") == first)
    }

    @Test func theSummaryIsJSONWithNullForTheUndefined() throws {
        var summary = scores().summary()
        summary.figures["nothing"] = .nan
        let json = try #require(
            try JSONSerialization.jsonObject(with: Data(summary.json().utf8)) as? [String: Any])
        let figures = try #require(json["figures"] as? [String: Any])
        #expect(figures["macro_f1_unseen"] as? Double == 1 && figures["nothing"] is NSNull)
        let table = try #require((json["tables"] as? [[String: Any]])?.first)
        let rows = try #require(table["rows"] as? [[Any]])
        #expect(rows.count == 2 && rows[1][0] as? String == "unseen" && rows[1][1] as? Int == 1 && rows[1][7] is NSNull)
        #expect(try summary.json() == summary.json())
    }
}
