/// Solves A x = b for a symmetric positive definite A by Cholesky's factorisation.
///
/// - Parameters:
///   - matrix: `count × count` elements; only the upper triangle is read.
///   - right: `count` elements.
/// - Returns: x, or nil where A is not positive definite (singular normal equations, for example).
/// - Complexity: O(count³ / 3); made for a handful of unknowns.
public func solveSymmetricPositive(_ matrix: [Double], _ right: [Double]) -> [Double]? {
    let count = right.count
    precondition(matrix.count == count * count, "A system of \(count) unknowns needs \(count * count) elements.")
    // A = Uᵀ U, row by row; each row of U is known before the next needs it.
    var factor = matrix
    var solution = right
    for row in 0..<count {
        for column in row..<count {
            var sum = factor[row * count + column]
            for above in 0..<row { sum -= factor[above * count + row] * factor[above * count + column] }
            if column > row {
                factor[row * count + column] = sum / factor[row * count + row]
            } else {
                guard sum > 0, sum.isFinite else { return nil }
                factor[row * count + row] = sum.squareRoot()
            }
        }
        // Uᵀ y = b on the way.
        for above in 0..<row { solution[row] -= factor[above * count + row] * solution[above] }
        solution[row] /= factor[row * count + row]
    }
    for row in (0..<count).reversed() {
        for column in row + 1..<max(count, row + 1) { solution[row] -= factor[row * count + column] * solution[column] }
        solution[row] /= factor[row * count + row]
    }
    return solution.allSatisfy(\.isFinite) ? solution : nil
}
