import Cortex
import NDArray
import Testing

/// Six layers of 10, 8, 12, 6, 14 and 10 pixels, white matter below, slide above; the pia at row 20.
private let widths = [10, 8, 12, 6, 14, 10]

private func layered(rows: Int = 120, columns: Int = 90, at shift: (Int) -> Int = { _ in 0 }) -> Image<UInt8> {
    var image = Image<UInt8>(rows: rows, columns: columns, filledWith: 0)
    for column in 0..<columns {
        var row = 20 + shift(column)
        for (layer, width) in widths.enumerated() {
            for _ in 0..<width {
                if row >= 0, row < rows { image[row, column] = UInt8(layer + 1) }
                row += 1
            }
        }
    }
    return image
}

private func path(_ from: SIMD2<Double>, _ to: SIMD2<Double>, pieces: Int = 12) -> [SIMD2<Double>] {
    (0...pieces).map { from + (to - from) * (Double($0) / Double(pieces)) }
}

@Suite struct LayerThicknessTests {
    @Test func perpendicularCutMeasuresEachLayer() throws {
        let found = try #require(
            layerThicknesses(
                layered(), along: path(SIMD2(20, 40), SIMD2(80, 40)), start: 6, spacingUm: 64, cosine: 1, slackPx: 10))
        // Steps of a quarter pixel meet a border of pixels exactly, on one side each.
        for (length, width) in zip(found, widths) {
            let truth = Double(width) * 64
            #expect(abs(length - truth) <= 32)
        }
    }

    @Test func obliqueCutIsShortenedByTheCosine() throws {
        // Layers stretched twofold by a cut of 60°.
        var image = Image<UInt8>(rows: 200, columns: 20, filledWith: 0)
        var row = 30
        for (layer, width) in widths.enumerated() {
            for _ in 0..<2 * width {
                for column in 0..<20 { image[row, column] = UInt8(layer + 1) }
                row += 1
            }
        }
        let found = try #require(
            layerThicknesses(
                image, along: path(SIMD2(30, 10), SIMD2(150, 10)), start: 5, spacingUm: 64, cosine: 0.5, slackPx: 8))
        for (length, width) in zip(found, widths) {
            let truth = Double(width) * 64
            #expect(abs(length - truth) <= 32)
        }
    }

    @Test func lineThatKnowsTheEndsBadlyStillFindsThem() throws {
        let found = try #require(
            layerThicknesses(
                layered(), along: path(SIMD2(26, 40), SIMD2(74, 40)), start: 6, spacingUm: 64, cosine: 1, slackPx: 12))
        let whole = found.reduce(0, +)
        #expect(abs(whole - 3840) <= 64)
    }

    @Test func touchingBankIsCutAtTheLinesOwnEnd() throws {
        var image = layered()
        // Another bank above, layer I against layer I.
        for column in 0..<90 {
            for row in 10..<20 { image[row, column] = 1 }
            for row in 2..<10 { image[row, column] = 2 }
        }
        let found = try #require(
            layerThicknesses(
                image, along: path(SIMD2(20, 40), SIMD2(80, 40)), start: 6, spacingUm: 64, cosine: 1, slackPx: 20))
        #expect(abs(found[0] - 640) <= 64)
    }

    @Test func absentLayerHasNoThickness() throws {
        var image = layered()
        for index in image.elements.indices where image.elements[index] == 4 { image.elements[index] = 3 }
        let found = try #require(
            layerThicknesses(
                image, along: path(SIMD2(20, 40), SIMD2(80, 40)), start: 6, spacingUm: 64, cosine: 1, slackPx: 10))
        #expect(found[3] == 0)
        #expect(abs(found[2] - 1152) <= 64)
    }

    @Test func lineOffTheCortexOrWithoutWhiteMatterHasNone() {
        let image = layered()
        #expect(
            layerThicknesses(
                image, along: path(SIMD2(2, 40), SIMD2(12, 40)), start: 3, spacingUm: 64, cosine: 1, slackPx: 4) == nil)
        // Along the layers it never meets white matter.
        #expect(
            layerThicknesses(
                image, along: path(SIMD2(45, 2), SIMD2(45, 60)), start: 3, spacingUm: 64, cosine: 1, slackPx: 4) == nil)
        #expect(
            layerThicknesses(
                image, along: [SIMD2(45, 40)], start: 0, spacingUm: 64, cosine: 1, slackPx: 4) == nil)
    }
}

@Suite struct IntensityProfileTests {
    private let ramp: Image<Float> = {
        var image = Image<Float>(rows: 50, columns: 60, filledWith: 0)
        for row in 0..<50 { for column in 0..<60 { image[row, column] = Float(3 * row) - Float(2 * column) } }
        return image
    }()

    @Test func rampIsReadExactlyAtEvenDistances() throws {
        let (from, to) = (SIMD2(3.5, 5.25), SIMD2(40.0, 47.0))
        // Corners at uneven distances on the same straight line do not matter.
        let corners = [0, 0.1, 0.55, 0.9, 1].map { from + (to - from) * $0 }
        let profile = try #require(intensityProfile(ramp, along: corners, count: 200))
        for (index, value) in profile.enumerated() {
            let place = from + (to - from) * (Double(index) / 199)
            let truth = 3 * place.x - 2 * place.y
            #expect(abs(Double(value) - truth) < 1e-3)
        }
    }

    @Test func widerLineTakesTheMeanAcross() throws {
        // A ramp's mean over a band that is symmetric about the line is its value on the line.
        let line = [SIMD2(10.0, 10.0), SIMD2(30.0, 40.0)]
        let one = try #require(intensityProfile(ramp, along: line, count: 20))
        let five = try #require(intensityProfile(ramp, along: line, count: 20, widthPx: 5))
        for (a, b) in zip(one, five) { #expect(abs(a - b) < 1e-3) }
    }

    @Test func linesWithoutLengthOrOffTheImageHaveNone() {
        #expect(intensityProfile(ramp, along: [SIMD2(3, 3), SIMD2(3, 3)], count: 10) == nil)
        #expect(intensityProfile(ramp, along: [SIMD2(3, 3)], count: 10) == nil)
        #expect(intensityProfile(ramp, along: [], count: 10) == nil)
        #expect(intensityProfile(ramp, along: [SIMD2(3, 3), SIMD2(3, 80)], count: 10) == nil)
        #expect(intensityProfile(ramp, along: [SIMD2(3, 3), SIMD2(.nan, 8)], count: 10) == nil)
    }

    @Test func standardScoresHaveMeanZeroAndDeviationOne() throws {
        let scores = try #require(standardScores([3, 5, 10, 2]))
        let sum = scores.reduce(0, +)
        let squares = scores.reduce(0) { $0 + $1 * $1 }
        #expect(abs(sum) < 1e-6)
        #expect(abs(squares - 4) < 4e-6)
        #expect(standardScores([4, 4, 4]) == nil)
        #expect(standardScores([4, .nan, 2]) == nil)
        #expect(standardScores([]) == nil)
    }
}
