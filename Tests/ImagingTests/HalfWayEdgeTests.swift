import Imaging
import NDArray
import Testing

/// Tissue above row 50 on a slide of 240, blurred; the threshold of the first guess is near the slide's level.
private func section(_ level: (Int) -> Float, sigmaPx: Double = 1) -> (image: Image<Float>, guess: BitImage) {
    var image = Image<Float>(rows: 100, columns: 80, filledWith: 240)
    for row in 0..<50 { for column in 0..<80 { image[row, column] = level(column) } }
    let blurred = gaussianFilter(image, sigmaPx: sigmaPx)
    return (blurred, BitImage(blurred) { $0 < 230 })
}

private func moved(_ image: Image<Float>, _ guess: BitImage) -> BitImage {
    let shell = guess.eroded(radiusPx: 2) & ~guess.eroded(radiusPx: 5)
    return HalfWayEdge(windowPx: 9).moved(guess, in: image, inside: .samples(shell), outside: .level(240))
}

struct HalfWayEdgeTests {
    /// The blur of a straight edge passes the half of its height on the edge itself, so no pixel may be wrong.
    @Test func blurredEdgeComesToWhereItWas() {
        let (image, guess) = section { _ in 60 }
        #expect(guess[51, 40], "The first guess reaches out into the blur.")
        let found = moved(image, guess)
        for column in 0..<80 {
            #expect(found[49, column])
            #expect(!found[50, column])
        }
    }

    /// Dark and pale tissue side by side: each edge is half-way on its own scale. A window and the blur away from where they meet.
    @Test func eachPartOfAnEdgeIsJudgedByItsOwnContrast() {
        let (image, guess) = section { $0 < 40 ? 60 : 180 }
        let found = moved(image, guess)
        for column in Array(0..<30) + Array(50..<80) {
            #expect(found[49, column])
            #expect(!found[50, column])
        }
    }

    /// Two tissues' common edge, guessed three pixels off on either side.
    @Test(arguments: [-3, 3]) func edgeBetweenTwoTissuesIsFoundFromBothSides(off: Int) {
        var image = Image<Float>(rows: 60, columns: 60, filledWith: 100)
        var guess = BitImage(rows: 60, columns: 60)
        for row in 0..<60 {
            for column in 0..<60 {
                if column < 30 { image[row, column] = 180 }
                guess[row, column] = column < 30 + off
            }
        }
        let blurred = gaussianFilter(image, sigmaPx: 1)
        let edge = HalfWayEdge(windowPx: 15)
        let found = edge.moved(
            guess, in: blurred, inside: .samples(guess.eroded(radiusPx: 2)),
            outside: .samples(~guess.dilated(radiusPx: 2)))
        #expect(found == BitImage(image) { $0 > 140 })
    }

    @Test func whatIsTooThinForSamplesStays() {
        let image = Image<Float>(rows: 20, columns: 20, filledWith: 200)
        var line = BitImage(rows: 20, columns: 20)
        for column in 0..<20 { line[10, column] = true }
        #expect(moved(image, line) == line)
    }

    @Test func nothingOutsideTheGivenPartChanges() {
        let (image, guess) = section { _ in 60 }
        let nowhere = BitImage(rows: 100, columns: 80)
        let shell = guess.eroded(radiusPx: 2)
        #expect(
            HalfWayEdge(windowPx: 9).moved(
                guess, in: image, inside: .samples(shell), outside: .level(240), within: nowhere) == guess)
        #expect(moved(image, nowhere) == nowhere)
    }

    /// The definition, pixel by pixel, with the means of the whole image: the same sums in the same order, so the same pixels. The
    /// sides are no multiples of 16 or 64, and the mask reaches all borders.
    @Test(arguments: [4, 5, 9, 15], [1, 3]) func meansInTheBandAreThoseOfTheMeanFilter(windowPx: Int, threads: Int) {
        var generator = SeededGenerator(seed: 7, stream: "edge")
        let (rows, columns) = (301, 147)
        let noise = Image<Float>(
            rows: rows, columns: columns, elements: (0..<rows * columns).map { _ in Float(generator.normal()) })
        let mask = BitImage(gaussianFilter(noise, sigmaPx: 6)) { $0 > 0 }
        let samples = BitImage(noise) { $0 > 0.3 }
        let (inside, outside) = (mask & samples, ~mask & samples)
        let found = HalfWayEdge(windowPx: windowPx, threads: threads).moved(
            mask, in: noise, inside: .samples(inside), outside: .samples(outside))
        func means(_ side: BitImage) -> [(mean: Float, share: Float)] {
            func filtered(_ value: (Int) -> Float) -> [Float] {
                var chosen = Image<Float>(rows: rows, columns: columns, filledWith: 0)
                side.forEachSet { chosen.elements[$0] = value($0) }
                return meanFilter(chosen, size: windowPx).elements
            }
            return zip(filtered { noise.elements[$0] }, filtered { _ in 1 }).map { ($1 > 0 ? $0 / $1 : 0, $1) }
        }
        let (inner, outer) = (means(inside), means(outside))
        var expected = mask
        (mask.dilated(radiusPx: 3) & ~mask.eroded(radiusPx: 3)).forEachSet { pixel in
            let (one, other) = (inner[pixel], outer[pixel])
            guard min(one.share, other.share) >= 0.02, one.mean != other.mean else { return }
            expected[pixel / columns, pixel % columns] =
                abs(noise.elements[pixel] - one.mean) < abs(noise.elements[pixel] - other.mean)
        }
        #expect(expected != mask)
        #expect(found == expected)
    }
}
