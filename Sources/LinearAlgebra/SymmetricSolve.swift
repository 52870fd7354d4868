internal import COpenBLAS

/// Solves A x = b for a symmetric positive definite A by Cholesky's factorisation.
///
/// - Parameters:
///   - matrix: `count × count` elements; only the upper triangle is read.
///   - right: `count` elements.
/// - Returns: x, or nil where A is not positive definite (singular normal equations, for example).
/// - Complexity: O(count³ / 3), by LAPACK's `dposv`.
public func solveSymmetricPositive(_ matrix: [Double], _ right: [Double]) -> [Double]? {
    let count = right.count
    precondition(matrix.count == count * count, "A system of \(count) unknowns needs \(count * count) elements.")
    guard count > 0 else { return [] }
    openblas_set_num_threads(1)
    var factor = matrix
    var solution = right
    let status = LAPACKE_dposv(
        LAPACK_ROW_MAJOR, CChar(UInt8(ascii: "U")), Int32(count), 1, &factor, Int32(count), &solution, 1)
    return status == 0 && solution.allSatisfy(\.isFinite) ? solution : nil
}
