import Testing

@testable import ScoreTables

@Suite struct ClassScoresTests {
    /// The example of scikit-learn's documentation of f1_score: 0.8, 0, 0, so 0.26…
    @Test func macroF1IsScikitLearns() {
        let scores = ClassScores(truth: [0, 1, 2, 0, 1, 2], predicted: [0, 2, 1, 0, 0, 1])
        #expect(scores.f1(of: 0) == 0.8 && scores.f1(of: 1) == 0 && scores.f1(of: 2) == 0)
        #expect(abs(scores.macroF1 - 0.8 / 3) < 1e-15)
        #expect(scores.accuracy == 2.0 / 6)
    }

    @Test func classesThatAreOnlyPredictedCountAsZero() {
        // f1_score([0, 0], [0, 7], average="macro") = (2/3 + 0) / 2
        let scores = ClassScores(truth: [0, 0], predicted: [0, 7])
        #expect(scores.classes == [0, 7])
        #expect(abs(scores.macroF1 - 1.0 / 3) < 1e-15)
        #expect(scores.f1(of: 3).isNaN)
    }

    @Test func nothingCountedIsUndefined() {
        #expect(ClassScores().macroF1.isNaN && ClassScores().accuracy.isNaN)
    }

    @Test func everythingRightIsOne() {
        let scores = ClassScores(truth: [3, 4, 4], predicted: [3, 4, 4])
        #expect(scores.macroF1 == 1 && scores.accuracy == 1)
    }

    /// top_k_accuracy_score([0, 1, 2, 2], [[.5, .2, .2], [.3, .4, .2], [.2, .4, .3], [.7, .2, .1]], k=2) = 0.75
    @Test func ranksGiveScikitLearnsTopK() {
        let scores: [[Float]] = [[0.5, 0.2, 0.2], [0.3, 0.4, 0.2], [0.2, 0.4, 0.3], [0.7, 0.2, 0.1]]
        let ranks = zip([0, 1, 2, 2], scores).map { rank(of: $0, in: $1) }
        #expect(ranks == [0, 0, 1, 2])
        // Of equal scores the later class comes first.
        #expect(rank(of: 0, in: [1, 1] as [Float]) == 1 && rank(of: 1, in: [1, 1] as [Float]) == 0)
        #expect(rank(of: nil, in: [1, 1] as [Float]) == 2)
    }

    @Test func marginIsTheStepFromTheFirstToTheSecond() {
        #expect(margin(of: [1, 4, 2.5] as [Float]) == 1.5)
        #expect(margin(of: [4, 4, 1] as [Float]) == 0)
        #expect(margin(of: [4] as [Float]).isNaN)
    }
}
