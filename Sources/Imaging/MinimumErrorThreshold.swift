import NDArray

/// The level that parts a histogram into two normal distributions with the least error; classes may be of very unequal size.
///
/// Otsu's threshold takes both classes to be equally spread and pulls towards the middle of the larger one: white matter that is a
/// twentieth of the tissue is lost to it. Here each class counts with its own spread and share.
///
/// - Parameters:
///   - counts: how often each level occurs; smoothed by a triangle of five levels first.
///   - levels: the levels that count.
///   - leastShare: each class holds at least this share.
/// - Returns: the last level of the lower class; nil where no level parts two such classes of some spread.
/// - Complexity: O(levels).
///
/// **Reference**: J. Kittler, J. Illingworth, Pattern Recognit. 19, 41 (1986), doi:10.1016/0031-3203(86)90030-0, Eq. 15.
public func minimumErrorThreshold(_ counts: [Int], levels: Range<Int>, leastShare: Double = 0.01) -> Int? {
    precondition(levels.lowerBound >= 0 && levels.upperBound <= counts.count, "Levels \(levels) of \(counts.count).")
    let weights = levels.map { level in
        zip(-2...2, [1.0, 2, 3, 2, 1]).reduce(0.0) { sum, pair in
            let at = level + pair.0
            return levels.contains(at) ? sum + pair.1 * Double(counts[at]) : sum
        }
    }
    let total = weights.reduce(0, +)
    guard total > 0 else { return nil }
    // Moments of the lower class, level by level; of the upper class by difference.
    var (mass, first, second) = (0.0, 0.0, 0.0)
    let all = weights.indices.reduce((0.0, 0.0)) { sum, index in
        let x = Double(index)
        return (sum.0 + weights[index] * x, sum.1 + weights[index] * x * x)
    }
    var best: (error: Double, index: Int)?
    for index in weights.indices.dropLast() {
        let x = Double(index)
        mass += weights[index]
        first += weights[index] * x
        second += weights[index] * x * x
        let (low, high) = (mass / total, 1 - mass / total)
        guard low >= leastShare, high >= leastShare else { continue }
        let upperMass = total - mass
        let lowVariance = second / mass - (first / mass) * (first / mass)
        let upperMean = (all.0 - first) / upperMass
        let highVariance = (all.1 - second) / upperMass - upperMean * upperMean
        // A class of one level has no spread to speak of; the triangle alone has a variance of 4/3.
        guard lowVariance > 1.4, highVariance > 1.4 else { continue }
        let error =
            low * Math.log(lowVariance) + high * Math.log(highVariance) - 2
            * (low * Math.log(low) + high * Math.log(high))
        if error < best?.error ?? .infinity { best = (error, index) }
    }
    return best.map { levels.lowerBound + $0.index }
}
