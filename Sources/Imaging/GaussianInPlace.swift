/// Blurs an image where it lies, or sharpens it by its difference to the blurred one; the bits of `gaussianFilter`.
///
/// Only as many filtered rows are kept besides as the kernel is high, so that the image is read once and written once.
///
/// - Parameters:
///   - pixels: `rows` × `columns` values.
///   - sharpening: adds this much of x − G(x) to x; nil replaces x by G(x).
///   - making: is asked for rows before they are first read, in order, a few at a time, each once: who makes them there has
///     them filtered while they lie in the cache.
public func gaussianFilterInPlace(
    _ pixels: UnsafeMutableBufferPointer<Float>, rows: Int, columns: Int, sigmaPx: Double, truncate: Double = 4,
    sharpening: Float? = nil, making: (Range<Int>) -> Void = { _ in }
) {
    precondition(sigmaPx >= 0 && sigmaPx.isFinite, "A Gaussian's sigma must be finite and not negative: \(sigmaPx).")
    precondition(pixels.count == rows * columns, "\(rows) × \(columns) pixels are not \(pixels.count).")
    let radius = Int(truncate * sigmaPx + 0.5)
    guard radius > 0, let image = pixels.baseAddress, rows > 0, columns > 0 else {
        making(0..<rows)
        return
    }
    let kernel = SymmetricKernel(weights: gaussianWeights(sigmaPx: sigmaPx, radius: radius))
    let window = 2 * radius + 1
    let few = 16
    withUnsafeTemporaryAllocation(of: Float.self, capacity: (window + 2) * columns + 2 * radius) { scratch in
        guard let kept = scratch.baseAddress else { return }
        let blurred = kept + window * columns
        let padded = blurred + columns
        /// Filters a row along; it takes the place of the one before it by `window` rows.
        func filterAlong(_ row: Int) {
            if row % few == 0 { making(row..<min(row + few, rows)) }
            let source = image + row * columns
            for column in 0..<radius {
                padded[column] = source[reflectedIndex(column - radius, count: columns)]
                padded[radius + columns + column] = source[reflectedIndex(columns + column, count: columns)]
            }
            (padded + radius).update(from: source, count: columns)
            kernel.filter(along: padded, into: kept + row % window * columns, count: columns)
        }
        withUnsafeTemporaryAllocation(of: UnsafePointer<Float>.self, capacity: window) { lines in
            for row in 0..<min(radius, rows) { filterAlong(row) }
            for row in 0..<rows {
                if row + radius < rows { filterAlong(row + radius) }
                // A reflected row lies no farther from this one than the one that it stands for: it is still kept.
                for line in 0..<window {
                    let place = reflectedIndex(row - radius + line, count: rows) % window
                    lines[line] = UnsafePointer(kept + place * columns)
                }
                let target = image + row * columns
                guard let sharpening else {
                    kernel.filter(across: UnsafeBufferPointer(lines), into: target, count: columns)
                    continue
                }
                kernel.filter(across: UnsafeBufferPointer(lines), into: blurred, count: columns)
                for column in 0..<columns { target[column] += sharpening * (target[column] - blurred[column]) }
            }
        }
    }
}
