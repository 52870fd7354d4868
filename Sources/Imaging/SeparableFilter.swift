import NDArray

/// Columns that a vertical pass takes along at a time: 64 floats are four cache lines a row.
private let blockColumns = 64

/// A filter along lines. A type of its own, not a closure, so that its loops are compiled into the passes.
protocol LineKernel: Sendable {
    /// Filters `width` lines that lie interleaved: element `i` of every line stands at `i * width ..< (i + 1) * width`.
    ///
    /// - Parameters:
    ///   - padded: the lines with their padding; may be overwritten.
    ///   - output: takes `count * width` results; it does not overlap `padded`.
    func filter(
        _ padded: UnsafeMutablePointer<Float>, into output: UnsafeMutablePointer<Float>, count: Int, width: Int)
}

/// Runs a filter along every row, then along every column, with lines padded by reflection.
///
/// Columns are handled a block at a time, as lines that lie interleaved, so that the same kernel serves both.
///
/// - Parameters:
///   - before: elements of padding at a line's start.
///   - after: elements of padding at its end.
func separableFilter(
    _ image: Image<Float>, before: Int, after: Int, threads: Int, kernel: some LineKernel
) -> Image<Float> {
    guard image.count > 0 else { return image }
    let rows = image.rows
    let columns = image.columns
    let horizontal = [Float](unsafeUninitializedCapacity: image.count) { buffer, initialised in
        let output = DisjointSlices(buffer)
        let input = image.elements
        parallelBands(rows, band: 32, threads: threads) { band in
            withUnsafeTemporaryAllocation(of: Float.self, capacity: columns + before + after) { padded in
                guard let line = padded.baseAddress else { return }
                input.withUnsafeBufferPointer { source in
                    for row in band {
                        let start = row * columns
                        for column in 0..<before {
                            line[column] = source[start + reflectedIndex(column - before, count: columns)]
                        }
                        for column in 0..<columns { line[before + column] = source[start + column] }
                        for column in 0..<after {
                            line[before + columns + column] =
                                source[start + reflectedIndex(columns + column, count: columns)]
                        }
                        kernel.filter(line, into: output.base + start, count: columns, width: 1)
                    }
                }
            }
        }
        initialised = buffer.count
    }
    let result = [Float](unsafeUninitializedCapacity: image.count) { buffer, initialised in
        let output = DisjointSlices(buffer)
        parallelBands(columns, band: blockColumns, threads: threads) { block in
            let width = block.count
            let padded = UnsafeMutablePointer<Float>.allocate(capacity: (rows + before + after) * width)
            let filtered = UnsafeMutablePointer<Float>.allocate(capacity: rows * width)
            defer {
                padded.deallocate()
                filtered.deallocate()
            }
            horizontal.withUnsafeBufferPointer { source in
                for row in -before..<rows + after {
                    let start = reflectedIndex(row, count: rows) * columns + block.lowerBound
                    let line = padded + (row + before) * width
                    for column in 0..<width { line[column] = source[start + column] }
                }
            }
            kernel.filter(padded, into: filtered, count: rows, width: width)
            for row in 0..<rows {
                let line = output.base + row * columns + block.lowerBound
                for column in 0..<width { line[column] = filtered[row * width + column] }
            }
        }
        initialised = buffer.count
    }
    return Image(rows: rows, columns: columns, elements: result)
}
