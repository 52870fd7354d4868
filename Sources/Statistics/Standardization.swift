internal import NDArray

/// Shifts and scales each column to mean 0 and standard deviation 1, as found on the points that it was fitted to.
///
/// A column that is constant up to rounding is shifted only (its scale is 1), so that it becomes 0 and not noise.
///
/// **Reference**: `StandardScaler` of scikit-learn 1.9.
public struct Standardization: Sendable, Equatable {
    /// The mean of each column.
    public let means: [Double]
    /// The standard deviation (over n, not n − 1) of each column, 1 where it is constant.
    public let scales: [Double]

    /// Measures the columns of `points` (`points × features`) in double precision, in two passes.
    ///
    /// - Throws: `tooFewPoints` of no rows, `notFinite` where a value is NaN or infinite.
    public init(fitting points: Matrix) throws(StatisticsError) {
        guard points.rows > 0 else {
            throw StatisticsError(.tooFewPoints, "There are no points to standardise.")
        }
        try points.requireFinite("features")
        let columns = points.columns
        let count = Double(points.rows)
        var means = [Double](repeating: 0, count: columns)
        var variances = means
        points.withUnsafeElements { elements in
            for row in 0..<points.rows {
                for column in 0..<columns { means[column] += Double(elements[row * columns + column]) }
            }
            for column in 0..<columns { means[column] /= count }
            for row in 0..<points.rows {
                for column in 0..<columns {
                    let offset = Double(elements[row * columns + column]) - means[column]
                    variances[column] += offset * offset
                }
            }
        }
        self.means = means
        scales = zip(means, variances).map { mean, squares in
            let variance = squares / count
            // What rounding alone can leave of a constant column's variance (scikit-learn's `_is_constant_feature`).
            let rounding =
                count * Double.ulpOfOne * variance + (count * mean * Double.ulpOfOne) * (count * mean * Double.ulpOfOne)
            return variance <= rounding ? 1 : variance.squareRoot()
        }
    }

    /// (x − mean) / scale for each column of `points`.
    public func applied(to points: Matrix, threads: Int = 1) -> Matrix {
        precondition(points.columns == means.count, "Fitted to \(means.count) columns, applied to \(points.columns).")
        var result = points
        let columns = points.columns
        guard points.rows > 0, columns > 0 else { return result }
        result.withUnsafeMutableElements { elements in
            let slices = DisjointSlices(elements)
            parallelBands(points.rows, band: 4096, threads: threads) { band in
                for row in band {
                    for column in 0..<columns {
                        let place = row * columns + column
                        slices[place] = Float((Double(slices[place]) - means[column]) / scales[column])
                    }
                }
            }
        }
        return result
    }
}
