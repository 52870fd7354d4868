import Imaging
import NDArray
import Testing

struct ChanVeseTests {
    @Test(arguments: [(0, 1), (1, 1), (2, 1), (7, 1), (40, 1), (6, 3), (5, 2), (4, 0)])
    func equalsScikitImages(iterations: Int, smoothing: Int) throws {
        let image = try RecordedVectors.image("wide")
        let start = checkerboardLevelSet(rows: image.rows, columns: image.columns)
        let ours = morphologicalChanVese(image, iterations: iterations, initial: start, smoothing: smoothing)
        #expect(ours == (try RecordedVectors.bits("chanVese\(iterations)x\(smoothing)")))
    }

    @Test func weightsEqualScikitImages() throws {
        let image = try RecordedVectors.image("wide")
        let start = checkerboardLevelSet(rows: image.rows, columns: image.columns)
        let ours = morphologicalChanVese(image, iterations: 10, initial: start, lambda1: 1, lambda2: 3)
        #expect(ours == (try RecordedVectors.bits("chanVeseLambda")))
    }

    @Test func checkerboardEqualsScikitImages() throws {
        #expect(checkerboardLevelSet(rows: 13, columns: 70) == (try RecordedVectors.bits("checkerboard")))
    }

    @Test func skippingARepeatedContourChangesNothing() throws {
        let image = try RecordedVectors.image("wide")
        var step = checkerboardLevelSet(rows: image.rows, columns: image.columns)
        // Two iterations at a time start with the same curvature operator as one long run does.
        for _ in 0..<150 { step = morphologicalChanVese(image, iterations: 2, initial: step) }
        let start = checkerboardLevelSet(rows: image.rows, columns: image.columns)
        #expect(morphologicalChanVese(image, iterations: 300, initial: start) == step)
    }

    @Test func brightnessOutsideTheMaskDoesNotMatter() throws {
        var image = try RecordedVectors.image("wide")
        var mask = BitImage(rows: image.rows, columns: image.columns)
        for row in 8..<50 { for column in 15..<100 { mask[row, column] = true } }
        let start = checkerboardLevelSet(rows: image.rows, columns: image.columns)
        let first = morphologicalChanVese(image, iterations: 30, initial: start, inside: mask)
        for row in 0..<image.rows {
            for column in 0..<image.columns where !mask[row, column] { image[row, column] = .nan }
        }
        #expect(morphologicalChanVese(image, iterations: 30, initial: start, inside: mask) == first)
        #expect((first & ~mask).isEmpty && !first.isEmpty)
    }

    @Test func swappingTheRegionsSwapsTheResultInsideAMask() throws {
        let image = try RecordedVectors.image("wide")
        let mask = BitImage(image) { $0 < 0.8 }
        let start = BitImage(image) { $0 < 0.55 } & mask
        // Each curvature operator's dual is the other one, so after none the two runs mirror each other exactly.
        let first = morphologicalChanVese(image, iterations: 20, initial: start, inside: mask, smoothing: 0)
        let second = morphologicalChanVese(image, iterations: 20, initial: mask & ~start, inside: mask, smoothing: 0)
        #expect(first == mask & ~second)
    }

    @Test func straightEdgeStaysInPlace() {
        var image = Image<Float>(rows: 40, columns: 70, filledWith: 0.2)
        for row in 0..<40 { for column in 33..<70 { image[row, column] = 0.8 } }
        let mask = BitImage(rows: 40, columns: 70, filledWith: true)
        let start = BitImage(image) { $0 > 0.5 }
        #expect(morphologicalChanVese(image, iterations: 50, initial: start, inside: mask) == start)
    }

    @Test func onePixelAndEmptyLevelSetsAreNoTrouble() {
        let pixel = Image<Float>(rows: 1, columns: 1, filledWith: 1)
        #expect(morphologicalChanVese(pixel, iterations: 5, initial: BitImage(rows: 1, columns: 1)).isEmpty)
        let none = BitImage(rows: 4, columns: 4)
        let image = Image<Float>(rows: 4, columns: 4, filledWith: 1)
        #expect(morphologicalChanVese(image, iterations: 5, initial: none, inside: none).isEmpty)
    }
}
