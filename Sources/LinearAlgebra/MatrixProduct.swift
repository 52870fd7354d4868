internal import COpenBLAS

/// OpenBLAS with one thread: our own loops share out the work themselves, and one thread adds in one order.
///
/// Its value is read before every call, so the library is set up exactly once.
private let singleThreaded: Void = openblas_set_num_threads(1)

/// The product of a matrix and the transpose of another, C = A · Bᵀ: all inner products of A's rows with B's rows.
///
/// Row-major throughout. Safe to call from several threads at once on disjoint outputs.
///
/// - Parameters:
///   - left: `leftRows × inner` elements.
///   - right: `rightRows × inner` elements.
///   - output: room for `leftRows × rightRows` elements; what stood there is overwritten.
/// - Complexity: O(leftRows · rightRows · inner), by OpenBLAS' `sgemm` with one thread.
public func productWithTranspose(
    _ left: UnsafeBufferPointer<Float>, rows leftRows: Int, _ right: UnsafeBufferPointer<Float>, rows rightRows: Int,
    inner: Int, into output: UnsafeMutableBufferPointer<Float>
) {
    precondition(left.count >= leftRows * inner, "The left matrix has fewer than \(leftRows) × \(inner) elements.")
    precondition(right.count >= rightRows * inner, "The right matrix has fewer than \(rightRows) × \(inner) elements.")
    precondition(output.count >= leftRows * rightRows, "The output has no room for \(leftRows) × \(rightRows).")
    guard leftRows > 0, rightRows > 0 else { return }
    guard inner > 0 else {
        output.update(repeating: 0)
        return
    }
    _ = singleThreaded
    cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasTrans, blasint(leftRows), blasint(rightRows), blasint(inner), 1,
        left.baseAddress, blasint(inner), right.baseAddress, blasint(inner), 0, output.baseAddress, blasint(rightRows))
}
