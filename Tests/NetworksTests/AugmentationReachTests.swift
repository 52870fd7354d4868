import NDArray
import Networks
import Testing

@Suite struct AugmentationReachTests {
    /// Tiles that a draw does not touch can hold anything: the patch stays the same, bit by bit.
    @Test(arguments: [(64, 64.0, 16), (33, 20.0, 10), (200, 64.0, 32)])
    func whatAPatchDoesNotTouchDoesNotMatter(_ side: Int, _ spacingUm: Double, _ tile: Int) throws {
        let window = augmentationWindowSide(patchSide: side, spacingUm: spacingUm)
        var random = SeededGenerator(seed: 8)
        let pixels = (0..<window * window).map { _ in UInt8(random.index(below: 256)) }
        var skipped = 0
        for sample in 0..<40 {
            let draw = AugmentationDraw(AugmentationRecipe(), seed: 1, epoch: 0, sample: sample)
            var partial = pixels
            for top in stride(from: -3, to: window, by: tile) {
                for left in stride(from: -5, to: window, by: tile) {
                    let rows = max(top, 0)..<min(top + tile, window)
                    let columns = max(left, 0)..<min(left + tile, window)
                    if draw.touches(
                        rows: rows, columns: columns, windowSide: window, patchSide: side, spacingUm: spacingUm)
                    {
                        continue
                    }
                    skipped += 1
                    for row in rows { for column in columns { partial[row * window + column] ^= 0xff } }
                }
            }
            func patch(_ windows: [UInt8]) throws -> [Float] {
                try augment(windows: windows, windowSide: window, patchSide: side, spacingUm: spacingUm, draws: [draw])
            }
            #expect(try patch(partial) == patch(pixels))
        }
        #expect(skipped > 40)
    }

    /// Eight pixels at a time or one by one: the same within what 24 bits of a fraction leave, 255 · 2⁻²³ gray levels of 255.
    @Test func lanesAgreeWithAPlainBilinearSampling() throws {
        let (side, spacingUm) = (61, 64.0)
        let window = augmentationWindowSide(patchSide: side, spacingUm: spacingUm)
        var random = SeededGenerator(seed: 3)
        let pixels = (0..<window * window).map { _ in UInt8(random.index(below: 256)) }
        for sample in 0..<10 {
            var draw = AugmentationDraw(AugmentationRecipe(), seed: 2, epoch: 0, sample: sample)
            (draw.gain, draw.offset, draw.gamma, draw.filter) = (1, 0, 1, .none)
            let patch = try augment(
                windows: pixels, windowSide: window, patchSide: side, spacingUm: spacingUm, draws: [draw])
            let (c, s) = (Math.cos(draw.angleRad), Math.sin(draw.angleRad))
            for row in 0..<side {
                for column in 0..<side {
                    let down = (Double(row) - 30) * (draw.mirrored ? -1 : 1)
                    let right = Double(column) - 30
                    let centre = Double(window - 1) / 2
                    let y = centre + draw.shiftRowMm * 1000 / spacingUm + c * down - s * right
                    let x = centre + draw.shiftColumnMm * 1000 / spacingUm + s * down + c * right
                    let (top, left) = (min(Int(y), window - 2), min(Int(x), window - 2))
                    let (v, u) = (y - Double(top), x - Double(left))
                    func pixel(_ row: Int, _ column: Int) -> Double { Double(pixels[row * window + column]) }
                    let above = pixel(top, left) * (1 - u) + pixel(top, left + 1) * u
                    let below = pixel(top + 1, left) * (1 - u) + pixel(top + 1, left + 1) * u
                    let expected = (above * (1 - v) + below * v) / 255
                    let difference = abs(Double(patch[row * side + column]) - expected)
                    #expect(difference < 1e-6)
                }
            }
        }
    }

    /// Where the window is so large that places in it need more bits, the same within rounding as from the middle of it.
    @Test func largeWindowsAreSampledAsSmallOnes() throws {
        let (side, spacingUm, large) = (61, 64.0, 4101)
        let window = augmentationWindowSide(patchSide: side, spacingUm: spacingUm)
        var random = SeededGenerator(seed: 5)
        let pixels = (0..<window * window).map { _ in UInt8(random.index(below: 256)) }
        var around = [UInt8](repeating: 0, count: large * large)
        let margin = (large - window) / 2
        for row in 0..<window {
            for column in 0..<window {
                around[(row + margin) * large + column + margin] = pixels[row * window + column]
            }
        }
        for sample in 0..<4 {
            let draw = AugmentationDraw(AugmentationRecipe(), seed: 2, epoch: 0, sample: sample)
            let small = try augment(
                windows: pixels, windowSide: window, patchSide: side, spacingUm: spacingUm, draws: [draw])
            let patch = try augment(
                windows: around, windowSide: large, patchSide: side, spacingUm: spacingUm, draws: [draw])
            #expect(zip(small, patch).allSatisfy { abs($0 - $1) < 4e-6 })
        }
    }
}
