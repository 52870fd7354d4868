internal import StageKit
internal import Statistics

/// A linear classifier without bias on frozen, standardised features (Methods 3.5, "linear probing").
///
/// **Differs** from the paper, which takes 30 epochs of stochastic gradient descent on augmented patches: the features of patches as they
/// are, and the optimum of the penalised cross-entropy. The penalty is scikit-learn's: C · Σ wᵢ · loss + ½ ‖W‖², with weights that
/// sum to the number of different points, so that drawing more often does not loosen it.
struct LinearProbe {
    struct Settings {
        var c: Double
        var maximumIterations: Int
        var tolerance: Double
        var threads: Int

        init(_ context: StageContext) throws {
            c = try context.config.double("c", in: 1e-9...)
            maximumIterations = try context.config.integer("max_iterations", in: 1...)
            tolerance = try context.config.double("tolerance", in: 0...)
            threads = context.cores
        }
    }

    /// Ascending: the columns of the logits.
    let classes: [Int]
    let converged: Bool
    private let scaling: Standardization
    private let model: LogisticRegression
    private let threads: Int

    /// - Parameters:
    ///   - features: of all points that could be drawn; they are standardised by these.
    ///   - places: rows of `features` that were drawn, with their labels and how often.
    init(_ features: Matrix, draw places: TrainingDraw, settings: Settings) throws(StatisticsError) {
        scaling = try Standardization(fitting: features)
        let points = scaling.applied(to: features.selecting(rows: places.rows), threads: settings.threads)
        let draws = places.weights.reduce(0) { $0 + Double($1) }
        model = try LogisticRegression(
            of: points, labels: places.labels, inversePenalty: settings.c, intercept: false,
            pointWeights: places.weights.map { Double($0) * Double(places.rows.count) / draws },
            tolerance: settings.tolerance, maximumIterations: settings.maximumIterations, threads: settings.threads)
        (classes, converged, threads) = (model.classes, model.converged, settings.threads)
    }

    /// The logits of other points, `points × classes`.
    func logits(_ features: Matrix) -> Matrix {
        model.logits(for: scaling.applied(to: features, threads: threads), threads: threads)
    }
}

extension StageContext {
    /// Runs an analysis; what is wrong with the data becomes a mistake of the port `features`.
    func analysing<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch let error as StatisticsError {
            throw StageError(error.code == .badSetting ? .badJob : .badInput, error.message, port: "features")
        }
    }
}
