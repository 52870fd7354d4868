internal import LinearAlgebra

/// Means and covariance of points in one pass over them.
///
/// The inner products are taken about a point near the mean, a mean of some rows, and moved to the mean afterwards:
/// Σ(x − m)(x − m)ᵀ = Σ(x − s)(x − s)ᵀ − n(m − s)(m − s)ᵀ. About the origin, that subtraction would cancel digits.
struct CovarianceDirections {
    let means: [Double]
    /// nil where LAPACK's iteration does not converge.
    let directions: CentredPoints.Directions?

    /// - Parameter count: how many eigenvectors of the covariance, the largest first.
    /// - Returns: nil where an element is NaN or infinite.
    init?(of points: Matrix, count: Int, threads: Int) {
        let columns = points.columns
        let near = Self.meanOfSomeRows(points)
        var moments = ShiftedMoments(of: points, about: near, threads: threads)
        let rows = Double(points.rows)
        let shift = moments.sums.map { $0 / rows }
        guard shift.allSatisfy(\.isFinite) else { return nil }
        means = zip(near, shift).map { Double($0) + $1 }
        for row in 0..<columns {
            for column in row..<columns {
                moments.products[row * columns + column] -= rows * shift[row] * shift[column]
            }
        }
        let total = (0..<columns).reduce(0) { $0 + moments.products[$1 * columns + $1] }
        directions = largestEigenvectors(&moments.products, size: columns, count: count).map {
            CentredPoints.Directions(squares: $0.values, vectors: $0.vectors, totalSquares: total)
        }
    }

    /// The mean of about a thousand rows spread over all.
    private static func meanOfSomeRows(_ points: Matrix) -> [Float] {
        let step = max(1, points.rows / 1024)
        var sums = [Double](repeating: 0, count: points.columns)
        var count = 0.0
        for row in stride(from: 0, to: points.rows, by: step) {
            for (column, value) in points.row(row).enumerated() { sums[column] += Double(value) }
            count += 1
        }
        return sums.map { Float($0 / count) }
    }
}
