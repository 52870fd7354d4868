import NDArray
import Phantom
import Testing

private let cut = SectionCut(
    positionUm: 0, rotationRad: 0, shiftUm: SectionPoint(row: 0, column: 0), mirrored: false)

/// A patch of the slab: rows 0 … 2400 µm of the cortex, 0.2 … 10.2 mm right of the middle.
private func patch(
    spacingUm: Double, widthUm: Double = 10_240, stain: SectionStain = SlabOfCortex.cleanStain,
    profile: AreaProfile = SlabOfCortex.profile, seed: UInt64 = 3
) -> PhantomScan? {
    BrainPlane(SlabOfCortex.fields(), positionUm: 0).map {
        PhantomScan(
            plane: $0, architecture: SlabOfCortex.architecture(profile),
            field: cut.field(heightUm: 12_800, widthUm: 25_600), stain: stain, spacingUm: spacingUm,
            region: ScanRegion(rowUm: 6400, columnUm: 13_056, heightUm: 2432, widthUm: widthUm), texture: 1, seed: seed)
    }
}

@Suite struct SectionCellTests {
    @Test func eachLayerHasTheProfilesCells() throws {
        let scan = try #require(patch(spacingUm: 2))
        var (counts, areas) = ([Double](repeating: 0, count: 7), [Double](repeating: 0, count: 7))
        for cell in scan.cells() {
            // Off the borders, where layers blend: the middle two thirds of each layer of 400 µm.
            let depth = cell.place.row - 6400
            let within = depth.truncatingRemainder(dividingBy: 400)
            guard depth > 0, depth < 2400, within > 67, within < 333 else { continue }
            #expect(Int(cell.layer) == Int(depth / 400) + 1)
            counts[Int(cell.layer)] += 1
            areas[Int(cell.layer)] += Double(cell.areaUm2)
        }
        for layer in 1...6 {
            // Slow factors change cells by up to exp(0.08 · 2.5) between species; the slab is 10 km long, so one value holds.
            let factor = SlabOfCortex.architecture().slowFactors(at: PointMm(plane: 0, row: 1, column: 5)).cells[
                layer - 1]
            let expected = Double(SlabOfCortex.profile.cellsPerMm2[layer - 1] * factor) * 0.266 * 10.24
            // Four standard deviations of a Poisson number, which a right renderer misses once in 15,000 seeds.
            #expect(
                abs(counts[layer] - expected) < 4 * expected.squareRoot(),
                "layer \(layer): \(counts[layer]) of \(expected)")
            let mean = areas[layer] / counts[layer]
            let area = Double(SlabOfCortex.profile.cellAreaUm2[layer - 1])
            // The log-normal's relative deviation is 0.42.
            #expect(abs(mean - area) < 4 * 0.42 * area / counts[layer].squareRoot(), "layer \(layer): \(mean) µm²")
        }
    }

    @Test func cellsInBoxesArePoisson() throws {
        let scan = try #require(patch(spacingUm: 2))
        var boxes = [Int: Double]()
        // Layer IV, in boxes of 80 × 256 µm.
        for cell in scan.cells() {
            let depth = cell.place.row - 6400
            guard depth > 1280, depth < 1520 else { continue }
            boxes[Int((depth - 1280) / 80) * 1000 + Int((cell.place.column - 13_056) / 256), default: 0] += 1
        }
        let counts = (0..<3).flatMap { row in (0..<40).map { boxes[row * 1000 + $0] ?? 0 } }
        let mean = counts.reduce(0, +) / 120
        let variance = counts.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 119
        // The ratio's standard deviation is √(2/119) = 0.13.
        #expect(abs(variance / mean - 1) < 0.5, "\(variance / mean)")
    }

    @Test func twoMicrometresAveragedLookLikeSixtyFour() throws {
        let fine = try #require(patch(spacingUm: 2)).image(threads: 2)
        let coarse = try #require(patch(spacingUm: 64)).image(threads: 2)
        #expect((fine.rows, fine.columns) == (coarse.rows * 32, coarse.columns * 32))
        for layer in 0..<6 {
            // Whole rows of 64 µm inside the layer, away from its borders.
            let rows = (0..<coarse.rows).filter {
                let (top, bottom) = (Double($0) * 64, Double($0 + 1) * 64)
                return top >= Double(layer) * 400 + 60 && bottom <= Double(layer + 1) * 400 - 60
            }
            var (first, second) = ([Double](), [Double]())
            for row in rows {
                for column in 0..<coarse.columns {
                    second.append(Double(coarse[row, column]))
                    var sum = 0
                    for down in 0..<32 {
                        for across in 0..<32 { sum += Int(fine[row * 32 + down, column * 32 + across]) }
                    }
                    first.append(Double(sum) / 1024)
                }
            }
            let (one, two) = (statistics(first), statistics(second))
            // Means: four standard errors, and 1 % for what cells of a few pixels lose.
            let error = 4 * ((one.variance + two.variance) / Double(first.count)).squareRoot()
            #expect(
                abs(one.mean - two.mean) < error + 0.01 * one.mean, "layer \(layer + 1): \(one.mean) and \(two.mean)")
            // Spreads: some 640 pixels give a standard deviation to 4 % (heavier tails: 6 %) on each side.
            let ratio = (one.variance / two.variance).squareRoot()
            #expect(ratio > 0.8 && ratio < 1.25, "layer \(layer + 1): \(ratio)")
        }
    }

    @Test func opticalDensityGrowsWithDensityTimesSize() throws {
        func density(_ cells: Float, _ area: Float) throws -> Double {
            let profile = AreaProfile(
                fractions: [1, 1, 1, 1, 1, 1], cellsPerMm2: Array(repeating: cells, count: 6),
                cellAreaUm2: Array(repeating: area, count: 6))
            let image = try #require(patch(spacingUm: 64, profile: profile)).image(threads: 2)
            let middle = (4..<34).flatMap { row in (0..<image.columns).map { Double(image[row, $0]) } }
            return -Math.log(statistics(middle).mean / (255 * 0.9))
        }
        let none = try density(1e-3, 100)
        let (one, two, bigger) = (try density(600, 100), try density(1200, 100), try density(600, 200))
        // Beer and Lambert: twice the cells or twice their size doubles what cells add; noise of the mean is below 2 %.
        #expect(abs((two - none) / (one - none) - 2) < 0.1)
        #expect(abs((bigger - none) / (one - none) - 2) < 0.1)
        #expect(one - none > 0.05)
    }
}

private func statistics(_ values: [Double]) -> (mean: Double, variance: Double) {
    let mean = values.reduce(0, +) / Double(values.count)
    return (mean, values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(max(values.count - 1, 1)))
}
