/// Otsu's threshold of a histogram: the level that parts it into two classes whose means lie furthest apart, weighted
/// by the classes' sizes. Levels up to and including it are the darker class.
///
/// - Parameters:
///   - counts: how often each level occurs.
///   - levels: the levels that are looked at; all of them where nil. A second call on the levels above a first
///     threshold parts the brighter class again.
/// - Returns: the level, or the only level that occurs where there is just one; nil where the histogram is empty.
///
/// Reference: N. Otsu, IEEE Trans. Syst. Man Cybern. 9, 62 (1979), doi:10.1109/TSMC.1979.4310076;
/// `skimage.filters.threshold_otsu` with `hist=(counts, levels)` gives the same level (the first of several equal
/// ones).
public func otsuThreshold(_ counts: [Int], levels: Range<Int>? = nil) -> Int? {
    let range = levels ?? counts.indices
    precondition(
        range.lowerBound >= 0 && range.upperBound <= counts.count,
        "The levels \(range) do not all lie in a histogram of \(counts.count).")
    var total = 0.0
    var moment = 0.0
    var occurring: [Int] = []
    for level in range where counts[level] > 0 {
        total += Double(counts[level])
        moment += Double(counts[level]) * Double(level)
        if occurring.count < 2 { occurring.append(level) }
    }
    guard let first = occurring.first else { return nil }
    guard occurring.count > 1 else { return first }
    var below = 0.0
    var belowMoment = 0.0
    var best = first
    var bestVariance = -1.0
    for level in range.dropLast() {
        below += Double(counts[level])
        belowMoment += Double(counts[level]) * Double(level)
        let above = total - below
        guard below > 0, above > 0 else { continue }
        let difference = belowMoment / below - (moment - belowMoment) / above
        let variance = below * above * difference * difference
        // A gap of empty levels gives the same variance all along; rounding must not choose among them.
        if counts[level] > 0, variance > bestVariance {
            bestVariance = variance
            best = level
        }
    }
    return best
}
