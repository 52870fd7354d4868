internal import ArgumentParser
internal import Foundation
internal import Glibc
internal import NDArray
internal import Statistics

/// Times one analysis; `benchmarks/statistics.py` runs scikit-learn and umap-learn on the same file.
struct StatisticsBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "statistics", abstract: "PCA, k-means, nearest neighbours or UMAP of one matrix (.npy, float32).")

    enum Analysis: String, ExpressibleByArgument, CaseIterable {
        case pca
        case kmeans
        case neighbors
        case umap
        case logistic
    }

    @Argument(help: "pca, kmeans, neighbors, umap or logistic.")
    var analysis: Analysis

    @Argument(help: "points × features, float32, in NumPy's format.")
    var input: String

    @Option(help: "Components, clusters or dimensions.")
    var count = 2

    @Option(help: "PCA's solver: automatic, full, covariance or randomised.")
    var solver = "automatic"

    @Option(help: "Size of a neighbourhood (umap-learn's n_neighbors).")
    var neighbors = 15

    @Option(help: "euclidean or cosine.")
    var metric = "euclidean"

    @Option(help: "automatic, exact or descent.")
    var search = "automatic"

    @Option(help: "Rows of `input` from here on are centres to start k-means from.")
    var startRow: Int?

    @Option(help: "Labels, a number a line, for logistic.")
    var labels: String?

    @Option(help: "Seed.")
    var seed: UInt64 = 0

    @Option(help: "Threads to use.")
    var threads = 2

    @Option(
        help: "Where to write the result: the embedding, the components, the labels or the neighbours, raw, float32.")
    var output: String?

    func run() throws {
        var points = try NumpyFile.matrix(path: input)
        let baseline = Self.peakBytes()
        var answer = Answer(analysis: analysis.rawValue, threads: threads, rows: points.rows, columns: points.columns)
        func timed<Result>(_ name: String, _ body: () throws -> Result) rethrows -> Result {
            let start = ContinuousClock.now
            let cpuStart = clock()
            defer {
                answer.seconds[name] = (ContinuousClock.now - start) / .seconds(1)
                answer.cpuSeconds[name] = Double(clock() - cpuStart) / Double(CLOCKS_PER_SEC)
            }
            return try body()
        }
        var result: [Float] = []
        switch analysis {
        case .pca:
            guard let solver = PrincipalComponents.Solver(rawValue: solver) else {
                throw ValidationError("There is no solver \(solver).")
            }
            let pca = try timed("fit") {
                try PrincipalComponents(of: points, count: count, solver: solver, seed: seed, threads: threads)
            }
            answer.figures["explained"] = pca.explainedVarianceRatio.reduce(0, +)
            result = pca.components.elements
        case .kmeans:
            let found: KMeans
            if let startRow {
                let centers = points.selecting(rows: Array(startRow..<points.rows))
                points = points.selecting(rows: Array(0..<startRow))
                let kept = points
                found = try timed("fit") { try KMeans(of: kept, startingFrom: centers, threads: threads) }
            } else {
                let kept = points
                found = try timed("fit") { try KMeans(of: kept, clusters: count, seed: seed, threads: threads) }
            }
            answer.figures["inertia"] = found.inertia
            answer.figures["iterations"] = Double(found.iterations)
            result = found.labels.map { Float($0) }
        case .neighbors, .umap:
            guard let metric = DistanceMetric(rawValue: metric), let search = NeighborTable.Search(rawValue: search)
            else { throw ValidationError("There is no metric \(metric) or no search \(search).") }
            let table = try timed("neighbors") {
                try NeighborTable.nearest(
                    to: points, neighbors: neighbors - 1, metric: metric, search: search, seed: seed, threads: threads)
            }
            if analysis == .neighbors {
                result = table.indices.map { Float($0) }
            } else {
                let graph = timed("graph") {
                    FuzzyGraph(joining: table, of: points, metric: metric, threads: threads)
                }
                let settings = UMAP.Settings(dimensions: count, seed: seed)
                let start = timed("start") { UMAP.start(of: graph, settings: settings, threads: threads) }
                let umap = try timed("layout") {
                    try UMAP(of: graph, startingFrom: start, settings: settings)
                }
                result = umap.embedding.elements
            }
        case .logistic:
            guard let labels else { throw ValidationError("Logistic regression needs --labels.") }
            let classes = try String(contentsOfFile: labels, encoding: .utf8).split(whereSeparator: \.isNewline)
                .compactMap { Int($0) }
            let model = try timed("fit") { try LogisticRegression(of: points, labels: classes, threads: threads) }
            answer.figures["objective"] = model.objective
            answer.figures["iterations"] = Double(model.iterations)
            result = model.coefficients.map { Float($0) }
        }
        if let output { try result.withUnsafeBytes { Data($0) }.write(to: URL(fileURLWithPath: output)) }
        answer.loadedMiB = Double(baseline) / 1_048_576
        answer.peakMiB = Double(Self.peakBytes()) / 1_048_576
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        print(String(decoding: try encoder.encode(answer), as: UTF8.self))
    }

    private static func peakBytes() -> Int {
        var usage = rusage()
        getrusage(RUSAGE_SELF.rawValue, &usage)
        return usage.ru_maxrss * 1024
    }

    private struct Answer: Encodable {
        var analysis: String
        var threads: Int
        var rows: Int
        var columns: Int
        var seconds: [String: Double] = [:]
        /// Processor seconds, of all threads together: other work on the machine does not count.
        var cpuSeconds: [String: Double] = [:]
        var figures: [String: Double] = [:]
        /// Peak memory after reading the file, and at the end.
        var loadedMiB = 0.0
        var peakMiB = 0.0
    }
}
