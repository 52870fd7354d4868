/// R² = 1 − Σ(y − ŷ)² / Σ(y − ȳ)²: 1 perfect, 0 as good as the mean, below 0 worse.
///
/// A constant truth has R² 1 where it is met exactly and 0 otherwise; of fewer than two points R² is undefined (NaN).
///
/// **Reference**: `r2_score` of scikit-learn 1.9 with `force_finite`.
public func rSquared(truth: [Double], predicted: [Double]) -> Double {
    precondition(truth.count == predicted.count, "\(truth.count) values and \(predicted.count) predictions.")
    guard truth.count >= 2 else { return .nan }
    let mean = truth.reduce(0, +) / Double(truth.count)
    var residual = 0.0
    var total = 0.0
    for (value, guess) in zip(truth, predicted) {
        residual += (value - guess) * (value - guess)
        total += (value - mean) * (value - mean)
    }
    if residual.isNaN || total.isNaN { return .nan }
    if residual == 0 { return 1 }
    return total == 0 ? 0 : 1 - residual / total
}

/// R² of each column.
///
/// - Parameters:
///   - truth: `points × targets`.
///   - predicted: the same shape.
public func rSquared(truth: Matrix, predicted: Matrix) -> [Double] {
    precondition(
        truth.rows == predicted.rows && truth.columns == predicted.columns, "Truth and prediction differ in shape.")
    return (0..<truth.columns).map { column in
        rSquared(truth: truth.column(column).map(Double.init), predicted: predicted.column(column).map(Double.init))
    }
}

/// Mean and standard deviation of some values, as in "mean ± sd".
public struct MeanAndDeviation: Sendable, Equatable {
    /// NaN of no values.
    public var mean: Double
    /// The square root of Σ(x − mean)² / (n − `lostDegrees`); NaN where there are no more than `lostDegrees` values.
    public var deviation: Double

    /// - Parameter lostDegrees: 1 for the deviation of a sample (the default), 0 for that of a whole population (NumPy's `std`).
    public init(_ values: [Double], lostDegrees: Int = 1) {
        let count = values.count
        mean = count > 0 ? values.reduce(0, +) / Double(count) : .nan
        let mean = mean
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        deviation = count > lostDegrees ? (squares / Double(count - lostDegrees)).squareRoot() : .nan
    }
}

/// Pearson's correlation coefficient, in [−1, 1]; NaN where a side is constant or there are fewer than two pairs.
///
/// **Reference**: `scipy.stats.pearsonr`.
public func pearsonCorrelation(_ left: [Double], _ right: [Double]) -> Double {
    precondition(left.count == right.count, "\(left.count) values against \(right.count).")
    guard left.count >= 2 else { return .nan }
    let leftMean = left.reduce(0, +) / Double(left.count)
    let rightMean = right.reduce(0, +) / Double(right.count)
    var product = 0.0
    var leftSquares = 0.0
    var rightSquares = 0.0
    for (a, b) in zip(left, right) {
        product += (a - leftMean) * (b - rightMean)
        leftSquares += (a - leftMean) * (a - leftMean)
        rightSquares += (b - rightMean) * (b - rightMean)
    }
    // A constant's mean is rounded; what is left of its squares is noise of that rounding.
    let noise = Double(left.count) * 0x1p-104
    guard leftSquares > noise * leftMean * leftMean, rightSquares > noise * rightMean * rightMean else { return .nan }
    return max(-1, min(1, product / (leftSquares.squareRoot() * rightSquares.squareRoot())))
}
