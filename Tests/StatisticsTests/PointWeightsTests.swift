import NDArray
import Statistics
import Testing

@Suite struct PointWeightsTests {
    @Test func aPointOfWeightThreeCountsAsThree() throws {
        var random = SeededGenerator(seed: 4)
        let rows = (0..<60).map { index in (0..<4).map { _ in Float(random.normal() + Double(index % 3)) } }
        let labels = (0..<60).map { $0 % 3 }
        let weights = (0..<60).map { Double($0 % 4) }
        let weighted = try LogisticRegression(
            of: Matrix(rows), labels: labels, intercept: false, pointWeights: weights, tolerance: 1e-9)
        let order = (0..<60).flatMap { [Int](repeating: $0, count: $0 % 4) }
        let repeated = try LogisticRegression(
            of: Matrix(order.map { rows[$0] }), labels: order.map { labels[$0] }, intercept: false, tolerance: 1e-9)
        #expect(weighted.converged && repeated.converged)
        // Both stop within the tolerance of one optimum whose curvature is that of the penalty at least, 1 in 90 points.
        for (a, b) in zip(weighted.coefficients, repeated.coefficients) { #expect(abs(a - b) < 1e-4) }
    }
}
