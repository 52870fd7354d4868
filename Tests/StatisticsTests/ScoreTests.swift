import Statistics
import Testing

@Suite struct ScoreTests {
    let vectors: Vectors

    init() throws { vectors = try Vectors.load() }

    @Test func classificationScoresAreThoseOfScikitLearn() {
        let given = vectors.classification
        let confusion = Confusion(truth: given.truth, predicted: given.predicted)
        #expect(largestError(confusion.f1Scores, given.f1) < 1e-8)
        #expect(largestError(confusion.precisions, given.precision) < 1e-8)
        #expect(largestError(confusion.recalls, given.recall) < 1e-8)
        #expect(abs(confusion.macroF1 - given.macro_f1) < 1e-12)
        #expect(macroF1(truth: given.truth, predicted: given.predicted) == confusion.macroF1)
        #expect(confusion.accuracy == given.accuracy)
        let scores = matrix(given.scores, columns: 6)
        for (k, top) in zip([1, 2, 3, 5], given.top) {
            let found = topKAccuracy(truth: given.truth, scores: scores, k: k)
            #expect(abs(found - top) < 1e-12)
        }
    }

    @Test func aLabelOnlyPredictedPullsMacroF1Down() {
        #expect(macroF1(truth: [0, 0], predicted: [0, 1]) == 1.0 / 3)
        #expect(Confusion(truth: [0, 0], predicted: [0, 1], labels: [0]).macroF1 == 2.0 / 3)
        #expect(macroF1(truth: [], predicted: []).isNaN)
    }

    @Test func marginsAndRanksFollowTheScores() {
        let (classes, margins) = predictions(from: Matrix([[1, 4, 2], [3, 3, 1], [0, -1, -2]]))
        #expect(classes == [1, 0, 0])
        #expect(margins == [2, 0, 1])
        #expect(classRanks(truth: [2, 0, -1], scores: Matrix([[1, 4, 2], [3, 3, 1], [0, 0, 0]])) == [1, 1, 3])
        #expect(predictions(from: Matrix([[5]])).margins == [.infinity])
    }

    @Test func regressionScoresAreThoseOfScikitLearn() {
        let given = vectors.regression
        for column in 0..<3 {
            let truth = stride(from: column, to: 90, by: 3).map { given.truth[$0] }
            let predicted = stride(from: column, to: 90, by: 3).map { given.predicted[$0] }
            #expect(abs(rSquared(truth: truth, predicted: predicted) - given.r2[column]) < 1e-8)
            if column == 0 { #expect(abs(pearsonCorrelation(truth, predicted) - given.pearson) < 1e-7) }
        }
    }

    @Test func degenerateScoresAreDefined() {
        #expect(rSquared(truth: [2, 2], predicted: [2, 2]) == 1)
        #expect(rSquared(truth: [2, 2], predicted: [2, 3]) == 0)
        #expect(rSquared(truth: [2], predicted: [2]).isNaN)
        #expect(pearsonCorrelation([0.1, 0.1, 0.1], [1, 2, 3]).isNaN)
        #expect(abs(pearsonCorrelation([1, 2, 3], [-2, -4, -6]) + 1) < 1e-15)
        #expect(MeanAndDeviation([1, 3]) == MeanAndDeviation([3, 1]))
        #expect(MeanAndDeviation([1, 3]).deviation == 2.0.squareRoot())
        #expect(MeanAndDeviation([1, 3], lostDegrees: 0).deviation == 1)
        #expect(MeanAndDeviation([5]).deviation.isNaN)
        #expect(purity(clusters: [], labels: []).isNaN)
    }

    @Test func clusterScoresAreThoseOfScikitLearn() throws {
        let given = vectors.clusters
        let points = matrix(given.points, columns: 4)
        let score = try calinskiHarabaszScore(points, labels: given.labels)
        #expect(abs(score / given.calinski_harabasz - 1) < 1e-9)
        #expect(abs(purity(clusters: given.labels, labels: given.other) - given.purity) < 1e-12)
        #expect(throws: StatisticsError.self) {
            try calinskiHarabaszScore(points, labels: .init(repeating: 1, count: 50))
        }
        #expect(try calinskiHarabaszScore(Matrix([[0], [0], [1], [1]]), labels: [0, 0, 1, 1]) == 1)
    }

    @Test func clustersAreMatchedToLabelsOneToOne() {
        #expect(matchedAccuracy(clusters: [7, 7, 3, 3, 3], labels: [0, 0, 1, 1, 0]) == 0.8)
        // Two clusters of one label: only one of them counts.
        #expect(matchedAccuracy(clusters: [0, 0, 1, 1], labels: [5, 5, 5, 5]) == 0.5)
        #expect(purity(clusters: [0, 0, 1, 1], labels: [5, 5, 5, 5]) == 1)
    }

    @Test func assignmentIsTheBestOfAllPermutations() {
        let costs: [Double] = [4, 1, 3, 2, 2, 0, 5, 3, 3, 2, 2, 1, 6, 7, 1, 3]
        var best = Double.infinity
        func search(_ row: Int, _ taken: Set<Int>, _ sum: Double) {
            if row == 4 {
                best = min(best, sum)
                return
            }
            for column in 0..<4 where !taken.contains(column) {
                search(row + 1, taken.union([column]), sum + costs[row * 4 + column])
            }
        }
        search(0, [], 0)
        let found = leastCostAssignment(costs, size: 4)
        #expect(Set(found).count == 4)
        var cost = 0.0
        for (row, column) in found.enumerated() { cost += costs[row * 4 + column] }
        #expect(cost == best)
        #expect(leastCostAssignment([], size: 0).isEmpty)
    }

    @Test func foldsAreThoseOfScikitLearn() throws {
        #expect(try foldSplits(count: 11, folds: 4).map(\.test) == vectors.folds)
        let shuffled = try foldSplits(count: 11, folds: 4, shuffleSeed: 3)
        #expect(shuffled.flatMap(\.test).sorted() == Array(0..<11))
        #expect(shuffled.map(\.test.count) == [3, 3, 3, 2])
        #expect(shuffled.allSatisfy { ($0.train + $0.test).sorted() == Array(0..<11) })
        #expect(throws: StatisticsError.self) { try foldSplits(count: 3, folds: 4) }
        #expect(throws: StatisticsError.self) { try foldSplits(count: 3, folds: 1) }
    }

    @Test func standardisationIsThatOfScikitLearn() throws {
        let given = vectors.standardisation
        let points = matrix(given.points, columns: 4)
        let fitted = try Standardization(fitting: points)
        for column in 0..<4 {
            #expect(abs(fitted.means[column] - given.means[column]) <= 1e-7 * abs(given.means[column]))
            #expect(abs(fitted.scales[column] / given.scales[column] - 1) < 1e-6)
        }
        let constant = fitted.applied(to: points).column(3)
        #expect(constant.allSatisfy { abs($0) < 1e-6 })
        #expect(throws: StatisticsError.self) { try Standardization(fitting: Matrix(rows: 0, columns: 3)) }
        #expect(throws: StatisticsError.self) { try Standardization(fitting: Matrix([[1], [.nan]])) }
    }

    @Test func everyLabelIsDrawnAsOften() {
        let labels = [5, 5, 5, 9, 5, 5]
        let sample = stratifiedSample(labels: labels, perLabel: 4, replacement: true, seed: 1)
        #expect(sample.count == 8)
        #expect(sample.map { labels[$0] } == [5, 5, 5, 5, 9, 9, 9, 9])
        let distinct = stratifiedSample(labels: labels, perLabel: 4, replacement: false, seed: 1)
        #expect(distinct.count == 5 && Set(distinct).count == 5)
        #expect(
            stratifiedSample(labels: labels + [1], perLabel: 4, replacement: true, seed: 1).suffix(8) == sample[...])
    }
}
