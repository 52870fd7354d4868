import Imaging
import NDArray
import Testing

/// Gray matter with white matter on its left; deep in the gray on its right a thin blade of white matter and a pocket of slide.
struct WhiteIsletsTests {
    private static let (blade, pocket) = (190..<214, 260..<290)

    private func section() -> Image<UInt8> {
        var image = Image<UInt8>(rows: 400, columns: 500, filledWith: 0)
        var random = SeededGenerator(seed: 5)
        for row in 0..<400 {
            for column in 0..<500 {
                var level = 235.0
                if (60..<340).contains(row), (60..<440).contains(column) { level = 180 }
                if (110..<290).contains(row), (100..<250).contains(column) { level = 215 }
                if WhiteIsletsTests.blade.contains(row), (340..<344).contains(column) { level = 215 }
                if WhiteIsletsTests.pocket.contains(row), (340..<343).contains(column) { level = 235 }
                let noise = (0..<4).reduce(0.0) { sum, _ in sum + random.uniform() - 0.5 } * 2
                image[row, column] = UInt8((level + noise).rounded())
            }
        }
        return image
    }

    private func whiteRows(_ labels: Image<UInt8>, _ rows: Range<Int>) -> Int {
        rows.count { row in (338..<350).contains { labels[row, $0] == TissueLabel.white } }
    }

    @Test func aThinBladeIsWhiteMatterAndOnlyThat() {
        let labels = segmentTissue(section(), spacingUm: 64).labels
        #expect(whiteRows(labels, WhiteIsletsTests.blade) >= 22)
        #expect(whiteRows(labels, WhiteIsletsTests.pocket) == 0)
    }

    @Test func withoutIsletsTheBladeIsLost() {
        var recipe = SegmentationRecipe()
        recipe.minimumIsletMm2 = 0
        let labels = segmentTissue(section(), spacingUm: 64, recipe: recipe).labels
        #expect(whiteRows(labels, WhiteIsletsTests.blade) == 0)
    }
}
