import Imaging
import NDArray
import Testing

struct FilterTests {
    @Test(arguments: [2, 5, 8]) func extremaEqualSciPys(size: Int) throws {
        let image = try RecordedVectors.image("image")
        #expect(minimumFilter(image, size: size) == (try RecordedVectors.image("minimum\(size)")))
        #expect(maximumFilter(image, size: size) == (try RecordedVectors.image("maximum\(size)")))
    }

    // Sums of 25 floats below 1 in single precision: a few units in the last place, 6e-8 each.
    @Test(arguments: [5, 23]) func meanEqualsSciPys(size: Int) throws {
        let image = try RecordedVectors.image("image")
        #expect(largestDifference(meanFilter(image, size: size), try RecordedVectors.image("mean\(size)")) < 5e-7)
    }

    @Test func gaussianEqualsSciPys() throws {
        let image = try RecordedVectors.image("image")
        #expect(largestDifference(gaussianFilter(image, sigmaPx: 1), try RecordedVectors.image("gaussian1")) < 5e-7)
        #expect(largestDifference(gaussianFilter(image, sigmaPx: 3.5), try RecordedVectors.image("gaussian3.5")) < 5e-7)
    }

    /// In place bit by bit what the filter gives, also of images lower than the kernel; rows are asked for once, before they are read.
    @Test(arguments: [(40, 37), (17, 64), (3, 20), (1, 5), (9, 1), (0, 4)], [0, 0.125, 0.6, 1, 2.2])
    func gaussianInPlaceHasTheSameBits(_ size: (rows: Int, columns: Int), _ sigmaPx: Double) {
        var random = SeededGenerator(seed: 4)
        let count = size.rows * size.columns
        let elements = (0..<count).map { _ in Float(random.uniform()) }
        let image = Image(rows: size.rows, columns: size.columns, elements: elements)
        let blurred = gaussianFilter(image, sigmaPx: sigmaPx)
        func filtered(sharpening: Float?) -> [Float] {
            var pixels = [Float](repeating: .nan, count: count)
            var made = 0
            pixels.withUnsafeMutableBufferPointer { pixels in
                gaussianFilterInPlace(
                    pixels, rows: size.rows, columns: size.columns, sigmaPx: sigmaPx, sharpening: sharpening
                ) { rows in
                    #expect(rows.lowerBound == made)
                    made = rows.upperBound
                    for index in rows.lowerBound * size.columns..<rows.upperBound * size.columns {
                        pixels[index] = elements[index]
                    }
                }
            }
            #expect(made == size.rows)
            return pixels
        }
        #expect(filtered(sharpening: nil) == blurred.elements)
        #expect(filtered(sharpening: 1.5) == zip(elements, blurred.elements).map { $0 + 1.5 * ($0 - $1) })
    }

    @Test func medianEqualsSciPys() throws {
        let image = try RecordedVectors.image("image8", as: UInt8.self)
        #expect(medianFilter(image, size: 5) == (try RecordedVectors.image("median5", as: UInt8.self)))
        #expect(medianFilter(image, size: 1) == image)
    }

    @Test func constantImageStaysConstant() {
        let image = Image<Float>(rows: 7, columns: 9, filledWith: 0.25)
        #expect(minimumFilter(image, size: 5) == image)
        #expect(largestDifference(meanFilter(image, size: 5), image) < 1e-7)
        #expect(largestDifference(gaussianFilter(image, sigmaPx: 2), image) < 1e-7)
    }

    @Test func opposingExtremaOfTheNegativeAgree() throws {
        let image = try RecordedVectors.image("image")
        #expect(minimumFilter(image, size: 7) == maximumFilter(image.map { -$0 }, size: 7).map { -$0 })
    }

    @Test func windowLargerThanTheImageSeesAllOfIt() {
        let image = Image<Float>(rows: 2, columns: 3, elements: [4, 2, 5, 1, 8, 3])
        #expect(minimumFilter(image, size: 41) == Image(rows: 2, columns: 3, filledWith: 1))
        #expect(maximumFilter(image, size: 41) == Image(rows: 2, columns: 3, filledWith: 8))
    }

    @Test func emptyImageStaysEmpty() {
        let image = Image<Float>(rows: 0, columns: 5, elements: [])
        #expect(minimumFilter(image, size: 5) == image)
        #expect(meanFilter(image, size: 5) == image)
        #expect(medianFilter(Image<UInt8>(rows: 0, columns: 0, elements: []), size: 3).count == 0)
    }

    @Test func threadsDoNotChangeAResult() throws {
        let image = try RecordedVectors.image("wide")
        #expect(meanFilter(image, size: 5, threads: 4) == meanFilter(image, size: 5))
        #expect(gaussianFilter(image, sigmaPx: 2, threads: 3) == gaussianFilter(image, sigmaPx: 2))
    }

    @Test func areaResamplingKeepsTheMean() throws {
        let image = try RecordedVectors.image("image")
        let coarse = areaResampled(image, spacingUm: 10, to: 83)
        #expect(coarse.rows == 5 && coarse.columns == 7)
        // The last columns and rows stick out, so means are weighted by what each pixel covers.
        var sum = 0.0
        for row in 0..<coarse.rows {
            for column in 0..<coarse.columns {
                let height = min(8.3, 37 - 8.3 * Double(row))
                let width = min(8.3, 53 - 8.3 * Double(column))
                sum += Double(coarse[row, column]) * height * width
            }
        }
        let total = image.elements.reduce(0.0) { $0 + Double($1) }
        #expect(abs(sum - total) < 1e-4 * total)
    }

    @Test func areaResamplingByTwoAveragesFour() {
        let image = Image<Float>(rows: 2, columns: 4, elements: [1, 3, 5, 7, 1, 3, 5, 7])
        #expect(areaResampled(image, spacingUm: 1, to: 2) == Image(rows: 1, columns: 2, elements: [2, 6]))
        #expect(areaResampled(image, spacingUm: 2, to: 1).columns == 8)
    }
}
