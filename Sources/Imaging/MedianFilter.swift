public import NDArray

/// The median of the `size × size` window around each pixel.
///
/// The window's histogram moves along the row: a column of pixels leaves, a column enters, and the median is followed
/// from where it was.
///
/// - Parameter size: odd side of the window in pixels; 1 gives the image itself.
/// - Complexity: O(pixels · size).
///
/// Reference: T. S. Huang et al., IEEE Trans. ASSP 27, 13 (1979); `scipy.ndimage.median_filter`, mode `reflect`;
/// results are equal.
public func medianFilter(_ image: Image<UInt8>, size: Int, threads: Int = 1) -> Image<UInt8> {
    precondition(size >= 1 && size % 2 == 1, "A median's window needs an odd side, not \(size).")
    guard size > 1, image.count > 0 else { return image }
    let rows = image.rows
    let columns = image.columns
    let radius = size / 2
    let middle = size * size / 2
    let input = image.elements
    let elements = [UInt8](unsafeUninitializedCapacity: image.count) { buffer, initialised in
        let output = DisjointSlices(buffer)
        parallelBands(rows, band: 16, threads: threads) { band in
            var counts = [Int32](repeating: 0, count: 256)
            input.withUnsafeBufferPointer { pixels in
                for row in band {
                    let lines = (row - radius...row + radius).map { reflectedIndex($0, count: rows) * columns }
                    for level in counts.indices { counts[level] = 0 }
                    for column in -radius...radius {
                        let column = reflectedIndex(column, count: columns)
                        for line in lines { counts[Int(pixels[line + column])] += 1 }
                    }
                    var median = 0
                    // Pixels below `median`.
                    var below = 0
                    for column in 0..<columns {
                        if column > 0 {
                            let leaving = reflectedIndex(column - radius - 1, count: columns)
                            let entering = reflectedIndex(column + radius, count: columns)
                            for line in lines {
                                let old = Int(pixels[line + leaving])
                                let new = Int(pixels[line + entering])
                                counts[old] -= 1
                                counts[new] += 1
                                if old < median { below -= 1 }
                                if new < median { below += 1 }
                            }
                        }
                        while below > middle {
                            median -= 1
                            below -= Int(counts[median])
                        }
                        while below + Int(counts[median]) <= middle {
                            below += Int(counts[median])
                            median += 1
                        }
                        output[row * columns + column] = UInt8(median)
                    }
                }
            }
        }
        initialised = buffer.count
    }
    return Image(rows: rows, columns: columns, elements: elements)
}
