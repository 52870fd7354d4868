internal import NDArray

extension RegistrationImage {
    /// The section at half the resolution: means of 2 × 2 pixels, tissue where at least half of them are.
    func halved(threads: Int) -> RegistrationImage {
        let (newRows, newColumns) = (rows / 2, columns / 2)
        guard newRows > 0, newColumns > 0 else { return self }
        var small = Image<Float>(rows: newRows, columns: newColumns, filledWith: 0)
        var share = Image<UInt8>(rows: newRows, columns: newColumns, filledWith: 0)
        small.elements.withUnsafeMutableBufferPointer { small in
            share.elements.withUnsafeMutableBufferPointer { share in
                let (small, share) = (DisjointSlices(small), DisjointSlices(share))
                parallelBands(newRows, band: 32, threads: threads) { band in
                    gray.elements.withUnsafeBufferPointer { gray in
                        tissue.elements.withUnsafeBufferPointer { tissue in
                            guard let gray = gray.baseAddress, let tissue = tissue.baseAddress else { return }
                            for row in band {
                                let (start, at) = (2 * row * columns, row * newColumns)
                                halve(gray + start, gray + (start + columns), into: small.base + at, newColumns)
                                halve(tissue + start, tissue + (start + columns), into: share.base + at, newColumns)
                            }
                        }
                    }
                }
            }
        }
        return RegistrationImage(gray: small, tissue: share, background: background)
    }
}

/// Means of two lines' pixels, two by two.
private func halve(
    _ upper: UnsafePointer<Float>, _ lower: UnsafePointer<Float>, into means: UnsafeMutablePointer<Float>, _ count: Int
) {
    func eight(_ pixels: UnsafePointer<Float>) -> SIMD8<Float> {
        UnsafeRawPointer(pixels).loadUnaligned(as: SIMD8<Float>.self)
    }
    var column = 0
    while column + 4 <= count {
        let (a, b) = (eight(upper + 2 * column), eight(lower + 2 * column))
        let mean = (a.evenHalf + a.oddHalf + b.evenHalf + b.oddHalf) * 0.25
        UnsafeMutableRawPointer(means + column).storeBytes(of: mean, as: SIMD4<Float>.self)
        column += 4
    }
    for column in column..<count {
        let place = 2 * column
        means[column] = (upper[place] + upper[place + 1] + lower[place] + lower[place + 1]) * 0.25
    }
}

/// One where at least two of two lines' pixels, two by two, are not zero.
private func halve(
    _ upper: UnsafePointer<UInt8>, _ lower: UnsafePointer<UInt8>, into halves: UnsafeMutablePointer<UInt8>, _ count: Int
) {
    func sixteen(_ pixels: UnsafePointer<UInt8>) -> SIMD16<UInt8> {
        pointwiseMin(UnsafeRawPointer(pixels).loadUnaligned(as: SIMD16<UInt8>.self), SIMD16(repeating: 1))
    }
    var column = 0
    while column + 8 <= count {
        let sums = sixteen(upper + 2 * column) &+ sixteen(lower + 2 * column)
        // 0 … 4 pixels: from two on, two more are at least four.
        let share = (sums.evenHalf &+ sums.oddHalf &+ 2) &>> 2
        UnsafeMutableRawPointer(halves + column).storeBytes(of: share, as: SIMD8<UInt8>.self)
        column += 8
    }
    for column in column..<count {
        let place = 2 * column
        let sum = min(upper[place], 1) + min(upper[place + 1], 1) + min(lower[place], 1) + min(lower[place + 1], 1)
        halves[column] = sum >= 2 ? 1 : 0
    }
}
