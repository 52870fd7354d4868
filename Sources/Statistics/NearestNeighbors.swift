internal import NDArray

/// How far apart two points are.
public enum DistanceMetric: String, Sendable, CaseIterable {
    /// The length of the difference.
    case euclidean
    /// 1 − the cosine of the angle; 0 to 2. A row of zeros has no direction and lies at 0.5 from every other.
    case cosine
}

extension NeighborTable {
    /// How neighbours are found.
    public enum Search: String, Sendable, CaseIterable {
        /// Exactly up to 8,192 points, else by descent.
        case automatic
        /// By all distances.
        case exact
        /// By random projection trees and nearest-neighbour descent: nearly all neighbours are the true ones.
        case descent
    }

    /// Finds the nearest neighbours of every point among all others.
    ///
    /// - Parameters:
    ///   - points: `points × features`.
    ///   - neighbors: from 1 to one less than the points.
    ///   - seed: of the descent.
    /// - Throws: `tooFewPoints`, `badSetting`, `notFinite`.
    /// - Complexity: exact O(points² · features); descent about O(points^1.2 · features), with memory for the lists and, with the cosine,
    ///   for one copy of the points.
    ///
    /// **Reference**: Dasgupta and Freund 2008 (trees); Dong, Moses, Li 2011, DOI 10.1145/1963405.1963487 (descent).
    public static func nearest(
        to points: Matrix, neighbors: Int, metric: DistanceMetric = .euclidean, search: Search = .automatic,
        seed: UInt64 = 0, threads: Int = 1
    ) throws(StatisticsError) -> NeighborTable {
        guard neighbors >= 1 else {
            throw StatisticsError(.badSetting, "At least one neighbour has to be asked for, not \(neighbors).")
        }
        guard points.rows > neighbors else {
            throw StatisticsError(
                .tooFewPoints,
                "\(neighbors) neighbours of each point need \(neighbors + 1) points, and there are \(points.rows).")
        }
        try points.requireFinite("features")
        let prepared = metric == .cosine ? points.withUnitRows(threads: threads) : points
        var table = NeighborTable(points: points.rows, neighbors: neighbors)
        if search == .exact || (search == .automatic && points.rows <= 8192) {
            table.fillExactly(prepared, threads: threads)
        } else {
            table.fillFromForest(prepared, seed: seed, threads: threads)
            table.descend(prepared, seed: seed, threads: threads)
        }
        for index in table.distances.indices {
            let square = table.distances[index]
            table.distances[index] = metric == .cosine ? square / 2 : square.squareRoot()
        }
        return table
    }
}

extension Matrix {
    /// The rows scaled to length 1; a row of zeros stays.
    public func withUnitRows(threads: Int = 1) -> Matrix {
        var result = self
        let columns = columns
        guard rows > 0, columns > 0 else { return result }
        result.withUnsafeMutableElements { elements in
            let slices = DisjointSlices(elements)
            parallelBands(rows, band: 1024, threads: threads) { band in
                for row in band {
                    let start = slices.base + row * columns
                    // In double precision: squares of small numbers vanish in single.
                    var sum = 0.0
                    for column in 0..<columns { sum += Double(start[column]) * Double(start[column]) }
                    guard sum > 0 else { continue }
                    let scale = 1 / sum.squareRoot()
                    for column in 0..<columns { start[column] = Float(Double(start[column]) * scale) }
                }
            }
        }
        return result
    }
}
