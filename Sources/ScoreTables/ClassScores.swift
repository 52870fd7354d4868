/// How well classes were told apart, counted as predictions come in.
///
/// Definitions are scikit-learn's: a class's F1 is 2 TP / (2 TP + FP + FN); the macro-F1 is its mean over the classes that occur
/// among the true or the predicted ones (`f1_score(average="macro")`).
public struct ClassScores: Sendable, Equatable {
    /// The classes that have been seen, in ascending order.
    public var classes: [Int] { Set(truePositives.keys).union(falsePositives.keys).union(falseNegatives.keys).sorted() }
    private var truePositives: [Int: Int] = [:]
    private var falsePositives: [Int: Int] = [:]
    private var falseNegatives: [Int: Int] = [:]
    /// How many predictions were counted.
    public private(set) var count = 0

    public init() {}

    /// - Parameters:
    ///   - truth: classes.
    ///   - predicted: as many.
    public init(truth: [Int], predicted: [Int]) {
        precondition(truth.count == predicted.count, "\(predicted.count) predictions for \(truth.count) samples.")
        for (truth, predicted) in zip(truth, predicted) { add(truth: truth, predicted: predicted) }
    }

    /// Counts one prediction.
    public mutating func add(truth: Int, predicted: Int) {
        count += 1
        if truth == predicted {
            truePositives[truth, default: 0] += 1
        } else {
            falseNegatives[truth, default: 0] += 1
            falsePositives[predicted, default: 0] += 1
        }
    }

    /// A class's F1; NaN for one that was neither true nor predicted.
    public func f1(of label: Int) -> Double {
        let hits = 2 * truePositives[label, default: 0]
        let all = hits + falsePositives[label, default: 0] + falseNegatives[label, default: 0]
        return all == 0 ? .nan : Double(hits) / Double(all)
    }

    /// The mean of the classes' F1; NaN where nothing was counted.
    public var macroF1: Double {
        let classes = classes
        return classes.isEmpty ? .nan : classes.reduce(0) { $0 + f1(of: $1) } / Double(classes.count)
    }

    /// The share of right predictions; NaN where nothing was counted.
    public var accuracy: Double {
        count == 0 ? .nan : Double(truePositives.values.reduce(0, +)) / Double(count)
    }
}

/// The 0-based place of a class among all when scores fall: 0 where it is the highest.
///
/// Of equal scores the later class comes first, as in scikit-learn's `top_k_accuracy_score`: a rank below k is a hit of the top k.
///
/// - Parameter index: of the class in `scores`; nil for a class that was not among those that could be predicted, which comes last.
public func rank(of index: Int?, in scores: some RandomAccessCollection<Float>) -> Int {
    guard let index else { return scores.count }
    let value = scores[scores.index(scores.startIndex, offsetBy: index)]
    return scores.enumerated().count { $0.element > value || ($0.element == value && $0.offset > index) }
}

/// The highest score less the second: how sure a classifier is. 0 for ties; NaN with fewer than two scores.
public func margin(of scores: some Collection<Float>) -> Float {
    var first = -Float.infinity
    var second = -Float.infinity
    for score in scores {
        if score > first { (first, second) = (score, first) } else if score > second { second = score }
    }
    return scores.count < 2 ? .nan : first - second
}
