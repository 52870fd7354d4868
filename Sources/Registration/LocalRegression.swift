/// A smooth curve through scattered points: local linear regression with robust weights (LOWESS).
///
/// At each place a line is fitted to the nearest share of the points with tricube weights; then the points are weighted down by how far they
/// lie from the curve (bisquare, six times the median distance) and the fit is repeated three times.
///
/// - Parameters:
///   - x: places of the points, ascending.
///   - y: their values.
///   - weights: how much each point counts.
///   - span: share of the points in one fit, 0 … 1; at least three take part.
///   - places: where the curve is wanted; beyond the points it keeps the value at the last.
/// - Returns: one value a place; empty where there are no points.
/// - Complexity: O(points · (points + places)).
///
/// Reference: W. S. Cleveland, "Robust locally weighted regression and smoothing scatterplots", 1979.
public func locallyRegressed(
    x: [Double], y: [Double], weights: [Double], span: Double, at places: [Double]
) -> [Double] {
    precondition(x.count == y.count && x.count == weights.count, "Every point needs a place, a value, and a weight.")
    guard let first = x.first, let last = x.last else { return [] }
    let neighbours = min(max(Int((span * Double(x.count)).rounded(.up)), 3), x.count)
    var robustness = weights
    for _ in 0..<3 {
        let off = zip(y, x.map { localLine(x, y, robustness, neighbours, at: $0) }).map { abs($0 - $1) }
        let sorted = off.sorted()
        let limit = 6 * sorted[sorted.count / 2]
        guard limit > 0 else { break }
        robustness = zip(off, weights).map { distance, weight in
            let share = min(distance / limit, 1)
            return weight * (1 - share * share) * (1 - share * share)
        }
    }
    return places.map { localLine(x, y, robustness, neighbours, at: min(max($0, first), last)) }
}

/// The value at a place of the line through the nearest points.
private func localLine(
    _ x: [Double], _ y: [Double], _ robustness: [Double], _ neighbours: Int, at place: Double
) -> Double {
    // The window of the nearest points slides over the ascending places.
    var start = 0
    while start + neighbours < x.count, x[start + neighbours] - place < place - x[start] { start += 1 }
    let window = start..<start + neighbours
    // A little wider than its farthest point, which would not count otherwise.
    let reach = 1.001 * max(place - x[window.lowerBound], x[window.upperBound - 1] - place)
    var (sum, sumX, sumY) = (0.0, 0.0, 0.0)
    var weights: [Double] = []
    for index in window {
        let share = reach > 0 ? abs(x[index] - place) / reach : 0
        let tricube = 1 - share * share * share
        let weight = tricube * tricube * tricube * robustness[index]
        weights.append(weight)
        sum += weight
        sumX += weight * (x[index] - place)
        sumY += weight * y[index]
    }
    guard sum > 0 else {
        // All are outliers: the plain median of the window.
        return y[window].sorted()[neighbours / 2]
    }
    let (meanX, meanY) = (sumX / sum, sumY / sum)
    var (spread, slope) = (0.0, 0.0)
    for (index, weight) in zip(window, weights) {
        let off = x[index] - place - meanX
        spread += weight * off * off
        slope += weight * off * (y[index] - meanY)
    }
    return spread > 1e-12 * sum * reach * reach && spread > 0 ? meanY - slope / spread * meanX : meanY
}
