internal import NDArray

/// An embedding in two or three dimensions that keeps neighbours together: uniform manifold approximation and projection.
///
///     let graph = try FuzzyGraph(of: features, neighbors: 15, seed: 1, threads: 2)
///     let embedding = try UMAP(of: graph, settings: UMAP.Settings(dimensions: 2, seed: 1), threads: 2).embedding
///
/// The same seed gives the same embedding whatever the number of threads.
///
/// **Reference**: McInnes, Healy, Melville 2018, arXiv:1802.03426; umap-learn 0.5, whose defaults these are.
public struct UMAP: Sendable {
    public struct Settings: Sendable, Equatable {
        /// 2 or 3.
        public var dimensions: Int
        /// How close points may lie; small values pack clusters, large ones spread them.
        public var minimumDistance: Double
        /// The scale of the embedding.
        public var spread: Double
        /// Rounds of descent; left out, 500 for up to 10,000 points and 200 for more.
        public var epochs: Int?
        /// Points that are pushed away each time a link pulls.
        public var negativeSamples: Int
        /// The first epoch's step, falling to 0.
        public var learningRate: Double
        public var seed: UInt64

        public init(
            dimensions: Int = 2, minimumDistance: Double = 0.1, spread: Double = 1, epochs: Int? = nil,
            negativeSamples: Int = 5, learningRate: Double = 1, seed: UInt64 = 0
        ) {
            self.dimensions = dimensions
            self.minimumDistance = minimumDistance
            self.spread = spread
            self.epochs = epochs
            self.negativeSamples = negativeSamples
            self.learningRate = learningRate
            self.seed = seed
        }
    }

    /// `points × dimensions`.
    public let embedding: Matrix

    /// Lays out a graph from its spectral start.
    ///
    /// - Throws: `badSetting` for other than 2 or 3 dimensions, a spread that is not above 0, a minimum distance outside 0 … spread, no epochs.
    /// - Parameter threads: for the spectral start; the layout itself goes on one.
    /// - Complexity: O(links · epochs).
    public init(of graph: FuzzyGraph, settings: Settings = Settings(), threads: Int = 1) throws(StatisticsError) {
        try Self.check(settings)
        let start = Self.start(of: graph, settings: settings, threads: threads)
        try self.init(of: graph, startingFrom: start, settings: settings)
    }

    /// Lays out a graph from given places (`points × dimensions`, about 10 wide).
    public init(
        of graph: FuzzyGraph, startingFrom start: Matrix, settings: Settings = Settings()
    ) throws(StatisticsError) {
        try Self.check(settings)
        precondition(
            start.rows == graph.points && start.columns == settings.dimensions,
            "A start of \(start.rows) × \(start.columns) for \(graph.points) points in \(settings.dimensions) dimensions."
        )
        try start.requireFinite("places to start from")
        embedding = LayoutDescent(
            graph: Self.used(graph, settings),
            curve: LayoutCurve(minimumDistance: settings.minimumDistance, spread: settings.spread),
            epochs: Self.epochs(graph, settings), negativeSamples: settings.negativeSamples,
            learningRate: Float(settings.learningRate), seed: settings.seed
        ).descend(start)
    }

    /// The places that a layout starts from: the slowest eigenvectors of the graph, spread over 0 … 10 with a little noise.
    public static func start(of graph: FuzzyGraph, settings: Settings = Settings(), threads: Int = 1) -> Matrix {
        used(graph, settings).spectralLayout(dimensions: settings.dimensions, seed: settings.seed, threads: threads)
            .scattered(seed: settings.seed)
    }

    private static func epochs(_ graph: FuzzyGraph, _ settings: Settings) -> Int {
        settings.epochs ?? (graph.points <= 10_000 ? 500 : 200)
    }

    /// The links that the epochs ever take; the start is found without the others too.
    private static func used(_ graph: FuzzyGraph, _ settings: Settings) -> FuzzyGraph {
        let epochs = epochs(graph, settings)
        let rounds = epochs > 10 ? epochs : graph.points <= 10_000 ? 500 : 200
        return graph.withoutLinks(below: (graph.weights.max() ?? 1) / Float(rounds))
    }

    private static func check(_ settings: Settings) throws(StatisticsError) {
        guard settings.dimensions == 2 || settings.dimensions == 3 else {
            throw StatisticsError(.badSetting, "An embedding has 2 or 3 dimensions, not \(settings.dimensions).")
        }
        guard settings.spread > 0, settings.minimumDistance >= 0, settings.minimumDistance <= settings.spread else {
            throw StatisticsError(
                .badSetting,
                "The minimum distance lies between 0 and the spread, which is above 0; not \(settings.minimumDistance) and \(settings.spread)."
            )
        }
        guard settings.epochs ?? 1 >= 1, settings.negativeSamples >= 0, settings.learningRate > 0 else {
            throw StatisticsError(
                .badSetting, "Epochs and the learning rate are above 0, and negative samples 0 or more.")
        }
    }
}

extension Matrix {
    /// Scaled to ±10, a little noise added so that no two points coincide, and each column spread over 0 … 10 (umap-learn's start).
    fileprivate func scattered(seed: UInt64) -> Matrix {
        let largest = elements.reduce(Float(0)) { max($0, abs($1)) }
        let scale = largest > 0 ? 10 / largest : 1
        var generator = SeededGenerator(seed: seed, stream: "layout noise")
        var noisy = elements.map { $0 * scale + Float(1e-4 * generator.normal()) }
        for column in 0..<columns {
            var low = Float.infinity
            var high = -Float.infinity
            for row in 0..<rows {
                low = min(low, noisy[row * columns + column])
                high = max(high, noisy[row * columns + column])
            }
            for row in 0..<rows {
                let value = noisy[row * columns + column] - low
                noisy[row * columns + column] = high > low ? 10 * value / (high - low) : 0
            }
        }
        return Matrix(rows: rows, columns: columns, elements: noisy)
    }
}
