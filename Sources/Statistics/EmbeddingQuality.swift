internal import NDArray

/// How well an embedding keeps neighbourhoods.
public struct EmbeddingQuality: Sendable, Equatable {
    /// 1 where no point's neighbours in the embedding are strangers in feature space; about 0.5 of a random embedding.
    public let trustworthiness: Double
    /// The part of the neighbours in feature space that are neighbours in the embedding too.
    public let neighborPreservation: Double

    /// Compares the `neighbors` nearest of every point on both sides, by Euclidean distances.
    ///
    /// - Parameters:
    ///   - points: `points × features`.
    ///   - embedding: `points × dimensions`.
    ///   - neighbors: fewer than half of the points.
    /// - Throws: `tooFewPoints`, `notFinite`.
    /// - Complexity: O(points² · (features + log points)); draw a sample of many points.
    ///
    /// **Reference**: Venna and Kaski 2001, DOI 10.1007/3-540-44668-0_68; `trustworthiness` of scikit-learn 1.9.
    public init(of embedding: Matrix, from points: Matrix, neighbors: Int, threads: Int = 1) throws(StatisticsError) {
        precondition(embedding.rows == points.rows, "\(embedding.rows) places for \(points.rows) points.")
        guard neighbors >= 1, 2 * neighbors < points.rows else {
            throw StatisticsError(
                .tooFewPoints,
                "\(neighbors) neighbours are to be fewer than half of the points, which are \(points.rows).")
        }
        try points.requireFinite("features")
        let near = try NeighborTable.nearest(to: embedding, neighbors: neighbors, search: .exact, threads: threads)
        let count = points.rows
        let columns = points.columns
        var penalties = [Int](repeating: 0, count: count)
        var kept = [Int](repeating: 0, count: count)
        penalties.withUnsafeMutableBufferPointer { penalties in
            kept.withUnsafeMutableBufferPointer { kept in
                let penalties = DisjointSlices(penalties)
                let kept = DisjointSlices(kept)
                points.withUnsafeElements { elements in
                    // Read only.
                    nonisolated(unsafe) let base = elements.baseAddress
                    parallelBands(count, band: 16, threads: threads) { rows in
                        guard let base else { return }
                        for row in rows {
                            let distances = (0..<count).map {
                                squaredDistance(base + row * columns, base + $0 * columns, columns)
                            }
                            for other in near.neighbors(of: row).map(Int.init) {
                                let own = distances[other]
                                // Rank 1 is the nearest; of equals the lower index comes first.
                                var rank = 1
                                for third in 0..<count where third != row {
                                    if distances[third] < own || (distances[third] == own && third < other) {
                                        rank += 1
                                    }
                                }
                                if rank > neighbors { penalties[row] += rank - neighbors } else { kept[row] += 1 }
                            }
                        }
                    }
                }
            }
        }
        let n = Double(count)
        let k = Double(neighbors)
        trustworthiness = 1 - Double(penalties.reduce(0, +)) * 2 / (n * k * (2 * n - 3 * k - 1))
        neighborPreservation = Double(kept.reduce(0, +)) / (n * k)
    }
}
