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
        let products = columns * columns
        let near = Self.meanOfSomeRows(points)
        // The upper triangle of the products; behind them the sums of the elements, each as a float and what that float lacks.
        let triangle = CentredPoints.upperTriangle(size: columns)
        var sums = CentredPoints(points: points, means: near, threads: threads)
            .summed(size: products + 2 * columns, parts: triangle + [products..<products + 2 * columns]) {
                block, rows, room in
                upperGram(
                    block, count: rows.count, columns: columns,
                    into: UnsafeMutableBufferPointer(rebasing: room[..<products]))
                withUnsafeTemporaryAllocation(of: Double.self, capacity: columns) { sum in
                    sum.initialize(repeating: 0)
                    for row in 0..<rows.count {
                        let source = block.baseAddress.unsafelyUnwrapped + row * columns
                        for column in 0..<columns { sum[column] += Double(source[column]) }
                    }
                    for column in 0..<columns {
                        let rounded = Float(sum[column])
                        room[products + column] = rounded
                        room[products + columns + column] = Float(sum[column] - Double(rounded))
                    }
                }
            }
        let rows = Double(points.rows)
        let shift = (0..<columns).map { (sums[products + $0] + sums[products + columns + $0]) / rows }
        guard shift.allSatisfy(\.isFinite) else { return nil }
        means = zip(near, shift).map { Double($0) + $1 }
        sums.removeLast(2 * columns)
        for row in 0..<columns {
            for column in row..<columns { sums[row * columns + column] -= rows * shift[row] * shift[column] }
        }
        let total = (0..<columns).reduce(0) { $0 + sums[$1 * columns + $1] }
        directions = largestEigenvectors(&sums, size: columns, count: count).map {
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
