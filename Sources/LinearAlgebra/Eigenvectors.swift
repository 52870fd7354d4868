internal import COpenBLAS

/// The largest eigenvalues of a symmetric matrix and their eigenvectors.
///
/// - Parameters:
///   - matrix: `size × size` elements; only the upper triangle is read. Destroyed.
///   - count: how many, at most `size`.
/// - Returns: eigenvalues, the largest first, and as many unit vectors of `size` elements, row after row; nil where LAPACK's
///   iteration does not converge.
/// - Complexity: O(size³), by LAPACK's `dsyevr`; by divide and conquer (`dstedc`), which finds all, where a quarter or more of a
///   large matrix's are wanted: bisection for some of them takes longer.
public func largestEigenvectors(
    _ matrix: inout [Double], size: Int, count: Int
) -> (values: [Double], vectors: [Double])? {
    precondition(matrix.count == size * size, "A matrix of \(size) × \(size) has \(size * size) elements.")
    precondition(count >= 0 && count <= size, "A matrix of \(size) × \(size) has no \(count) eigenvalues.")
    guard count > 0 else { return ([], []) }
    _ = singleThreaded
    let found =
        size >= 256 && 4 * count >= size
        ? byDivideAndConquer(&matrix, size: size, count: count) : byBisection(&matrix, size: size, count: count)
    return found.map { descending($0, size: size) }
}

/// The upper triangle of a row-major matrix is the lower one to LAPACK.
private let half = CChar(UInt8(ascii: "L"))

/// The largest `count` eigenvalues in ascending order, and their vectors, row after row.
private func byBisection(
    _ matrix: inout [Double], size: Int, count: Int
) -> (values: [Double], vectors: [Double])? {
    let n = Int32(size)
    let first = Int32(size - count + 1)
    var found: Int32 = 0
    var values = [Double](repeating: 0, count: size)
    var vectors = [Double](repeating: 0, count: size * count)
    var support = [Int32](repeating: 0, count: 2 * size)
    let info = withWorkspace { work, workSize, integers, integerSize in
        var info: Int32 = 0
        withUnsafePointer(to: n) { n in
            dsyevr_(
                "V", "I", [half], n, &matrix, n, [0], [0], [first], n, [0], &found, &values, &vectors, n, &support,
                work,
                workSize, integers, integerSize, &info, 1, 1, 1)
        }
        return info
    }
    guard info == 0, Int(found) == count else { return nil }
    return (Array(values[..<count]), vectors)
}

/// As `byBisection`: the matrix is made tridiagonal, all eigenvectors of that are found, and those wanted are carried back.
private func byDivideAndConquer(
    _ matrix: inout [Double], size: Int, count: Int
) -> (values: [Double], vectors: [Double])? {
    let n = Int32(size)
    let wanted = Int32(count)
    let skipped = size - count
    var values = [Double](repeating: 0, count: size)
    var besides = [Double](repeating: 0, count: size)
    var reflectors = [Double](repeating: 0, count: size)
    var vectors = [Double](repeating: 0, count: size * size)
    var info = withWorkspace { work, workSize, _, _ in
        var info: Int32 = 0
        dsytrd_([half], [n], &matrix, [n], &values, &besides, &reflectors, work, workSize, &info, 1)
        return info
    }
    if info == 0 {
        info = withWorkspace { work, workSize, integers, integerSize in
            var info: Int32 = 0
            dstedc_(
                "I", [n], &values, &besides, &vectors, [n], work, workSize, integers, integerSize, &info, 1)
            return info
        }
    }
    guard info == 0 else { return nil }
    vectors.removeFirst(skipped * size)
    info = withWorkspace { work, workSize, _, _ in
        var info: Int32 = 0
        dormtr_(
            "L", [half], "N", [n], [wanted], matrix, [n], reflectors, &vectors, [n], work, workSize, &info, 1, 1, 1)
        return info
    }
    return info == 0 ? (Array(values[skipped...]), vectors) : nil
}

/// Calls LAPACK twice: with sizes of −1 it answers how much room it wants, then it gets that.
///
/// - Returns: LAPACK's `info`: over 0 where it does not converge.
private func withWorkspace(
    _ call: (UnsafeMutablePointer<Double>, UnsafePointer<Int32>, UnsafeMutablePointer<Int32>, UnsafePointer<Int32>) ->
        Int32
) -> Int32 {
    var work = [0.0]
    var integers: [Int32] = [0]
    var info = call(&work, [-1], &integers, [-1])
    precondition(info >= 0, "LAPACK refused argument \(-info).")
    guard info == 0 else { return info }
    work = [Double](repeating: 0, count: max(1, Int(work[0])))
    integers = [Int32](repeating: 0, count: max(1, Int(integers[0])))
    info = call(&work, [Int32(work.count)], &integers, [Int32(integers.count)])
    precondition(info >= 0, "LAPACK refused argument \(-info).")
    return info
}

/// Eigenvalues in ascending order, and their vectors, in descending order.
private func descending(
    _ found: (values: [Double], vectors: [Double]), size: Int
) -> (values: [Double], vectors: [Double]) {
    var vectors: [Double] = []
    vectors.reserveCapacity(found.vectors.count)
    for place in found.values.indices.reversed() { vectors += found.vectors[place * size..<(place + 1) * size] }
    return (found.values.reversed(), vectors)
}
