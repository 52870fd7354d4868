/// How often each label was predicted as each other, and the scores that follow from it.
///
/// Labels are those that occur in the truth or in the prediction, ascending. Undefined ratios are 0 (scikit-learn's
/// `zero_division=0`): a label that is never predicted has precision 0, one that is never true recall 0.
///
///     let confusion = Confusion(truth: [0, 0, 1, 2], predicted: [0, 1, 1, 1])
///     confusion.macroF1       // (2/3 + 1/2 + 0) / 3
///
/// **Reference**: `f1_score(average="macro")`, `accuracy_score`, `confusion_matrix` of scikit-learn 1.9.
public struct Confusion: Sendable, Equatable {
    /// The labels of rows and columns, ascending.
    public let labels: [Int]
    /// `labels × labels` counts, row-major: row true, column predicted.
    public let counts: [Int]

    /// Counts the pairs of a true and a predicted label.
    ///
    /// - Parameter labels: rows and columns to have; pairs with another label are not counted, as in scikit-learn's
    ///   `labels=`. Left out: all that occur.
    public init(truth: [Int], predicted: [Int], labels: [Int]? = nil) {
        precondition(truth.count == predicted.count, "\(truth.count) labels and \(predicted.count) predictions.")
        let all = labels ?? Set(truth).union(predicted).sorted()
        var place: [Int: Int] = [:]
        for (index, label) in all.enumerated() { place[label] = index }
        precondition(place.count == all.count, "A label is listed twice.")
        var counts = [Int](repeating: 0, count: all.count * all.count)
        for (true_, guess) in zip(truth, predicted) {
            if let row = place[true_], let column = place[guess] { counts[row * all.count + column] += 1 }
        }
        self.labels = all
        self.counts = counts
        truePositives = all.indices.map { counts[$0 * all.count + $0] }
        // Marginals over all pairs, those with an unlisted partner included.
        var truths = [Int](repeating: 0, count: all.count)
        var guesses = truths
        for label in truth { if let row = place[label] { truths[row] += 1 } }
        for label in predicted { if let column = place[label] { guesses[column] += 1 } }
        trueCounts = truths
        predictedCounts = guesses
        pairs = truth.count
        hits = zip(truth, predicted).reduce(0) { $0 + ($1.0 == $1.1 ? 1 : 0) }
    }

    private let truePositives: [Int]
    private let pairs: Int
    private let hits: Int
    /// How often each label is true (the support).
    public let trueCounts: [Int]
    /// How often each label was predicted.
    public let predictedCounts: [Int]

    /// The part of all pairs whose prediction is true; NaN of no pairs.
    public var accuracy: Double { pairs > 0 ? Double(hits) / Double(pairs) : .nan }

    /// True positives over predictions, by label.
    public var precisions: [Double] { labels.indices.map { ratio(truePositives[$0], predictedCounts[$0]) } }

    /// True positives over occurrences, by label.
    public var recalls: [Double] { labels.indices.map { ratio(truePositives[$0], trueCounts[$0]) } }

    /// F1 = 2 TP / (2 TP + FP + FN), by label.
    public var f1Scores: [Double] {
        labels.indices.map { ratio(2 * truePositives[$0], trueCounts[$0] + predictedCounts[$0]) }
    }

    /// The plain mean of F1 over the labels; NaN of no labels.
    public var macroF1: Double {
        labels.isEmpty ? .nan : f1Scores.reduce(0, +) / Double(labels.count)
    }

    private func ratio(_ part: Int, _ whole: Int) -> Double { whole > 0 ? Double(part) / Double(whole) : 0 }
}

/// The mean of F1 over the labels that occur in truth or prediction; see `Confusion`.
public func macroF1(truth: [Int], predicted: [Int]) -> Double {
    Confusion(truth: truth, predicted: predicted).macroF1
}

/// The part of the predictions that are true; NaN of none.
public func accuracy(truth: [Int], predicted: [Int]) -> Double {
    precondition(truth.count == predicted.count, "\(truth.count) labels and \(predicted.count) predictions.")
    guard !truth.isEmpty else { return .nan }
    return Double(zip(truth, predicted).reduce(0) { $0 + ($1.0 == $1.1 ? 1 : 0) }) / Double(truth.count)
}
