public import NDArray

/// How RANSAC seeks a rigid transform.
public struct ConsensusSettings: Sendable, Equatable {
    /// A match is an inlier if its points come to lie at most so far apart.
    public var tolerance: Double
    /// Wanted probability that at least one sample holds inliers only.
    public var confidence: Double
    public var maximumIterations: Int

    public init(tolerance: Double, confidence: Double = 0.999, maximumIterations: Int = 20_000) {
        precondition(tolerance > 0, "The tolerance must be positive: \(tolerance).")
        precondition(confidence > 0 && confidence < 1, "The confidence must lie between 0 and 1: \(confidence).")
        precondition(maximumIterations > 0, "RANSAC needs at least one iteration.")
        self.tolerance = tolerance
        self.confidence = confidence
        self.maximumIterations = maximumIterations
    }
}

/// A transform that many matches agree on.
public struct RigidConsensus: Sendable, Equatable {
    public var transform: RigidTransform
    /// Indices of the matches that agree, ascending.
    public var inliers: [Int]
    /// Root mean square distance of the inliers' points, in their unit.
    public var residual: Double
    /// Samples that were drawn.
    public var iterations: Int
}

/// The rigid transform that most matches agree on: RANSAC on pairs of matches, then least squares on the inliers, until they stay.
///
/// Two matches fix a rotation and a shift; a pair whose distance differs between the sections by more than two tolerances cannot both
/// be right and costs nothing more. The number of samples adapts to the share of inliers seen so far.
///
/// - Parameters:
///   - moving, fixed: the matches' points, partners by index.
///   - isMirrored: whether a mirrored transform is sought.
///   - generator: decides the samples.
/// - Returns: nil where no two matches agree.
///
/// **Reference**: M. Fischler, R. Bolles, CACM 24, 381 (1981), doi:10.1145/358669.358692. Samples are scored by the truncated
/// squared distance (MSAC: P. Torr, A. Zisserman, CVIU 78, 138 (2000)) and refitted when they lead (O. Chum et al., DAGM 2003).
public func rigidConsensus(
    _ moving: [PlanarPoint], _ fixed: [PlanarPoint], isMirrored: Bool = false, settings: ConsensusSettings,
    generator: inout SeededGenerator
) -> RigidConsensus? {
    precondition(moving.count == fixed.count, "Partners must match: \(moving.count) against \(fixed.count) points.")
    let count = moving.count
    guard count >= 2 else { return nil }
    let tolerance = settings.tolerance
    var bestCost = Double.infinity
    var best: (transform: RigidTransform, inliers: [Int])?
    var needed = settings.maximumIterations
    var iteration = 0
    while iteration < min(needed, settings.maximumIterations) {
        iteration += 1
        let first = generator.index(below: count)
        var second = generator.index(below: count - 1)
        if second >= first { second += 1 }
        let length = moving[first].distance(to: moving[second])
        // A short base gives a poor angle; one that changed its length is not rigid.
        guard length > 4 * tolerance,
            abs(length - fixed[first].distance(to: fixed[second])) <= 2 * tolerance,
            let sample = rigidFit(
                [moving[first], moving[second]], [fixed[first], fixed[second]], isMirrored: isMirrored)
        else { continue }
        let cost = truncatedCost(sample, moving, fixed, tolerance: tolerance, limit: bestCost)
        guard cost < bestCost else { continue }
        bestCost = cost
        var leader = (transform: sample, inliers: agreeing(sample, moving, fixed, tolerance: tolerance))
        // Local optimisation: a fit to all inliers usually finds more of them.
        for _ in 0..<8 {
            guard
                let refit = rigidFit(
                    leader.inliers.map { moving[$0] }, leader.inliers.map { fixed[$0] }, isMirrored: isMirrored)
            else { break }
            let refitCost = truncatedCost(refit, moving, fixed, tolerance: tolerance, limit: bestCost)
            guard refitCost < bestCost else { break }
            bestCost = refitCost
            leader = (refit, agreeing(refit, moving, fixed, tolerance: tolerance))
        }
        best = leader
        let share = Double(leader.inliers.count) / Double(count)
        let failing = 1 - share * share
        needed =
            failing <= 0 ? iteration : Int((Math.log(1 - settings.confidence) / Math.log(failing)).rounded(.up))
    }
    guard let best, best.inliers.count >= 2 else { return nil }
    let squares = best.inliers.reduce(0.0) { sum, index in
        let distance = best.transform(moving[index]).distance(to: fixed[index])
        return sum + distance * distance
    }
    return RigidConsensus(
        transform: best.transform, inliers: best.inliers,
        residual: (squares / Double(best.inliers.count)).squareRoot(), iterations: iteration)
}

/// Sum of squared distances, each at most the squared tolerance; stops early once above `limit`.
private func truncatedCost(
    _ transform: RigidTransform, _ moving: [PlanarPoint], _ fixed: [PlanarPoint], tolerance: Double, limit: Double
) -> Double {
    let matrix = transform.matrix
    let most = tolerance * tolerance
    var cost = 0.0
    for index in moving.indices {
        let point = moving[index]
        let row = matrix[0] * point.row + matrix[1] * point.column + matrix[2] - fixed[index].row
        let column = matrix[3] * point.row + matrix[4] * point.column + matrix[5] - fixed[index].column
        cost += min(row * row + column * column, most)
        if cost >= limit { return cost }
    }
    return cost
}

private func agreeing(
    _ transform: RigidTransform, _ moving: [PlanarPoint], _ fixed: [PlanarPoint], tolerance: Double
) -> [Int] {
    moving.indices.filter { transform(moving[$0]).distance(to: fixed[$0]) <= tolerance }
}
