internal import LinearAlgebra
internal import NDArray

/// Principal component analysis: the directions of greatest variance of a cloud of points.
///
///     let pca = try PrincipalComponents(of: features, count: 64)
///     let reduced = pca.transform(features)       // points × 64
///
/// The components' signs are fixed: the element of largest magnitude of each is positive.
///
/// **Reference**: `PCA` of scikit-learn 1.9; Halko, Martinsson, Tropp 2011, DOI 10.1137/090771806.
/// **Differs**: no solver copies the points as a whole; the randomised one keeps factors of the size of the features only.
public struct PrincipalComponents: Sendable, Equatable {
    /// How the components are found.
    public enum Solver: String, Sendable, CaseIterable {
        /// As scikit-learn's `auto` chooses: by covariance for up to 1,000 features and ten times as many points, randomised where
        /// a side is over 500 and less than 80 % of the components are wanted, else full.
        case automatic
        /// Singular values of the points, in double precision.
        case full
        /// Eigenvectors of the covariance, in double precision over products in single.
        case covariance
        /// Subspace iteration from a random start; approximate in the last components.
        case randomised
    }

    /// The solver that was used.
    public let solver: Solver
    /// The mean of each feature.
    public let means: [Double]
    /// `components × features`: orthonormal rows, the first of greatest variance.
    public let components: Matrix
    /// The variance (over n − 1) along each component.
    public let explainedVariance: [Double]
    /// The part of the features' total variance along each component; 0 where all features are constant.
    public let explainedVarianceRatio: [Double]
    /// Whether `transform` scales each component to variance 1.
    public let whitened: Bool

    /// Fits the first `count` components.
    ///
    /// - Parameters:
    ///   - points: `points × features`.
    ///   - count: at most the smaller of points and features.
    ///   - whitened: whether `transform` divides by the standard deviation; components without variance become 0.
    ///   - seed: of the randomised solver.
    /// - Throws: `tooFewPoints` for fewer than two points or fewer than `count`; `badSetting` for a `count` under 1 or over the
    ///   number of features; `notFinite` for NaN or infinite values.
    public init(
        of points: Matrix, count: Int, solver: Solver = .automatic, whitened: Bool = false, seed: UInt64 = 0,
        threads: Int = 1
    ) throws(StatisticsError) {
        guard count >= 1, count <= points.columns else {
            throw StatisticsError(
                .badSetting,
                "\(count) components were asked for; \(points.columns) features have 1 to \(points.columns).")
        }
        guard points.rows >= 2, count <= points.rows else {
            throw StatisticsError(
                .tooFewPoints,
                "\(count) components need at least \(max(2, count)) points, and there are \(points.rows): ask for fewer."
            )
        }
        let chosen = solver == .automatic ? Self.automaticSolver(for: points, count: count) : solver
        let means: [Double]
        let found: CentredPoints.Directions?
        if chosen == .covariance, let covariance = CovarianceDirections(of: points, count: count, threads: threads) {
            means = covariance.means
            found = covariance.directions
        } else {
            try points.requireFinite("features")
            means = columnMeans(points, threads: threads)
            let centred = CentredPoints(points: points, means: means.map { Float($0) }, threads: threads)
            found =
                chosen == .randomised
                ? centred.randomisedDirections(count: count, seed: seed) : centred.fullDirections(count: count)
        }
        guard let found else {
            throw StatisticsError(.noConvergence, "LAPACK's iteration did not converge on the features.")
        }
        let lost = Double(points.rows - 1)
        let total = found.totalSquares / lost
        self.solver = chosen
        self.means = means
        self.whitened = whitened
        components = Matrix(rows: count, columns: points.columns, elements: found.withFixedSigns())
        explainedVariance = found.squares.map { max($0, 0) / lost }
        explainedVarianceRatio = found.squares.map { total > 0 ? max($0, 0) / lost / total : 0 }
    }

    /// scikit-learn 1.9's choice (`PCA._fit`).
    static func automaticSolver(for points: Matrix, count: Int) -> Solver {
        if points.columns <= 1000 && points.rows >= 10 * points.columns { return .covariance }
        if max(points.rows, points.columns) <= 500 { return .full }
        return Double(count) < 0.8 * Double(min(points.rows, points.columns)) ? .randomised : .full
    }

    /// The coordinates of points along the components: `points × components`.
    public func transform(_ points: Matrix, threads: Int = 1) -> Matrix {
        precondition(points.columns == means.count, "Fitted to \(means.count) features, applied to \(points.columns).")
        let scales = explainedVariance.map { variance -> Float in
            guard whitened else { return 1 }
            // A component without variance: rounding noise over rounding noise is made 0.
            let least = Double(Float.ulpOfOne) * Double(Float.ulpOfOne) * (explainedVariance.first ?? 0)
            return variance > least ? Float(1 / variance.squareRoot()) : 0
        }
        let centred = CentredPoints(points: points, means: means.map { Float($0) }, threads: threads)
        return Matrix(rows: points.rows, columns: components.rows) { output in
            guard !output.isEmpty else { return }
            let slices = DisjointSlices(output)
            components.withUnsafeElements { directions in
                // Read only.
                nonisolated(unsafe) let directions = directions
                centred.forEachBlock { block, rows, _ in
                    let target = UnsafeMutableBufferPointer(
                        start: slices.base + rows.lowerBound * components.rows, count: rows.count * components.rows)
                    productWithTranspose(
                        block, rows: rows.count, directions, rows: components.rows, inner: points.columns, into: target)
                    if whitened {
                        for row in 0..<rows.count {
                            for column in 0..<components.rows {
                                target[row * components.rows + column] *= scales[column]
                            }
                        }
                    }
                }
            }
        }
    }
}
