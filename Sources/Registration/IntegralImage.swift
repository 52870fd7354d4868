public import NDArray

/// Sums over any upright box of an image in four look-ups, whatever its size.
///
/// The image is quantised to sixteenths of a gray level and framed by `margin` pixels that repeat its border, so that filters may
/// stick out. Sums are exact: 32-bit sums wrap, and a box's difference is right as long as the box itself stays below 2³¹
/// (a box of half a million pixels does).
public struct IntegralImage: Sendable {
    /// Size of the image without its margin.
    public let rows: Int
    public let columns: Int
    public let margin: Int
    /// Elements from one row of sums to the next.
    let stride: Int
    /// (rows + 2 margin + 1) × stride sums over everything above and left of an element, exclusively.
    let sums: [UInt32]

    /// One gray level of the input in units of the sums.
    static let unitsPerLevel: Float = 16

    /// - Parameter image: gray levels 0 … 255; others are clamped.
    public init(_ image: Image<Float>, margin: Int) {
        precondition(margin >= 0, "A margin cannot be negative: \(margin).")
        precondition(image.rows > 0 && image.columns > 0, "An empty image has no integral.")
        rows = image.rows
        columns = image.columns
        self.margin = margin
        let width = image.columns + 2 * margin
        let height = image.rows + 2 * margin
        let stride = width + 1
        self.stride = stride
        sums = [UInt32](unsafeUninitializedCapacity: (height + 1) * stride) { buffer, initialised in
            initialised = buffer.count
            for column in 0..<stride { buffer[column] = 0 }
            var line = [UInt32](repeating: 0, count: width)
            image.elements.withUnsafeBufferPointer { pixels in
                var quantised = -1
                for row in 0..<height {
                    let source = min(max(row - margin, 0), image.rows - 1)
                    if source != quantised {
                        for column in 0..<image.columns {
                            let level = min(max(pixels[source * image.columns + column], 0), 255)
                            line[margin + column] = UInt32(level * IntegralImage.unitsPerLevel + 0.5)
                        }
                        for column in 0..<margin {
                            line[column] = line[margin]
                            line[margin + image.columns + column] = line[margin + image.columns - 1]
                        }
                        quantised = source
                    }
                    let above = row * stride
                    let here = above + stride
                    var running: UInt32 = 0
                    buffer[here] = 0
                    for column in 0..<width {
                        running &+= line[column]
                        buffer[here + column + 1] = buffer[above + column + 1] &+ running
                    }
                }
            }
        }
    }

    /// The sum over the box from (row, column) on, in sixteenths of gray levels; what sticks out of the margin is cut off.
    public func sum(row: Int, column: Int, height: Int, width: Int) -> Int {
        sums.withUnsafeBufferPointer { sums in
            Int(Int32(bitPattern: boxSum(sums, row: row, column: column, height: height, width: width)))
        }
    }

    @inline(__always) func boxSum(
        _ sums: UnsafeBufferPointer<UInt32>, row: Int, column: Int, height: Int, width: Int
    ) -> UInt32 {
        let top = min(max(row + margin, 0), rows + 2 * margin)
        let bottom = min(max(row + margin + height, 0), rows + 2 * margin)
        let left = min(max(column + margin, 0), columns + 2 * margin)
        let right = min(max(column + margin + width, 0), columns + 2 * margin)
        return sums[bottom * stride + right] &- sums[top * stride + right] &- sums[bottom * stride + left]
            &+ sums[top * stride + left]
    }
}
