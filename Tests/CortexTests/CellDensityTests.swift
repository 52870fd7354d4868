import Cortex
import Foundation
import NDArray
import Testing

@Suite struct CellDensityTests {
    private struct Recorded: Decodable {
        var versions: [String: String]
        var cells: [[Double]]
        var bandwidth: Double
        var spacing: Double
        var first: Double
        var side: Int
        var scikit: [Double]
        var scipy: [Double]
    }

    @Test func equalsScikitLearnAndSciPy() throws {
        let url = try #require(
            Bundle.module.url(forResource: "cell-density", withExtension: "json", subdirectory: "Vectors"))
        let recorded = try JSONDecoder().decode(Recorded.self, from: Data(contentsOf: url))
        let map = cellDensityMap(
            cellsUm: recorded.cells.map { SIMD2($0[0], $0[1]) }, side: recorded.side, spacingUm: recorded.spacing,
            firstUm: recorded.first, bandwidthUm: recorded.bandwidth)
        let highest = recorded.scikit.max() ?? 0
        // The kernel ends at six standard deviations: what is left out is below 1.5e-8 of a cell's peak each.
        for (own, theirs) in zip(map, recorded.scikit) { #expect(abs(own - theirs) < 1e-6 * highest) }
        for (own, theirs) in zip(map, recorded.scipy) { #expect(abs(own - theirs) < 1e-6 * highest) }
    }

    @Test func oneCellIsAGaussianOfIntegralOne() {
        let map = cellDensityMap(
            cellsUm: [SIMD2(13, -40)], side: 101, spacingUm: 20, firstUm: -1000, bandwidthUm: 100)
        // The sum over a grid of a fifth of the bandwidth is the integral to machine precision, but for the cut.
        let integral = map.reduce(0, +) * 400e-6
        #expect(abs(integral - 1) < 1e-6)
        let peak = map[50 * 101 + 48]
        let height = 1e6 / (2 * Double.pi * 1e4)
        let truth = height * exp(-13.0 * 13.0 / 2e4)
        #expect(abs(peak - truth) < 1e-9 * truth)
    }

    @Test func evenCellsHaveTheirDensityUpToTheEdgeWhenItIsCorrected() {
        // A cell at the middle of every square of 25 µm: 1,600 a mm².
        var cells: [SIMD2<Double>] = []
        for row in 0..<80 { for column in 0..<80 { cells.append(SIMD2(Double(row) * 25, Double(column) * 25)) } }
        let known = [Bool](repeating: true, count: 80 * 80)
        let plain = cellDensityMap(cellsUm: cells, side: 80, spacingUm: 25, firstUm: 0, bandwidthUm: 100)
        let corrected = cellDensityMap(
            cellsUm: cells, side: 80, spacingUm: 25, firstUm: 0, bandwidthUm: 100, isKnown: known)
        let middle = plain[40 * 80 + 40]
        #expect(abs(middle - 1600) < 1.6)
        // At a corner a quarter of the kernel is seen, and half a square more.
        #expect(plain[0] < 560)
        for value in corrected { #expect(abs(value - 1600) < 3.2) }
    }

    @Test func unknownPartsGiveNoDensityFarInside() {
        let map = cellDensityMap(
            cellsUm: [], side: 40, spacingUm: 100, firstUm: 0, bandwidthUm: 100,
            isKnown: (0..<1600).map { index in index % 40 < 4 })
        #expect(map[0] == 0)
        #expect(map[39].isNaN)
        #expect(
            cellDensityMap(cellsUm: [], side: 3, spacingUm: 1, firstUm: 0, bandwidthUm: 1)
                == [Double](repeating: 0, count: 9))
    }

    @Test func layerMeansLeaveOutWhatIsNotKnown() {
        let means = layerMeans(
            [1, 3, 5, 7, .nan, 11], layers: [1, 1, 2, 2, 2, 0], isKnown: [true, true, true, false, true, true])
        #expect(means[0] == 2)
        #expect(means[1] == 5)
        #expect(means[2...].allSatisfy { $0.isNaN })
    }
}
