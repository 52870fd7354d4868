import Imaging
import NDArray
import Testing

struct EqualizationTests {
    private func picture(_ name: String) throws -> Image<Float> {
        try RecordedVectors.image(name, as: UInt8.self).map { Float($0) / 255 }
    }

    // Equal but for the last rounding of the final stretch to 0 … 1, which we do in single precision.
    @Test(arguments: [(16, 0.01), (12, 0.03), (250, 0.01), (9, 0.0)])
    func equalsScikitImages(kernel: Int, clip: Double) throws {
        let image = try picture("claheImage\(kernel)")
        let ours = adaptiveHistogramEqualization(image, kernelSizePx: kernel, clipLimit: clip)
        #expect(largestDifference(ours, try RecordedVectors.image("clahe\(kernel)")) < 1e-6)
    }

    @Test func threadsDoNotChangeTheResult() throws {
        let image = try picture("claheImage12")
        #expect(
            adaptiveHistogramEqualization(image, kernelSizePx: 12, threads: 4)
                == adaptiveHistogramEqualization(image, kernelSizePx: 12))
    }

    @Test func constantImageStaysConstant() {
        let image = Image<Float>(rows: 30, columns: 40, filledWith: 0.5)
        let result = adaptiveHistogramEqualization(image, kernelSizePx: 8)
        #expect(Set(result.elements).count == 1)
    }

    @Test func whatLiesOutsideTheMaskDoesNotMatter() throws {
        let image = try picture("claheImage16")
        var mask = BitImage(rows: image.rows, columns: image.columns)
        for row in 10..<40 { for column in 20..<50 { mask[row, column] = true } }
        var other = image
        for row in 0..<image.rows {
            for column in 0..<image.columns where !mask[row, column] { other[row, column] = 1 }
        }
        let result = adaptiveHistogramEqualization(image, kernelSizePx: 16, inside: mask)
        #expect(result == adaptiveHistogramEqualization(other, kernelSizePx: 16, inside: mask))
        #expect(result.elements.max() == 1)
    }

    @Test func emptyImageStaysEmpty() {
        #expect(adaptiveHistogramEqualization(Image(rows: 0, columns: 0, elements: []), kernelSizePx: 8).count == 0)
    }
}
