internal import NDArray

/// One division of points into those to fit on and those to test on.
public struct FoldSplit: Sendable, Equatable {
    /// Indices to fit on, ascending.
    public var train: [Int]
    /// Indices to test on, ascending.
    public var test: [Int]
}

/// Divides points into folds that each serve as test set once.
///
/// Folds differ in size by one at most, the larger first. Without a seed they are consecutive stretches, as of scikit-learn's
/// `KFold`; with one, the points are shuffled first.
///
///     try foldSplits(count: 5, folds: 2).map(\.test)      // [[0, 1, 2], [3, 4]]
///
/// - Throws: `badSetting` for fewer than two folds, `tooFewPoints` for fewer points than folds.
/// **Differs**: a seed gives another permutation than NumPy's generator.
public func foldSplits(count: Int, folds: Int, shuffleSeed: UInt64? = nil) throws(StatisticsError) -> [FoldSplit] {
    guard folds >= 2 else {
        throw StatisticsError(.badSetting, "Cross-validation needs at least 2 folds, not \(folds).")
    }
    guard count >= folds else {
        throw StatisticsError(.tooFewPoints, "\(count) points cannot be divided into \(folds) folds: take fewer folds.")
    }
    var order = Array(0..<count)
    if let shuffleSeed {
        var generator = SeededGenerator(seed: shuffleSeed, stream: "folds")
        order.shuffle(using: &generator)
    }
    var splits: [FoldSplit] = []
    var start = 0
    for fold in 0..<folds {
        let size = count / folds + (fold < count % folds ? 1 : 0)
        var tested = [Bool](repeating: false, count: count)
        for place in start..<start + size { tested[order[place]] = true }
        splits.append(
            FoldSplit(train: (0..<count).filter { !tested[$0] }, test: (0..<count).filter { tested[$0] }))
        start += size
    }
    return splits
}
