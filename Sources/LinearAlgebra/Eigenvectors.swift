internal import COpenBLAS

/// The largest eigenvalues of a symmetric matrix and their eigenvectors.
///
/// - Parameters:
///   - matrix: `size × size` elements; only the upper triangle is read. Destroyed.
///   - count: how many, at most `size`.
/// - Returns: eigenvalues, the largest first, and as many unit vectors of `size` elements, row after row; nil where LAPACK's
///   iteration does not converge.
/// - Complexity: O(size³), by LAPACK's `dsyevr`; by `dsyevd`, which finds all, where a quarter or more of a large matrix's are
///   wanted: bisection for some of them takes longer.
public func largestEigenvectors(
    _ matrix: inout [Double], size: Int, count: Int
) -> (values: [Double], vectors: [Double])? {
    precondition(matrix.count == size * size, "A matrix of \(size) × \(size) has \(size * size) elements.")
    precondition(count >= 0 && count <= size, "A matrix of \(size) × \(size) has no \(count) eigenvalues.")
    guard count > 0 else { return ([], []) }
    _ = singleThreaded
    if size >= 256, 4 * count >= size {
        return allEigenvectors(&matrix, size: size).map { largest(count, of: $0, size: size) }
    }
    var n = Int32(size)
    var first = Int32(size - count + 1)
    var last = n
    var lda = n
    var ldz = n
    var zero = 0.0
    var tolerance = 0.0
    var found: Int32 = 0
    var info: Int32 = 0
    var workSize: Int32 = -1
    var integerSize: Int32 = -1
    var values = [Double](repeating: 0, count: size)
    var vectors = [Double](repeating: 0, count: size * count)
    var support = [Int32](repeating: 0, count: 2 * size)
    var work = [0.0]
    var integers: [Int32] = [0]
    var job = CChar(UInt8(ascii: "V"))
    var range = CChar(UInt8(ascii: "I"))
    // The upper triangle of a row-major matrix is the lower one to LAPACK.
    var half = CChar(UInt8(ascii: "L"))
    for _ in 0..<2 {
        dsyevr_(
            &job, &range, &half, &n, &matrix, &lda, &zero, &zero, &first, &last, &tolerance, &found, &values, &vectors,
            &ldz, &support, &work, &workSize, &integers, &integerSize, &info, 1, 1, 1)
        precondition(info >= 0, "dsyevr refused argument \(-info).")
        guard info == 0 else { return nil }
        // The first call only asks for the sizes of the workspaces.
        if workSize == -1 {
            workSize = Int32(max(1, work[0]))
            integerSize = max(1, integers[0])
            work = [Double](repeating: 0, count: Int(workSize))
            integers = [Int32](repeating: 0, count: Int(integerSize))
        }
    }
    guard Int(found) == count else { return nil }
    return largest(count, of: (Array(values[..<count]), vectors), size: size)
}

/// All eigenvalues, the smallest first, and their eigenvectors, row after row.
private func allEigenvectors(_ matrix: inout [Double], size: Int) -> (values: [Double], vectors: [Double])? {
    var n = Int32(size)
    var lda = n
    var info: Int32 = 0
    var workSize: Int32 = -1
    var integerSize: Int32 = -1
    var values = [Double](repeating: 0, count: size)
    var work = [0.0]
    var integers: [Int32] = [0]
    var job = CChar(UInt8(ascii: "V"))
    var half = CChar(UInt8(ascii: "L"))
    for _ in 0..<2 {
        dsyevd_(
            &job, &half, &n, &matrix, &lda, &values, &work, &workSize, &integers, &integerSize, &info, 1, 1)
        precondition(info >= 0, "dsyevd refused argument \(-info).")
        guard info == 0 else { return nil }
        // The first call only asks for the sizes of the workspaces.
        if workSize == -1 {
            workSize = Int32(max(1, work[0]))
            integerSize = max(1, integers[0])
            work = [Double](repeating: 0, count: Int(workSize))
            integers = [Int32](repeating: 0, count: Int(integerSize))
        }
    }
    return (values, matrix)
}

/// The last `count` of eigenvalues in ascending order, with their vectors, in descending order.
private func largest(
    _ count: Int, of found: (values: [Double], vectors: [Double]), size: Int
) -> (values: [Double], vectors: [Double]) {
    var ordered: [Double] = []
    ordered.reserveCapacity(count * size)
    for place in 1...count {
        let source = (found.values.count - place) * size
        ordered += found.vectors[source..<source + size]
    }
    return (found.values.suffix(count).reversed(), ordered)
}
