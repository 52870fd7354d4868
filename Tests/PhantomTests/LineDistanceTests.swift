import NDArray
import Phantom
import Testing

@Suite struct LineDistanceTests {
    @Test func distanceToACircleIsTheDifferenceOfTheRadii() throws {
        let samples = (0...600).map { step -> SIMD2<Double> in
            let angle = 2 * Double.pi * Double(step) / 600
            return SIMD2(3000 + 5000 * Math.sin(angle), -2000 + 5000 * Math.cos(angle))
        }
        let line = LineDistance(samples: samples)
        for (radius, angle) in [(0.0, 0.3), (4000, 1), (5000, 2.2), (5300, 4), (60_000, 5)] {
            let point = SIMD2(3000 + radius * Math.sin(angle), -2000 + radius * Math.cos(angle))
            let found = try #require(line.nearest(to: point))
            // A chord of 52 µm lies at most 0.07 µm inside its circle.
            #expect(abs(found.distanceUm - abs(radius - 5000)) < 0.1)
        }
    }

    @Test func theNearestOfManyPointsIsTheNearest() throws {
        var random = SeededGenerator(seed: 4)
        let samples = (0..<500).map { _ in SIMD2(20_000 * random.uniform(), 30_000 * random.uniform()) }
        let line = LineDistance(samples: samples, joinUm: 1e-9)
        for _ in 0..<300 {
            let point = SIMD2(60_000 * random.uniform() - 20_000, 60_000 * random.uniform() - 15_000)
            let plain = samples.map { (($0 - point) * ($0 - point)).sum().squareRoot() }.min() ?? 0
            #expect(try #require(line.nearest(to: point)).distanceUm == plain)
        }
    }

    @Test func piecesAreNotJoinedAcrossAGap() throws {
        let line = LineDistance(samples: [SIMD2(0, 0), SIMD2(0, 100), SIMD2(0, 2000), SIMD2(0, 2100)])
        #expect(try #require(line.nearest(to: SIMD2(0, 1050))).distanceUm == 950)
        #expect(try #require(line.nearest(to: SIMD2(30, 50))).distanceUm == 30)
        #expect(LineDistance(samples: []).nearest(to: SIMD2(0, 0)) == nil)
    }
}
