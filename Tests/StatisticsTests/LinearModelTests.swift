import Statistics
import Testing

@Suite struct LinearModelTests {
    @Test func coefficientsAreThoseOfScikitLearn() throws {
        for given in try Vectors.load().linear {
            let points = matrix(given.points, columns: given.points.count / given.rows)
            let targets = matrix(given.targets, columns: 2)
            let intercept = !given.model.hasSuffix("no intercept")
            let model =
                given.model.hasPrefix("ridge")
                ? try LinearModel(ridge: points, targets: targets, penalty: 2.5, intercept: intercept)
                : try LinearModel(leastSquares: points, targets: targets, intercept: intercept)
            // Both in double precision; the recorded numbers have nine digits.
            #expect(largestError(model.coefficients, given.coefficients) < 1e-6, "\(given.data), \(given.model)")
            #expect(largestError(model.intercepts, given.intercepts) < 1e-5, "\(given.data), \(given.model)")
        }
    }

    @Test func aLineIsFoundWhateverTheBlocksAndThreads() throws {
        // 5,000 rows are several blocks.
        let points = Matrix(rows: 5000, columns: 2, elements: (0..<10_000).map { Float(($0 * 7919) % 1013) / 100 })
        let targets = Matrix(
            rows: 5000, columns: 1, elements: (0..<5000).map { 3 * points[$0, 0] - 2 * points[$0, 1] + 1 })
        let one = try LinearModel(leastSquares: points, targets: targets, threads: 1)
        let two = try LinearModel(leastSquares: points, targets: targets, threads: 3)
        #expect(one == two)
        #expect(largestError(one.coefficients, [3, -2]) < 1e-5)
        #expect(abs(one.intercepts[0] - 1) < 1e-4)
        #expect(abs(one.predicted(for: points, threads: 2)[17, 0] - targets[17, 0]) < 1e-4)
    }

    @Test func degenerateDataHaveDefinedAnswers() throws {
        let constant = try LinearModel(leastSquares: Matrix([[4], [4]]), targets: Matrix([[1], [3]]))
        #expect(constant.coefficients == [0] && constant.intercepts == [2] && constant.rank == 0)
        let single = try LinearModel(leastSquares: Matrix([[4, 1]]), targets: Matrix([[7]]))
        #expect(single.coefficients == [0, 0] && single.intercepts == [7])
        #expect(throws: StatisticsError.self) {
            try LinearModel(leastSquares: Matrix([[.nan]]), targets: Matrix([[1]]))
        }
        #expect(throws: StatisticsError.self) {
            try LinearModel(ridge: Matrix([[1]]), targets: Matrix([[1]]), penalty: -1)
        }
        #expect(throws: StatisticsError.self) {
            try LinearModel(leastSquares: Matrix(rows: 0, columns: 2), targets: Matrix(rows: 0, columns: 1))
        }
    }
}
