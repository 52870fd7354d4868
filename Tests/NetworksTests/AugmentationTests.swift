import Foundation
import Networks
import Testing

@Suite struct AugmentationTests {
    private struct Recorded: Decodable {
        let angle: Double
        let row: Double
        let column: Double
        let mirrored: Bool
        let gain: Double
        let offset: Double
        let gamma: Double
        let sigma: Double
        let amount: Double?
        let values: [Double]

        var draw: AugmentationDraw {
            var draw = AugmentationDraw()
            draw.angleRad = angle
            draw.shiftRowMm = row
            draw.shiftColumnMm = column
            draw.mirrored = mirrored
            draw.gain = gain
            draw.offset = offset
            draw.gamma = gamma
            if sigma > 0 {
                draw.filter = amount.map { .sharpen(sigmaPx: sigma, amount: $0) } ?? .blur(sigmaPx: sigma)
            }
            return draw
        }
    }

    private func noise(_ side: Int) -> [UInt8] {
        numbers("window", side * side).map { UInt8((Double($0) + 1) * 128) }
    }

    private func patch(
        _ window: [UInt8], _ windowSide: Int, _ patchSide: Int, spacingUm: Double = 64, _ draw: AugmentationDraw
    ) throws -> [Float] {
        try augment(
            windows: window, windowSide: windowSide, patchSide: patchSide, spacingUm: spacingUm, draws: [draw])
    }

    @Test func patchesEqualThoseOfPyTorch() throws {
        let recorded: [Recorded] = try loadVectors("augmentation")
        #expect(recorded.count == 3)
        for record in recorded {
            let ours = try patch(noise(42), 42, 24, record.draw)
            #expect(ours.count == record.values.count)
            // Float32 sampling and powers: a few units of 6e-8, times 1 + 2 · 1.3 for sharpening; the record has 8 digits. Where
            // the value is near 0 a power below 1 amplifies by x^(γ − 1), up to 3 at the darkest pixels here.
            let worst = zip(ours, record.values).map { abs(Double($0) - $1) }.max() ?? 1
            #expect(worst < 4e-6)
        }
    }

    @Test func thePatchAsItIsIsTheMiddleOfTheWindow() throws {
        for (windowSide, patchSide) in [(20, 10), (21, 11), (10, 10)] {
            let window = noise(windowSide)
            let ours = try patch(window, windowSide, patchSide, AugmentationDraw())
            let margin = (windowSide - patchSide) / 2
            for row in 0..<patchSide {
                for column in 0..<patchSide {
                    let pixel = window[(row + margin) * windowSide + column + margin]
                    #expect(ours[row * patchSide + column] == Float(pixel) * Float(1.0 / 255))
                }
            }
        }
    }

    @Test func quarterTurnsMirrorsAndWholeShiftsMovePixelsOnly() throws {
        let side = 16
        let window = noise(side)
        func value(_ row: Int, _ column: Int) -> Float { Float(window[row * side + column]) * Float(1.0 / 255) }
        var turned = AugmentationDraw()
        turned.angleRad = Double.pi / 2
        let quarter = try patch(window, side, side, turned)
        var mirrored = AugmentationDraw()
        mirrored.mirrored = true
        let flipped = try patch(window, side, side, mirrored)
        var moved = AugmentationDraw()
        moved.shiftRowMm = 0.128
        moved.shiftColumnMm = -0.064
        let shifted = try patch(window, side, 8, moved)
        for row in 0..<side {
            for column in 0..<side {
                #expect(abs(quarter[row * side + column] - value(side - 1 - column, row)) < 1e-6)
                #expect(flipped[row * side + column] == value(side - 1 - row, column))
            }
        }
        for row in 0..<8 {
            for column in 0..<8 { #expect(shifted[row * 8 + column] == value(row + 4 + 2, column + 4 - 1)) }
        }
    }

    @Test(arguments: [0.3, 1.9, -2.7])
    func rampsStayRampsUnderEveryAngle(angleRad: Double) throws {
        // Bilinear interpolation is exact for a + b row + c column; 32 fixed-point bits and float32 leave 1e-6.
        let side = 48
        let window = (0..<side * side).map { UInt8(2 * ($0 / side) + 3 * ($0 % side)) }
        var draw = AugmentationDraw()
        draw.angleRad = angleRad
        draw.shiftRowMm = 0.11
        let ours = try patch(window, side, 30, draw)
        for row in 0..<30 {
            for column in 0..<30 {
                let (r, c) = (Double(row) - 14.5, Double(column) - 14.5)
                let windowRow = 23.5 + cos(angleRad) * r - sin(angleRad) * c + 0.11 / 0.064
                let windowColumn = 23.5 + sin(angleRad) * r + cos(angleRad) * c
                let expected = (2 * windowRow + 3 * windowColumn) / 255
                #expect(abs(Double(ours[row * 30 + column]) - expected) < 2e-6)
            }
        }
    }

    @Test(arguments: [0.82, 0.97, 1, 1.03, 1.22])
    func intensitiesFollowTheirFormula(gamma: Double) throws {
        let window = (0..<256).map { UInt8($0) }
        var draw = AugmentationDraw()
        (draw.gamma, draw.gain, draw.offset) = (gamma, 0.95, 0.03)
        for (ours, pixel) in zip(try patch(window, 16, 16, draw), window) {
            let expected = 0.95 * pow(Double(pixel) / 255, gamma) + 0.03
            #expect(abs(Double(ours) - expected) < 5e-7)
        }
    }

    @Test func windowsAreJustLargeEnough() throws {
        #expect(augmentationWindowSide(patchSide: 64, spacingUm: 64) == 98)
        #expect(augmentationWindowSide(patchSide: 2048, spacingUm: 2) == 3096)
        #expect(augmentationWindowSide(patchSide: 33, spacingUm: 64) % 2 == 1)
        let side = augmentationWindowSide(patchSide: 32, spacingUm: 64)
        var worst = AugmentationDraw()
        worst.angleRad = Double.pi / 4
        worst.shiftRowMm = 0.2
        _ = try patch(noise(side), side, 32, worst)
        let error = #expect(throws: NetworkError.self) { try patch(noise(side - 2), side - 2, 32, worst) }
        #expect(error?.message.contains("leaves its window") == true)
        #expect(throws: NetworkError.self) { try patch(noise(10), 11, 8, worst) }
        #expect(
            try augment(windows: [], windowSide: 8, patchSide: 4, spacingUm: 1, draws: []).isEmpty)
    }

    @Test func drawsDependOnSeedEpochSampleAndViewAlone() {
        let recipe = AugmentationRecipe()
        let draw = AugmentationDraw(recipe, seed: 1, epoch: 2, sample: 3)
        #expect(AugmentationDraw(recipe, seed: 1, epoch: 2, sample: 3) == draw)
        #expect(AugmentationDraw(recipe, seed: 2, epoch: 2, sample: 3) != draw)
        #expect(AugmentationDraw(recipe, seed: 1, epoch: 3, sample: 3) != draw)
        #expect(AugmentationDraw(recipe, seed: 1, epoch: 2, sample: 4) != draw)
        #expect(AugmentationDraw(recipe, seed: 1, epoch: 2, sample: 3, view: 1) != draw)
        // Another probability does not shift what else is drawn.
        var other = recipe
        other.mirrorProbability = 0
        other.blurProbability = 0
        let plain = AugmentationDraw(other, seed: 1, epoch: 2, sample: 3)
        #expect(plain.angleRad == draw.angleRad && plain.gamma == draw.gamma && plain.gain == draw.gain)
    }

    @Test func drawsHaveTheDistributionsOfTheMethods() {
        let count = 20_000
        let draws = (0..<count).map { AugmentationDraw(AugmentationRecipe(), seed: 9, epoch: 0, sample: $0) }
        func mean(_ value: (AugmentationDraw) -> Double) -> Double {
            draws.reduce(0) { $0 + value($1) } / Double(count)
        }
        // A uniform value on a range of width w has sd w/√12; five standard errors of the mean are w · 0.0102.
        let bound = 5 / (12 * Double(count)).squareRoot()
        #expect(abs(mean { $0.angleRad }) < 2 * Double.pi * bound)
        #expect(draws.allSatisfy { abs($0.angleRad) <= Double.pi })
        func distance(_ draw: AugmentationDraw) -> Double { hypot(draw.shiftRowMm, draw.shiftColumnMm) }
        #expect(abs(mean(distance) - 0.1) < 0.2 * bound)
        #expect(draws.allSatisfy { distance($0) <= 0.2 + 1e-12 })
        #expect(abs(mean { $0.shiftRowMm }) < 0.2 * bound && abs(mean { $0.shiftColumnMm }) < 0.2 * bound)
        #expect(abs(mean { $0.gain } - 0.95) < 0.1 * bound && draws.allSatisfy { (0.9...1).contains($0.gain) })
        #expect(abs(mean { $0.offset }) < 0.2 * bound && draws.allSatisfy { abs($0.offset) <= 0.1 })
        // Unbiased: log γ is an odd function of Z, so its mean is 0; γ(0.05) = log(½ + 0.05/√2) / log(½ − 0.05/√2) = 0.815.
        let least = log(0.5 + 0.05 * 0.5.squareRoot()) / log(0.5 - 0.05 * 0.5.squareRoot())
        #expect(abs(mean { log($0.gamma) }) < -2 * log(least) * bound)
        #expect(draws.allSatisfy { $0.gamma >= least && $0.gamma <= 1 / least })
        #expect(draws.contains { $0.gamma < 0.83 } && draws.contains { $0.gamma > 1.2 })
        // Frequencies: sd √(p (1 − p) / n).
        func frequency(_ holds: (AugmentationDraw) -> Bool) -> Double {
            Double(draws.count(where: holds)) / Double(count)
        }
        #expect(abs(frequency { $0.mirrored } - 0.5) < 5 * 0.5 / Double(count).squareRoot())
        let quarter = 5 * 0.1875.squareRoot() / Double(count).squareRoot()
        #expect(abs(frequency { if case .blur = $0.filter { true } else { false } } - 0.25) < quarter)
        #expect(abs(frequency { if case .sharpen = $0.filter { true } else { false } } - 0.25) < quarter)
        for draw in draws {
            switch draw.filter {
            case .none: break
            case .blur(let sigmaPx): #expect((0.125...1).contains(sigmaPx))
            case .sharpen(let sigmaPx, let amount):
                #expect((0.125...1).contains(sigmaPx) && (0.5...1.5).contains(amount))
            }
        }
    }

    @Test func theNumberOfThreadsChangesNothing() throws {
        let side = augmentationWindowSide(patchSide: 24, spacingUm: 64)
        let windows = (0..<9).flatMap { sample in noise(side).map { $0 &+ UInt8(sample) } }
        let draws = (0..<9).map { AugmentationDraw(AugmentationRecipe(), seed: 4, epoch: 1, sample: $0) }
        func run(threads: Int) throws -> [Float] {
            try augment(
                windows: windows, windowSide: side, patchSide: 24, spacingUm: 64, draws: draws, threads: threads)
        }
        let one = try run(threads: 1)
        #expect(try run(threads: 4) == one)
        #expect(one.allSatisfy { $0.isFinite })
        // Any sample alone is what it is in the batch.
        let alone = try patch(Array(windows[5 * side * side..<6 * side * side]), side, 24, draws[5])
        #expect(alone == Array(one[5 * 576..<6 * 576]))
    }

    @Test func sharpeningRaisesContrastAndBlurringLowersIt() throws {
        func spread(_ filter: AugmentationDraw.Filter) throws -> Float {
            var draw = AugmentationDraw()
            draw.filter = filter
            let values = try patch(noise(32), 32, 32, draw)
            let mean = values.reduce(0, +) / Float(values.count)
            return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        }
        let plain = try spread(.none)
        #expect(try spread(.blur(sigmaPx: 0.8)) < 0.6 * plain)
        #expect(try spread(.sharpen(sigmaPx: 0.8, amount: 1)) > 1.5 * plain)
    }
}
