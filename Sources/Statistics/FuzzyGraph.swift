internal import NDArray

/// A weighted, symmetric graph of how surely two points belong together: UMAP's fuzzy simplicial set.
///
/// Of each point the distances to its neighbours are measured from the nearest one on (every point is connected to it surely) and in
/// units that make the memberships of its neighbours add up to log₂ k; the two directions of a link are joined as a probabilistic
/// union, a + b − a b.
///
/// Made once, it serves embeddings of any dimension:
///
///     let graph = try FuzzyGraph(of: features, neighbors: 15, metric: .cosine, seed: 1, threads: 2)
///     let plane = try UMAP(of: graph, settings: UMAP.Settings(dimensions: 2))
///     let space = try UMAP(of: graph, settings: UMAP.Settings(dimensions: 3))
///
/// **Reference**: McInnes, Healy, Melville 2018, arXiv:1802.03426, sections 3.1 and 4.1; umap-learn 0.5.
public struct FuzzyGraph: Sendable {
    public let points: Int
    /// Where each point's links start in `others` and `weights`; one more than points.
    public let starts: [Int]
    /// The other end of each link, ascending within a point.
    public let others: [Int32]
    /// Membership strength of each link, in (0, 1].
    public let weights: [Float]
    /// The points themselves, for the places of parts of the graph that nothing connects.
    let source: Matrix
    let metric: DistanceMetric

    /// Finds neighbours and joins them to the graph.
    ///
    /// - Parameters:
    ///   - points: `points × features`.
    ///   - neighbors: size of the neighbourhood, the point itself counted as in umap-learn (15 there); at least 2.
    /// - Throws: what `NeighborTable.nearest` throws; `badSetting` for fewer than 2 neighbours.
    public init(
        of points: Matrix, neighbors: Int = 15, metric: DistanceMetric = .euclidean,
        search: NeighborTable.Search = .automatic, seed: UInt64 = 0, threads: Int = 1
    ) throws(StatisticsError) {
        guard neighbors >= 2 else {
            throw StatisticsError(
                .badSetting, "A neighbourhood counts the point itself: it needs at least 2, not \(neighbors).")
        }
        let table = try NeighborTable.nearest(
            to: points, neighbors: neighbors - 1, metric: metric, search: search, seed: seed, threads: threads)
        self.init(joining: table, of: points, metric: metric, threads: threads)
    }

    /// The graph of a table of neighbours that is known already.
    public init(joining table: NeighborTable, of points: Matrix, metric: DistanceMetric, threads: Int = 1) {
        precondition(table.points == points.rows, "A table of \(table.points) points for \(points.rows).")
        let memberships = table.memberships(threads: threads)
        let count = table.points
        let neighbors = table.neighbors
        // The links by their far end, near ends ascending.
        var reverseStarts = [Int](repeating: 0, count: count + 1)
        for other in table.indices { reverseStarts[Int(other) + 1] += 1 }
        for point in 0..<count { reverseStarts[point + 1] += reverseStarts[point] }
        var filled = reverseStarts
        var reverseOthers = [Int32](repeating: 0, count: table.indices.count)
        var reverseWeights = [Float](repeating: 0, count: table.indices.count)
        for point in 0..<count {
            for place in point * neighbors..<(point + 1) * neighbors {
                let other = Int(table.indices[place])
                reverseOthers[filled[other]] = Int32(point)
                reverseWeights[filled[other]] = memberships[place]
                filled[other] += 1
            }
        }
        var starts = [0]
        starts.reserveCapacity(count + 1)
        var others: [Int32] = []
        var weights: [Float] = []
        others.reserveCapacity(2 * table.indices.count)
        weights.reserveCapacity(2 * table.indices.count)
        for point in 0..<count {
            let own = (point * neighbors..<(point + 1) * neighbors)
                .map { (table.indices[$0], memberships[$0]) }.sorted { $0.0 < $1.0 }
            var first = 0
            var second = reverseStarts[point]
            let end = reverseStarts[point + 1]
            while first < own.count || second < end {
                let forward = first < own.count ? own[first].0 : Int32.max
                let backward = second < end ? reverseOthers[second] : Int32.max
                var weight: Float = 0
                if forward <= backward {
                    weight = own[first].1
                    first += 1
                }
                if backward <= forward {
                    weight = weight + reverseWeights[second] - weight * reverseWeights[second]
                    second += 1
                }
                if weight > 0 {
                    others.append(min(forward, backward))
                    weights.append(weight)
                }
            }
            starts.append(others.count)
        }
        self.points = count
        self.starts = starts
        self.others = others
        self.weights = weights
        source = points
        self.metric = metric
    }
}

extension NeighborTable {
    /// exp(−(d − ρ) / σ) of every neighbour: ρ the distance to the nearest that does not coincide, σ such that a point's memberships
    /// add up to log₂ of the size of its neighbourhood (itself included).
    func memberships(threads: Int) -> [Float] {
        let target = Math.log(Double(neighbors + 1)) / Math.log(2)
        // Means that count the point itself, at distance 0, as umap-learn's do.
        let whole = Double(points * (neighbors + 1))
        let meanDistance = distances.reduce(0.0) { $0 + Double($1) } / max(whole, 1)
        var memberships = [Float](repeating: 0, count: distances.count)
        guard !memberships.isEmpty else { return [] }
        memberships.withUnsafeMutableBufferPointer { buffer in
            let slices = DisjointSlices(buffer)
            parallelBands(points, band: 1024, threads: threads) { band in
                for point in band {
                    let own = distances[point * neighbors..<(point + 1) * neighbors].map(Double.init)
                    let nearest = own.first { $0 > 0 } ?? 0
                    var scale = bandwidth(own.map { max(0, $0 - nearest) }, target: target)
                    // MIN_K_DIST_SCALE: no neighbourhood is much smaller than its mean distance.
                    let mean = own.reduce(0, +) / Double(neighbors + 1)
                    scale = max(scale, 1e-3 * (nearest > 0 ? mean : meanDistance))
                    for (place, distance) in own.enumerated() {
                        let over = distance - nearest
                        slices[point * neighbors + place] =
                            over <= 0 || scale == 0 ? 1 : Float(Math.exp(-over / scale))
                    }
                }
            }
        }
        return memberships
    }
}

/// σ with Σ exp(−over / σ) = target, by bisection (64 steps, to 10⁻⁵).
private func bandwidth(_ over: [Double], target: Double) -> Double {
    var low = 0.0
    var high = Double.infinity
    var middle = 1.0
    for _ in 0..<64 {
        let sum = over.reduce(0) { $0 + ($1 > 0 ? Math.exp(-$1 / middle) : 1) }
        if abs(sum - target) < 1e-5 { break }
        if sum > target {
            high = middle
            middle = (low + high) / 2
        } else {
            low = middle
            middle = high.isInfinite ? middle * 2 : (low + high) / 2
        }
    }
    return middle
}
