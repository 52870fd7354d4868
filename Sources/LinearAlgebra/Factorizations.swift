internal import COpenBLAS

/// R of the QR factorisation of a tall matrix: upper triangular, with RᵀR = AᵀA, found without squaring A.
///
/// The R of stacked rows is the R of their stacked Rs, so a matrix of any height is factorised in pieces.
///
/// - Parameters:
///   - matrix: `rows × columns` elements, row-major; destroyed. `rows ≥ columns` is not needed.
/// - Returns: `min(rows, columns) × columns` elements, row-major; zero below the diagonal.
/// - Complexity: O(rows · columns²), by LAPACK's `dgelqf` on the transpose.
public func triangularFactor(_ matrix: inout [Double], rows: Int, columns: Int) -> [Double] {
    precondition(matrix.count >= rows * columns, "The matrix has fewer than \(rows) × \(columns) elements.")
    let kept = min(rows, columns)
    guard kept > 0 else { return [] }
    _ = singleThreaded
    // Row-major A is Aᵀ to LAPACK; Aᵀ = L Q, so A = Qᵀ Lᵀ and R = Lᵀ.
    var m = Int32(columns)
    var n = Int32(rows)
    var lda = m
    var info: Int32 = 0
    var size: Int32 = -1
    var tau = [Double](repeating: 0, count: kept)
    var work = [0.0]
    dgelqf_(&m, &n, &matrix, &lda, &tau, &work, &size, &info)
    size = Int32(max(1, work[0]))
    work = [Double](repeating: 0, count: Int(size))
    dgelqf_(&m, &n, &matrix, &lda, &tau, &work, &size, &info)
    precondition(info == 0, "dgelqf refused argument \(-info).")
    var factor = [Double](repeating: 0, count: kept * columns)
    for row in 0..<kept {
        for column in row..<columns { factor[row * columns + column] = matrix[row * columns + column] }
    }
    return factor
}

/// The X of least norm among those that minimise ‖A X − B‖, by the singular values of A.
///
/// - Parameters:
///   - matrix: A, `rows × columns` elements, row-major.
///   - right: B, `rows × targets` elements, row-major.
///   - relativeCutoff: singular values up to this part of the largest count as 0.
/// - Returns: X, `columns × targets` elements, row-major, and A's rank; nil where LAPACK's iteration does not converge.
/// - Complexity: O(rows · columns²), by LAPACK's `dgelsd`.
public func minimumNormSolution(
    _ matrix: [Double], rows: Int, columns: Int, right: [Double], targets: Int, relativeCutoff: Double
) -> (solution: [Double], rank: Int)? {
    precondition(matrix.count == rows * columns, "A matrix of \(rows) × \(columns) has \(rows * columns) elements.")
    precondition(right.count == rows * targets, "A right side of \(rows) × \(targets) has \(rows * targets) elements.")
    guard rows > 0, columns > 0, targets > 0 else {
        return ([Double](repeating: 0, count: columns * targets), 0)
    }
    _ = singleThreaded
    var a = columnMajor(matrix, rows: rows, columns: columns)
    let tall = max(rows, columns)
    var b = [Double](repeating: 0, count: tall * targets)
    for row in 0..<rows {
        for target in 0..<targets { b[target * tall + row] = right[row * targets + target] }
    }
    var m = Int32(rows)
    var n = Int32(columns)
    var sides = Int32(targets)
    var lda = m
    var ldb = Int32(tall)
    var cutoff = relativeCutoff
    var rank: Int32 = 0
    var info: Int32 = 0
    var size: Int32 = -1
    var singular = [Double](repeating: 0, count: min(rows, columns))
    var work = [0.0]
    var integers: [Int32] = [0]
    dgelsd_(&m, &n, &sides, &a, &lda, &b, &ldb, &singular, &cutoff, &rank, &work, &size, &integers, &info)
    size = Int32(max(1, work[0]))
    work = [Double](repeating: 0, count: Int(size))
    integers = [Int32](repeating: 0, count: Int(max(1, integers[0])))
    dgelsd_(&m, &n, &sides, &a, &lda, &b, &ldb, &singular, &cutoff, &rank, &work, &size, &integers, &info)
    precondition(info >= 0, "dgelsd refused argument \(-info).")
    guard info == 0 else { return nil }
    var solution = [Double](repeating: 0, count: columns * targets)
    for column in 0..<columns {
        for target in 0..<targets { solution[column * targets + target] = b[target * tall + column] }
    }
    return (solution, Int(rank))
}

/// The singular values of a matrix and its right singular vectors, the largest first.
///
/// - Parameter matrix: `rows × columns` elements, row-major; destroyed.
/// - Returns: `min(rows, columns)` singular values, and as many vectors of `columns` elements, row after row; nil where LAPACK's
///   iteration does not converge.
/// - Complexity: O(rows · columns · min(rows, columns)), by LAPACK's `dgesdd`.
public func rightSingularVectors(
    _ matrix: inout [Double], rows: Int, columns: Int
) -> (values: [Double], vectors: [Double])? {
    precondition(matrix.count == rows * columns, "A matrix of \(rows) × \(columns) has \(rows * columns) elements.")
    let kept = min(rows, columns)
    guard kept > 0 else { return ([], []) }
    _ = singleThreaded
    // Row-major A is Aᵀ = V S Uᵀ to LAPACK: its left vectors, column after column, are A's right ones, row after row.
    var m = Int32(columns)
    var n = Int32(rows)
    var lda = m
    var ldu = m
    var ldvt = Int32(kept)
    var info: Int32 = 0
    var size: Int32 = -1
    var values = [Double](repeating: 0, count: kept)
    var vectors = [Double](repeating: 0, count: kept * columns)
    var others = [Double](repeating: 0, count: kept * rows)
    var integers = [Int32](repeating: 0, count: 8 * kept)
    var work = [0.0]
    var job = CChar(UInt8(ascii: "S"))
    dgesdd_(
        &job, &m, &n, &matrix, &lda, &values, &vectors, &ldu, &others, &ldvt, &work, &size, &integers, &info, 1)
    size = Int32(max(1, work[0]))
    work = [Double](repeating: 0, count: Int(size))
    dgesdd_(
        &job, &m, &n, &matrix, &lda, &values, &vectors, &ldu, &others, &ldvt, &work, &size, &integers, &info, 1)
    precondition(info >= 0, "dgesdd refused argument \(-info).")
    return info == 0 ? (values, vectors) : nil
}

/// Makes the rows of a matrix orthonormal without changing what they span (Householder's QR of the transpose).
///
/// - Parameter matrix: `rows × columns` elements, row-major, `rows ≤ columns`; rows that depend on those before become arbitrary
///   orthonormal ones.
/// - Complexity: O(columns · rows²).
public func orthonormalizeRows(_ matrix: inout [Double], rows: Int, columns: Int) {
    precondition(matrix.count == rows * columns, "A matrix of \(rows) × \(columns) has \(rows * columns) elements.")
    precondition(rows <= columns, "\(rows) rows of \(columns) elements cannot be orthonormal.")
    guard rows > 0 else { return }
    _ = singleThreaded
    // Row-major rows are columns to LAPACK.
    var m = Int32(columns)
    var n = Int32(rows)
    var info: Int32 = 0
    var tau = [Double](repeating: 0, count: rows)
    var work = [0.0]
    var size: Int32 = -1
    dgeqrf_(&m, &n, &matrix, &m, &tau, &work, &size, &info)
    size = Int32(max(1, work[0]))
    work = [Double](repeating: 0, count: Int(size))
    dgeqrf_(&m, &n, &matrix, &m, &tau, &work, &size, &info)
    precondition(info == 0, "dgeqrf refused argument \(-info).")
    // dorgqr wants no more room than dgeqrf: n columns times the block size.
    dorgqr_(&m, &n, &n, &matrix, &m, &tau, &work, &size, &info)
    precondition(info == 0, "dorgqr refused argument \(-info).")
}

/// The same matrix, column after column, as LAPACK has it.
private func columnMajor(_ matrix: [Double], rows: Int, columns: Int) -> [Double] {
    var result = [Double](repeating: 0, count: matrix.count)
    for row in 0..<rows {
        for column in 0..<columns { result[column * rows + row] = matrix[row * columns + column] }
    }
    return result
}
