internal import LinearAlgebra
internal import NDArray

/// Multinomial logistic regression with an L2 penalty: a linear classifier of well calibrated scores.
///
/// Minimises C · Σᵢ wᵢ · −log p(yᵢ | xᵢ) + ½ ‖W‖² with p = softmax(W x + b); intercepts b are not penalised. With two classes the
/// penalty is that of their difference (the logistic function), as in scikit-learn, and the first class's logit is 0.
///
///     let probe = try LogisticRegression(of: features, labels: areas, inversePenalty: 1)
///     let logits = probe.logits(for: others)          // points × classes
///     let areas = probe.predictedLabels(for: others)
///
/// **Reference**: `LogisticRegression` (lbfgs) of scikit-learn 1.9.
/// **Differs**: features are centred and scaled inside, which changes neither the objective nor the optimum but how fast it is
/// reached; the iteration goes on to the optimum (scikit-learn's `tol` of 1e-4 stops before).
public struct LogisticRegression: Sendable, Equatable {
    /// What a point of each class counts.
    public enum ClassWeights: Sendable, Equatable {
        case equal
        /// Points over (classes × points of the class): each class counts the same.
        case balanced
        /// By label; a label that is not listed counts 1.
        case listed([Int: Double])
    }

    /// The labels, ascending: the columns of the logits.
    public let classes: [Int]
    /// `classes × features` elements, row-major.
    public let coefficients: [Double]
    /// One for each class; 0 where fitted without.
    public let intercepts: [Double]
    /// The minimised function, as written above, over C times the sum of the weights.
    public let objective: Double
    public let iterations: Int
    /// False where `maximumIterations` ended the search first: raise it, or penalise more.
    public let converged: Bool

    /// Fits the classifier.
    ///
    /// - Parameters:
    ///   - points: `points × features`.
    ///   - labels: each point's class.
    ///   - inversePenalty: C > 0; the smaller, the stronger the penalty.
    ///   - pointWeights: what each point counts beside its class, not negative; nil: 1 each. A point of weight 3 counts as three.
    ///   - tolerance: of the gradient of the mean loss, in features of unit variance.
    /// - Throws: `badLabels` for fewer than two classes, `notFinite`, `badSetting`.
    /// - Complexity: O(points · features · classes) an iteration.
    public init(
        of points: Matrix, labels: [Int], inversePenalty: Double = 1, intercept: Bool = true,
        classWeights: ClassWeights = .equal, pointWeights: [Double]? = nil,
        tolerance: Double = 1e-6, maximumIterations: Int = 2000, threads: Int = 1
    ) throws(StatisticsError) {
        precondition(points.rows == labels.count, "\(labels.count) labels for \(points.rows) points.")
        guard inversePenalty > 0, inversePenalty.isFinite else {
            throw StatisticsError(.badSetting, "The inverse penalty C is above 0, not \(inversePenalty).")
        }
        let classes = Set(labels).sorted()
        guard classes.count >= 2 else {
            throw StatisticsError(
                .badLabels, "A classifier needs points of two classes or more; these are of \(classes.count).")
        }
        try points.requireFinite("features")
        let loss = try LogisticLoss(
            points: points, labels: labels, classes: classes, inversePenalty: inversePenalty, intercept: intercept,
            classWeights: classWeights, pointWeights: pointWeights, threads: threads)
        let search = QuasiNewton(
            maximumIterations: maximumIterations, gradientTolerance: tolerance, valueTolerance: 1e-9)
        let found = search.minimum(from: [Double](repeating: 0, count: loss.parameterCount)) { loss.value(at: $0) }
        (coefficients, intercepts) = loss.model(of: found.point)
        self.classes = classes
        objective = found.value
        iterations = found.iterations
        converged = found.converged
    }

    /// W x + b of each point: `points × classes`.
    public func logits(for points: Matrix, threads: Int = 1) -> Matrix {
        let features = coefficients.count / classes.count
        precondition(points.columns == features, "Fitted to \(features) features, applied to \(points.columns).")
        let weights = coefficients.map { Float($0) }
        let shifts = intercepts.map { Float($0) }
        return Matrix(rows: points.rows, columns: classes.count) { output in
            guard !output.isEmpty else { return }
            let slices = DisjointSlices(output)
            points.withUnsafeElements { source in
                // Read only.
                nonisolated(unsafe) let source = source
                parallelBands(points.rows, band: 1024, threads: threads) { rows in
                    let target = UnsafeMutableBufferPointer(
                        start: slices.base + rows.lowerBound * shifts.count, count: rows.count * shifts.count)
                    weights.withUnsafeBufferPointer { weights in
                        productWithTranspose(
                            UnsafeBufferPointer(
                                rebasing: source[rows.lowerBound * features..<rows.upperBound * features]),
                            rows: rows.count, weights, rows: shifts.count, inner: features, into: target)
                    }
                    for row in 0..<rows.count {
                        for column in shifts.indices { target[row * shifts.count + column] += shifts[column] }
                    }
                }
            }
        }
    }

    /// The class of the highest logit of each point.
    public func predictedLabels(for points: Matrix, threads: Int = 1) -> [Int] {
        predictions(from: logits(for: points, threads: threads)).classes.map { classes[$0] }
    }
}
