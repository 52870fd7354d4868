import Foundation
import Statistics
import Testing

@Suite struct LogisticRegressionTests {
    @Test func optimumIsThatOfScikitLearn() throws {
        let vectors = try Vectors.load()
        let points = matrix(vectors.logistic_points, columns: 5)
        for given in vectors.logistic {
            let model = try LogisticRegression(
                of: points, labels: given.labels, inversePenalty: given.C, intercept: given.intercept,
                classWeights: given.balanced ? .balanced : .equal, threads: 2)
            let name = "\(given.name), C \(given.C), intercept \(given.intercept), balanced \(given.balanced)"
            #expect(model.converged, "\(name)")
            #expect(abs(model.objective / given.objective - 1) < 1e-6, "\(name): \(model.objective) \(given.objective)")
            let logits = model.logits(for: points)
            let probabilities = (0..<points.rows).flatMap { row -> [Double] in
                let values = logits.row(row).map { exp(Double($0)) }
                return values.map { $0 / values.reduce(0, +) }
            }
            // Near the optimum the objective is flat: a millionth there is a thousandth here.
            #expect(largestError(probabilities, given.probabilities) < 3e-3, "\(name)")
        }
    }

    @Test func threadsChangeNothing() throws {
        let points = try Vectors.digits()
        let labels = (0..<points.rows).map { ($0 * $0) % 3 }
        let one = try LogisticRegression(of: points, labels: labels, inversePenalty: 0.01, threads: 1)
        let three = try LogisticRegression(of: points, labels: labels, inversePenalty: 0.01, threads: 3)
        #expect(one == three)
    }

    @Test func constantFeaturesGetNoWeight() throws {
        let model = try LogisticRegression(of: Matrix([[1, 7], [2, 7], [3, 7], [4, 7]]), labels: [0, 0, 1, 1])
        #expect(model.coefficients[3] == 0 && model.coefficients[2] > 0)
        #expect(model.predictedLabels(for: Matrix([[0, 7], [9, 7]])) == [0, 1])
    }

    @Test func aClassOfOnePointIsLearned() throws {
        let model = try LogisticRegression(
            of: Matrix([[0, 0], [0, 1], [5, 5], [1, 0]]), labels: [3, 3, 8, 3], inversePenalty: 10)
        #expect(model.classes == [3, 8])
        #expect(model.predictedLabels(for: Matrix([[5, 5], [0, 0]])) == [8, 3])
    }

    @Test func impossibleRequestsAreRefused() {
        #expect(throws: StatisticsError.self) { try LogisticRegression(of: Matrix([[1], [2]]), labels: [1, 1]) }
        #expect(throws: StatisticsError.self) { try LogisticRegression(of: Matrix(rows: 0, columns: 1), labels: []) }
        #expect(throws: StatisticsError.self) { try LogisticRegression(of: Matrix([[1], [.nan]]), labels: [0, 1]) }
        #expect(throws: StatisticsError.self) {
            try LogisticRegression(of: Matrix([[1], [2]]), labels: [0, 1], inversePenalty: 0)
        }
    }
}
