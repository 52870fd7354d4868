import Imaging
import NDArray
import Testing

struct HistogramTests {
    @Test func otsuAndSmoothingEqualTheReferences() throws {
        let counts = histogram(of: try RecordedVectors.image("image8", as: UInt8.self))
        #expect(
            otsuThreshold(counts).map(Int32.init) == (try RecordedVectors.values("otsu", as: Int32.self)).elements[0])
        let expected = try RecordedVectors.values("histogramSmoothed", as: Double.self).elements
        for (ours, theirs) in zip(smoothedHistogram(counts), expected) { #expect(abs(ours - theirs) < 1e-9) }
    }

    @Test func otsuPartsTwoLevelsAtTheLower() {
        var counts = [Int](repeating: 0, count: 256)
        counts[40] = 10
        counts[200] = 3
        #expect(otsuThreshold(counts) == 40)
        #expect(otsuThreshold(counts, levels: 100..<256) == 200)
        #expect(otsuThreshold(counts, levels: 0..<10) == nil)
    }

    @Test func minimumOfAFlatValleyIsItsMiddle() {
        #expect(localMinima(of: [3, 1, 1, 1, 2, 0]) == [2])
        #expect(localMinima(of: [1, 1, 1]) == [])
        #expect(localMinima(of: [5, 2, 4, 1, 6]) == [1, 3])
    }

    @Test func maskedHistogramCountsTheMask() {
        let image = Image<UInt8>(rows: 1, columns: 4, elements: [7, 7, 9, 200])
        var mask = BitImage(rows: 1, columns: 4)
        mask[0, 1] = true
        mask[0, 3] = true
        let counts = histogram(of: image, inside: mask)
        #expect(counts[7] == 1 && counts[200] == 1 && counts.reduce(0, +) == 2)
    }

    @Test func tissueMaskIsTheDarkPart() {
        var image = Image<UInt8>(rows: 40, columns: 40, filledWith: 240)
        for row in 10..<30 { for column in 5..<35 { image[row, column] = 120 } }
        image[2, 2] = 10
        let mask = tissueMask(of: image, minimumSizePx: 20)
        #expect(mask.setCount == 600)
        #expect(tissueMask(of: Image(rows: 5, columns: 5, filledWith: 128)).isEmpty)
    }
}
