public import NDArray

/// The exact Euclidean distance of every set pixel to the nearest one that is not set, in the unit of the spacing; 0
/// where a pixel is not set, infinite where there is no unset pixel at all.
///
/// One pass along the columns counts steps, one along the rows takes the lower envelope of the parabolas that the
/// columns' distances stand for.
///
/// - Parameter spacing: distance of neighbouring rows and of neighbouring columns; the results come in its unit.
/// - Complexity: O(pixels).
///
/// Reference: P. F. Felzenszwalb, D. P. Huttenlocher, Theory Comput. 8, 415 (2012), doi:10.4086/toc.2012.v008a019;
/// `scipy.ndimage.distance_transform_edt`, equal to the rounding of a `Float`.
public func distanceTransform(
    of image: BitImage, spacing: (row: Double, column: Double) = (1, 1), threads: Int = 1
) -> Image<Float> {
    // Squares that are whole and below 2²⁴ are exact as `Float`, and their roots rounded once are those rounded by way of `Double`.
    let isWhole = spacing == (1, 1) && image.rows * image.rows + image.columns * image.columns < 1 << 24
    let elements =
        isWhole
        ? wholeDistances(of: image, threads: threads)
        : squaredDistances(
            planes: 1, rows: image.rows, columns: image.columns, spacing: (1, spacing.row, spacing.column),
            threads: threads
        ) { markSet(of: image, in: $0) }.map { Float($0.squareRoot()) }
    return Image(rows: image.rows, columns: image.columns, elements: elements)
}

/// Puts infinity where an image's pixels are set.
func markSet<Value: BinaryFloatingPoint>(of image: BitImage, in elements: UnsafeMutableBufferPointer<Value>) {
    for row in 0..<image.rows {
        for word in 0..<image.wordsPerRow {
            var bits = image.words[row * image.wordsPerRow + word]
            let start = row * image.columns + word * 64
            if bits == .max {
                for index in start..<start + 64 { elements[index] = .infinity }
                continue
            }
            while bits != 0 {
                elements[start + bits.trailingZeroBitCount] = .infinity
                bits &= bits - 1
            }
        }
    }
}

/// The exact Euclidean distance of every voxel that is not zero to the nearest zero one; see
/// `distanceTransform(of:spacing:threads:)` for images.
///
/// - Parameter spacing: distance of neighbouring planes, rows and columns.
public func distanceTransform(
    of volume: Volume<UInt8>, spacing: (plane: Double, row: Double, column: Double) = (1, 1, 1), threads: Int = 1
) -> Volume<Float> {
    let squares = squaredDistances(
        planes: volume.planes, rows: volume.rows, columns: volume.columns,
        spacing: (spacing.plane, spacing.row, spacing.column), threads: threads
    ) { elements in
        for index in volume.elements.indices where volume.elements[index] != 0 { elements[index] = .infinity }
    }
    return Volume(
        planes: volume.planes, rows: volume.rows, columns: volume.columns,
        elements: squares.map { Float($0.squareRoot()) })
}

/// Squared distances of a grid, one axis after the other.
private func squaredDistances(
    planes: Int, rows: Int, columns: Int, spacing: (Double, Double, Double), threads: Int,
    mark: (UnsafeMutableBufferPointer<Double>) -> Void
) -> [Double] {
    var elements = [Double](repeating: 0, count: planes * rows * columns)
    guard !elements.isEmpty else { return elements }
    elements.withUnsafeMutableBufferPointer { buffer in
        mark(buffer)
        let grid = DisjointSlices(buffer)
        // Lines of each axis: how many, where they start, how far apart their elements lie.
        transformColumns(
            grid, planes: planes, rows: rows, columns: columns, scale: spacing.1 * spacing.1, threads: threads)
        if columns > 1 {
            parallelBands(planes * rows, band: 64, threads: threads) { band in
                var envelope = ParabolaEnvelope(length: columns, spacing: spacing.2)
                for line in band { envelope.transform(grid.base + line * columns, stride: 1) }
            }
        }
        if planes > 1 {
            parallelBands(rows * columns, band: 64, threads: threads) { band in
                var envelope = ParabolaEnvelope(length: planes, spacing: spacing.0)
                for line in band { envelope.transform(grid.base + line, stride: rows * columns) }
            }
        }
    }
    return elements
}

/// Replaces 0 and infinity by the squared distance to the next 0 up or down the column.
func transformColumns<Value: BinaryFloatingPoint & Sendable>(
    _ grid: DisjointSlices<Value>, planes: Int, rows: Int, columns: Int, scale: Value, threads: Int
) {
    guard rows > 1 else { return }
    let parts = (columns + 255) / 256
    parallelFor(planes * parts, threads: threads) { part in
        let first = part % parts * 256
        squareSteps(
            grid.base + part / parts * rows * columns + first, rows: rows, columns: min(256, columns - first),
            stride: columns, scale: scale)
    }
}

/// Replaces 0 and infinity by the squared distance along the columns, whole rows of columns at a time.
private func squareSteps<Value: BinaryFloatingPoint & SendableMetatype>(
    _ top: UnsafeMutablePointer<Value>, rows: Int, columns: Int, stride: Int, scale: Value
) {
    for row in 1..<rows {
        let here = top + row * stride
        let above = here - stride
        for column in 0..<columns { here[column] = min(here[column], above[column] + 1) }
    }
    for row in (0..<rows - 1).reversed() {
        let here = top + row * stride
        let below = here + stride
        for column in 0..<columns {
            let steps = below[column]
            here[column] = min(here[column], steps + 1)
            below[column] = scale * steps * steps
        }
    }
    for column in 0..<columns { top[column] = scale * top[column] * top[column] }
}

/// Distance transform of one line: the lower envelope of parabolas.
private struct ParabolaEnvelope {
    let length: Int
    let spacing: Double
    private var values: [Double]
    private var apexes: [Int]
    private var bounds: [Double]

    init(length: Int, spacing: Double) {
        self.length = length
        self.spacing = spacing
        values = Array(repeating: 0, count: length)
        apexes = Array(repeating: 0, count: length)
        bounds = Array(repeating: 0, count: length + 1)
    }

    /// A line whose elements lie `stride` apart, in pieces: what is set between two zeros knows nothing of what lies beyond them.
    mutating func transform(_ line: UnsafeMutablePointer<Double>, stride: Int) {
        values.withUnsafeMutableBufferPointer { values in
            apexes.withUnsafeMutableBufferPointer { apexes in
                bounds.withUnsafeMutableBufferPointer { bounds in
                    var index = 0
                    while index < length {
                        if line[index * stride] == 0 {
                            index += 1
                            continue
                        }
                        var end = index + 1
                        while end < length, line[end * stride] != 0 { end += 1 }
                        Self.transform(
                            line, stride: stride, from: index, to: end, length: length, scale: spacing * spacing,
                            values, apexes, bounds)
                        index = end
                    }
                }
            }
        }
    }

    /// The elements from `first` to before `end`, with the zeros beside them.
    @inline(__always) private static func transform(
        _ line: UnsafeMutablePointer<Double>, stride: Int, from first: Int, to end: Int, length: Int, scale: Double,
        _ values: UnsafeMutableBufferPointer<Double>, _ apexes: UnsafeMutableBufferPointer<Int>,
        _ bounds: UnsafeMutableBufferPointer<Double>
    ) {
        var count = 0
        for index in max(first - 1, 0)..<min(end + 1, length) {
            let value = line[index * stride]
            values[index] = value
            guard value.isFinite else { continue }
            var start = -Double.infinity
            while count > 0 {
                let apex = apexes[count - 1]
                let rise = value - values[apex]
                if rise == 0 {
                    // Equally high parabolas meet halfway.
                    start = Double(index + apex) / 2
                } else {
                    let difference = Double(index * index - apex * apex)
                    start = (rise / scale + difference) / Double(2 * (index - apex))
                }
                if start > bounds[count - 1] { break }
                count -= 1
                start = -.infinity
            }
            apexes[count] = index
            bounds[count] = start
            count += 1
        }
        guard count > 0 else { return }
        var parabola = 0
        for index in first..<end {
            while parabola + 1 < count && bounds[parabola + 1] < Double(index) { parabola += 1 }
            let offset = Double(index - apexes[parabola])
            line[index * stride] = scale * offset * offset + values[apexes[parabola]]
        }
    }
}
