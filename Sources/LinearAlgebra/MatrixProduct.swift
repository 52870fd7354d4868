internal import COpenBLAS

/// OpenBLAS with one thread: our own loops share out the work themselves, and one thread adds in one order.
///
/// Its value is read before every call, so the library is set up exactly once.
let singleThreaded: Void = openblas_set_num_threads(1)

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

/// The product of two matrices, C = A · B + `keeping` · C, row-major; see `productWithTranspose`.
///
/// - Parameters:
///   - left: `rows × inner` elements.
///   - right: `inner × columns` elements.
///   - keeping: what the elements of `output` are multiplied by before the product is added; with 0 they may be undefined.
///   - output: `rows × columns` elements.
public func product(
    _ left: UnsafeBufferPointer<Float>, _ right: UnsafeBufferPointer<Float>, rows: Int, columns: Int, inner: Int,
    keeping: Float = 0, into output: UnsafeMutableBufferPointer<Float>
) {
    precondition(left.count >= rows * inner, "The left matrix has fewer than \(rows) × \(inner) elements.")
    precondition(right.count >= inner * columns, "The right matrix has fewer than \(inner) × \(columns) elements.")
    precondition(output.count >= rows * columns, "The output has no room for \(rows) × \(columns).")
    guard rows > 0, columns > 0 else { return }
    _ = singleThreaded
    cblas_sgemm(
        CblasRowMajor, CblasNoTrans, CblasNoTrans, blasint(rows), blasint(columns), blasint(inner), 1,
        left.baseAddress, blasint(max(inner, 1)), right.baseAddress, blasint(columns), keeping, output.baseAddress,
        blasint(columns))
}

/// The product of a transposed matrix and another, C = Aᵀ · B + `keeping` · C, row-major; see `productWithTranspose`.
///
/// - Parameters:
///   - left: `inner × rows` elements.
///   - right: `inner × columns` elements.
///   - keeping: what the elements of `output` are multiplied by before the product is added; with 0 they may be undefined.
///   - output: `rows × columns` elements.
public func productOfTranspose(
    _ left: UnsafeBufferPointer<Float>, _ right: UnsafeBufferPointer<Float>, rows: Int, columns: Int, inner: Int,
    keeping: Float = 0, into output: UnsafeMutableBufferPointer<Float>
) {
    precondition(left.count >= inner * rows, "The left matrix has fewer than \(inner) × \(rows) elements.")
    precondition(right.count >= inner * columns, "The right matrix has fewer than \(inner) × \(columns) elements.")
    precondition(output.count >= rows * columns, "The output has no room for \(rows) × \(columns).")
    guard rows > 0, columns > 0 else { return }
    _ = singleThreaded
    cblas_sgemm(
        CblasRowMajor, CblasTrans, CblasNoTrans, blasint(rows), blasint(columns), blasint(inner), 1, left.baseAddress,
        blasint(rows), right.baseAddress, blasint(columns), keeping, output.baseAddress, blasint(columns))
}

/// The inner products of a matrix's columns with each other, C = Aᵀ · A + `keeping` · C, in the upper triangle of C only.
///
/// - Parameters:
///   - rows: `count × columns` elements, row-major.
///   - keeping: what the elements of `output` are multiplied by before the product is added; with 0 they may be undefined.
///   - output: `columns × columns` elements; the strict lower triangle is left as it is.
public func upperGram(
    _ rows: UnsafeBufferPointer<Float>, count: Int, columns: Int, keeping: Float = 0,
    into output: UnsafeMutableBufferPointer<Float>
) {
    precondition(rows.count >= count * columns, "The matrix has fewer than \(count) × \(columns) elements.")
    precondition(output.count >= columns * columns, "The output has no room for \(columns) × \(columns).")
    guard columns > 0 else { return }
    _ = singleThreaded
    cblas_ssyrk(
        CblasRowMajor, CblasUpper, CblasTrans, blasint(columns), blasint(count), 1, rows.baseAddress, blasint(columns),
        keeping, output.baseAddress, blasint(columns))
}

/// y += scale · x, for a row of a matrix.
public func addRow(
    _ row: UnsafePointer<Float>, count: Int, scale: Float = 1, to sum: UnsafeMutablePointer<Float>
) {
    cblas_saxpy(blasint(count), scale, row, 1, sum, 1)
}
