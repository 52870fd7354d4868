/// The rank of the true class among the scores of each row, 0 the highest score.
///
/// Of equal scores the class of the higher index counts as better, as in scikit-learn's `top_k_accuracy_score`.
///
/// - Parameters:
///   - truth: the true class's column in each row; -1 where the truth is none of the columns.
///   - scores: `points × classes` logits or probabilities, without NaN.
/// - Returns: ranks in `0 ..< classes`, and `classes` where the truth is -1.
public func classRanks(truth: [Int], scores: Matrix) -> [Int] {
    precondition(truth.count == scores.rows, "\(truth.count) labels for \(scores.rows) rows of scores.")
    return scores.withUnsafeElements { elements in
        truth.enumerated().map { row, label in
            guard label >= 0 else { return scores.columns }
            precondition(label < scores.columns, "Class \(label) of \(scores.columns) has no column.")
            let start = row * scores.columns
            let own = elements[start + label]
            var rank = 0
            for other in 0..<scores.columns {
                let score = elements[start + other]
                if score > own || (score == own && other > label) { rank += 1 }
            }
            return rank
        }
    }
}

/// The part of the rows whose true class is among the `k` highest scores; NaN of no rows.
///
/// **Reference**: `top_k_accuracy_score` of scikit-learn 1.9.
public func topKAccuracy(truth: [Int], scores: Matrix, k: Int) -> Double {
    precondition(k >= 1, "The top \(k) classes are none.")
    guard !truth.isEmpty else { return .nan }
    return Double(classRanks(truth: truth, scores: scores).count { $0 < min(k, scores.columns) }) / Double(truth.count)
}

/// The column of the highest score of each row (the first of equals) and its lead over the second.
///
/// - Returns: the class, and the margin `highest - second highest` (≥ 0; infinite of a single class).
public func predictions(from scores: Matrix) -> (classes: [Int], margins: [Float]) {
    precondition(scores.columns > 0 || scores.rows == 0, "Rows without scores predict no class.")
    var classes: [Int] = []
    var margins: [Float] = []
    classes.reserveCapacity(scores.rows)
    margins.reserveCapacity(scores.rows)
    scores.withUnsafeElements { elements in
        for row in 0..<scores.rows {
            var best = 0
            var first = elements[row * scores.columns]
            var second = -Float.infinity
            for column in 1..<max(scores.columns, 1) {
                let score = elements[row * scores.columns + column]
                if score > first {
                    second = first
                    first = score
                    best = column
                } else if score > second {
                    second = score
                }
            }
            classes.append(best)
            margins.append(first - second)
        }
    }
    return (classes, margins)
}
