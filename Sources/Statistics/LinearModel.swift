internal import LinearAlgebra
internal import NDArray

/// A linear map from features to one or more targets, fitted by least squares, with or without a ridge penalty.
///
///     let model = try LinearModel(leastSquares: features, targets: coordinates)
///     let guess = model.predicted(for: others)        // points × targets
///
/// Attributions follow from `coefficients`: the share of feature j in a prediction is its coefficient times (x − mean).
public struct LinearModel: Sendable, Equatable {
    public let features: Int
    public let targets: Int
    /// `targets × features` elements, row-major: a row of coefficients for each target.
    public let coefficients: [Double]
    /// One for each target; 0 where fitted without.
    public let intercepts: [Double]
    /// Number of independent directions among the features, as the fit counted them; all of them with a ridge penalty.
    public let rank: Int

    /// The coefficients of least norm among those with the least sum of squared errors.
    ///
    /// - Parameters:
    ///   - points: `points × features`.
    ///   - targets: `points × targets`.
    ///   - intercept: whether a constant is added for each target.
    ///   - relativeCutoff: directions whose singular value is up to this part of the largest count as constant.
    /// - Throws: `tooFewPoints` of no points, `notFinite` for NaN or infinite values.
    /// - Complexity: O(points · features²); memory for a block of rows a thread, in double precision.
    ///
    /// **Reference**: `LinearRegression` of scikit-learn 1.9 (LAPACK's gelsd, `tol` 1e-6).
    public init(
        leastSquares points: Matrix, targets: Matrix, intercept: Bool = true, relativeCutoff: Double = 1e-6,
        threads: Int = 1
    ) throws(StatisticsError) {
        try self.init(points, targets, intercept: intercept, penalty: 0, cutoff: relativeCutoff, threads: threads)
    }

    /// The coefficients that minimise the sum of squared errors plus `penalty` times that of the squared coefficients.
    ///
    /// Intercepts are not penalised. A penalty of 0 is plain least squares.
    ///
    /// **Reference**: Hoerl and Kennard 1970, DOI 10.1080/00401706.1970.10488634; `Ridge(alpha=penalty)` of scikit-learn 1.9.
    public init(
        ridge points: Matrix, targets: Matrix, penalty: Double, intercept: Bool = true, threads: Int = 1
    ) throws(StatisticsError) {
        guard penalty >= 0, penalty.isFinite else {
            throw StatisticsError(.badSetting, "A ridge penalty is 0 or more, not \(penalty).")
        }
        try self.init(
            points, targets, intercept: intercept, penalty: penalty, cutoff: penalty > 0 ? 0 : 1e-6, threads: threads)
    }

    private init(
        _ points: Matrix, _ targets: Matrix, intercept: Bool, penalty: Double, cutoff: Double, threads: Int
    ) throws(StatisticsError) {
        precondition(points.rows == targets.rows, "\(points.rows) points and targets of \(targets.rows).")
        guard points.rows > 0 else { throw StatisticsError(.tooFewPoints, "There are no points to fit a model to.") }
        try points.requireFinite("features")
        try targets.requireFinite("targets")
        let triangle = RowTriangle(points: points, targets: targets, centred: intercept, threads: threads)
            .withPenalty(penalty)
        let system = triangle.system
        guard
            let (solution, rank) = minimumNormSolution(
                system.matrix, rows: system.rows, columns: points.columns, right: system.right,
                targets: targets.columns, relativeCutoff: cutoff)
        else { throw StatisticsError(.noConvergence, "LAPACK's gelsd did not converge on the features.") }
        var coefficients = [Double](repeating: 0, count: solution.count)
        var intercepts = triangle.targetMeans
        for target in 0..<targets.columns {
            for feature in 0..<points.columns {
                let value = solution[feature * targets.columns + target]
                coefficients[target * points.columns + feature] = value
                intercepts[target] -= value * triangle.pointMeans[feature]
            }
        }
        self.features = points.columns
        self.targets = targets.columns
        self.coefficients = coefficients
        self.intercepts = intercepts
        self.rank = rank
    }

    /// The targets of other points: `points × targets`.
    public func predicted(for points: Matrix, threads: Int = 1) -> Matrix {
        precondition(points.columns == features, "Fitted to \(features) features, applied to \(points.columns).")
        var result = Matrix(rows: points.rows, columns: targets)
        guard points.rows > 0, targets > 0 else { return result }
        result.withUnsafeMutableElements { output in
            let slices = DisjointSlices(output)
            points.withUnsafeElements { source in
                // Read only.
                nonisolated(unsafe) let source = source
                parallelBands(points.rows, band: 1024, threads: threads) { band in
                    for row in band {
                        for target in 0..<targets {
                            var sum = intercepts[target]
                            for feature in 0..<features {
                                sum +=
                                    coefficients[target * features + feature] * Double(source[row * features + feature])
                            }
                            slices[row * targets + target] = Float(sum)
                        }
                    }
                }
            }
        }
        return result
    }
}
