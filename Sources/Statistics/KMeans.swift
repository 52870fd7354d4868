internal import NDArray

/// k-means clustering: centres that minimise the sum of squared distances of the points to the nearest (Lloyd's iteration).
///
///     let found = try KMeans(of: features, clusters: 6, runs: 10, seed: 1)
///     found.labels                        // each point's cluster
///
/// Starts by k-means++ (greedy, with scikit-learn's number of trials); a cluster that loses all its points is moved to the point
/// farthest from its centre. The result does not depend on the number of threads.
///
/// **Reference**: Lloyd 1982, DOI 10.1109/TIT.1982.1056489; Arthur and Vassilvitskii 2007; `KMeans` of scikit-learn 1.9.
/// **Differs**: no centred copy of the points is made; of fewer distinct points than clusters, the clusters in excess stay empty at a
/// centre of their own and have no points.
public struct KMeans: Sendable, Equatable {
    /// `clusters × features`.
    public let centers: Matrix
    /// The nearest centre of each point, the first of equals.
    public let labels: [Int]
    /// The sum of squared distances to the nearest centre.
    public let inertia: Double
    /// Iterations of the best run.
    public let iterations: Int

    /// The best of several runs, each from its own k-means++ start.
    ///
    /// - Parameters:
    ///   - points: `points × features`.
    ///   - clusters: from 1 to the number of points.
    ///   - tolerance: stops when the centres' squared shifts add up to less than this times the mean variance of the features.
    /// - Throws: `tooFewPoints` for fewer points than clusters, `badSetting`, `notFinite`.
    /// - Complexity: O(points · clusters · features) an iteration.
    public init(
        of points: Matrix, clusters: Int, runs: Int = 1, maximumIterations: Int = 300, tolerance: Double = 1e-4,
        seed: UInt64, threads: Int = 1
    ) throws(StatisticsError) {
        guard clusters >= 1, runs >= 1, maximumIterations >= 1 else {
            throw StatisticsError(
                .badSetting,
                "k-means needs at least one cluster, run and iteration, not \(clusters), \(runs) and \(maximumIterations)."
            )
        }
        try Self.check(points, clusters: clusters)
        let data = ClusterData(points: points, threads: threads)
        var best: KMeans?
        for run in 0..<runs {
            var generator = SeededGenerator(seed: seed, stream: "k-means", run)
            let start = data.greedyStart(clusters: clusters, using: &generator)
            let found = KMeans(data, start, maximumIterations, tolerance)
            if found.inertia < best?.inertia ?? .infinity { best = found }
        }
        guard let best else {
            throw StatisticsError(.notFinite, "The distances between points overflow: scale the features down.")
        }
        self = best
    }

    /// One run from given centres (`clusters × features`).
    public init(
        of points: Matrix, startingFrom centers: Matrix, maximumIterations: Int = 300, tolerance: Double = 1e-4,
        threads: Int = 1
    ) throws(StatisticsError) {
        precondition(centers.columns == points.columns, "Centres and points differ in features.")
        guard centers.rows >= 1 else { throw StatisticsError(.badSetting, "k-means needs at least one centre.") }
        try Self.check(points, clusters: centers.rows)
        try centers.requireFinite("centres")
        let data = ClusterData(points: points, threads: threads)
        self.init(data, data.centred(centers), maximumIterations, tolerance)
    }

    private static func check(_ points: Matrix, clusters: Int) throws(StatisticsError) {
        guard points.rows >= clusters else {
            throw StatisticsError(
                .tooFewPoints, "\(points.rows) points cannot form \(clusters) clusters: ask for fewer.")
        }
        try points.requireFinite("features")
    }

    private init(_ data: ClusterData, _ start: [Float], _ maximumIterations: Int, _ tolerance: Double) {
        var centers = start
        var labels = [Int32](repeating: -1, count: data.points.rows)
        let enough = tolerance * data.meanVariance
        var iterations = 0
        var settled = false
        while iterations < maximumIterations, !settled {
            iterations += 1
            var step = data.assigned(to: centers, labels: &labels)
            data.relocateEmpty(&step, centers: centers, labels: labels)
            let next = data.means(of: step, keeping: centers)
            settled = step.changed == 0
            let shift = zip(next, centers).reduce(0.0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
            centers = next
            if !settled, shift <= enough { break }
        }
        // The labels of the last centres, where the loop moved them after labelling.
        if !settled { _ = data.assigned(to: centers, labels: &labels) }
        inertia = data.inertia(of: centers, labels: labels)
        self.centers = data.uncentred(centers)
        self.labels = labels.map(Int.init)
        self.iterations = iterations
    }

    /// The nearest centre of other points.
    public func nearestCenters(of points: Matrix, threads: Int = 1) -> [Int] {
        precondition(points.columns == centers.columns, "Centres and points differ in features.")
        let data = ClusterData(points: points, threads: threads)
        var labels = [Int32](repeating: -1, count: points.rows)
        _ = data.assigned(to: data.centred(centers), labels: &labels)
        return labels.map(Int.init)
    }
}
