import NDArray

/// A filter along lines. A type of its own, not a closure, so that its loops are compiled into the passes.
protocol LineKernel: Sendable {
    associatedtype Element: Sendable & BitwiseCopyable

    /// Filters one line.
    ///
    /// - Parameters:
    ///   - padded: the line with its padding; may be overwritten.
    ///   - output: takes `count` results; it does not overlap `padded`.
    func filter(along padded: UnsafeMutablePointer<Element>, into output: UnsafeMutablePointer<Element>, count: Int)

    /// Filters across lines: the same weights on the elements that stand below each other.
    ///
    /// - Parameters:
    ///   - lines: as many as the window is high, each of `count` elements.
    ///   - output: takes `count` results; it does not overlap the lines.
    func filter(
        across lines: UnsafeBufferPointer<UnsafePointer<Element>>, into output: UnsafeMutablePointer<Element>,
        count: Int)
}

/// Runs a filter along every row and then across the rows, the image continued by reflection.
///
/// Only the rows that stand in the window at a time are kept between the two, so that the image is read once and the result written once.
///
/// - Parameters:
///   - before: elements of the window before its middle.
///   - after: elements of the window after it.
func separableFilter<Kernel: LineKernel>(
    _ image: Image<Kernel.Element>, before: Int, after: Int, threads: Int, kernel: Kernel
) -> Image<Kernel.Element> {
    guard image.count > 0 else { return image }
    let (rows, columns) = (image.rows, image.columns)
    let window = before + after + 1
    let result = [Kernel.Element](unsafeUninitializedCapacity: image.count) { buffer, initialised in
        let output = DisjointSlices(buffer)
        let input = image.elements
        // At a band's edges rows are filtered twice: a band is tall against the window.
        parallelBands(rows, band: max(64, 4 * window), threads: threads) { band in
            let padded = UnsafeMutablePointer<Kernel.Element>.allocate(capacity: columns + window)
            let kept = UnsafeMutablePointer<Kernel.Element>.allocate(capacity: window * columns)
            let lines = UnsafeMutableBufferPointer<UnsafePointer<Kernel.Element>>.allocate(capacity: window)
            defer {
                padded.deallocate()
                kept.deallocate()
                lines.deallocate()
            }
            input.withUnsafeBufferPointer { source in
                /// Row `row` of the continued image lies, filtered, at a place that comes round after `window` rows.
                func place(_ row: Int) -> UnsafeMutablePointer<Kernel.Element> {
                    kept + (row + window) % window * columns
                }
                func filterRow(_ row: Int) {
                    let start = reflectedIndex(row, count: rows) * columns
                    for column in 0..<before {
                        padded[column] = source[start + reflectedIndex(column - before, count: columns)]
                    }
                    for column in 0..<columns { padded[before + column] = source[start + column] }
                    for column in 0..<after {
                        padded[before + columns + column] =
                            source[start + reflectedIndex(columns + column, count: columns)]
                    }
                    kernel.filter(along: padded, into: place(row), count: columns)
                }
                for row in band.lowerBound - before..<band.lowerBound + after { filterRow(row) }
                for row in band {
                    filterRow(row + after)
                    for line in 0..<window { lines[line] = UnsafePointer(place(row - before + line)) }
                    kernel.filter(
                        across: UnsafeBufferPointer(lines), into: output.base + row * columns, count: columns)
                }
            }
        }
        initialised = buffer.count
    }
    return Image(rows: rows, columns: columns, elements: result)
}

/// Runs `body` on every whole block of a line's elements, and `rest` on each element that is left.
@inline(__always)
func forEachBlock<Block: SIMD>(of type: Block.Type, _ count: Int, _ body: (Int) -> Void, rest: (Int) -> Void) {
    var index = 0
    while index + Block.scalarCount <= count {
        body(index)
        index += Block.scalarCount
    }
    while index < count {
        rest(index)
        index += 1
    }
}

/// The elements of a line from a place on.
@inline(__always)
func block<Block: SIMD>(_ line: UnsafePointer<Block.Scalar>, _ index: Int) -> Block where Block: BitwiseCopyable {
    UnsafeRawPointer(line + index).loadUnaligned(as: Block.self)
}

@inline(__always)
func store<Block: SIMD>(_ block: Block, at place: UnsafeMutablePointer<Block.Scalar>) where Block: BitwiseCopyable {
    UnsafeMutableRawPointer(place).storeBytes(of: block, as: Block.self)
}
