import NDArray

/// The tissue's brightness with uneven stain evened out: gray matter's local mean becomes 0, white matter's 1.
///
/// Both means are taken around each pixel under a Gaussian window. Which class a pixel belongs to is found in turns
/// with the means, on an image four times coarser: first by one threshold for the whole section, then by the means'
/// middle in a window of twice `sigmaPx`, then of `sigmaPx`, so that the classes follow the stain. Where a window
/// holds little of a class, the mean of the whole section steps in: a region of one class keeps its label.
///
/// - Parameters:
///   - image: brightness.
///   - threshold: parts the section's gray from its white matter.
///   - mayBeWhite: no pixel elsewhere is taken for white matter when the means are measured; nil excludes none.
///   - share: where between both means the classes part.
///   - sigmaPx: standard deviation of the window.
/// - Returns: the normalised brightness, 0 outside the tissue; nil where the section is of one class.
///
/// Reference: the local means are those of S. Lankton, A. Tannenbaum, IEEE Trans. Image Process. 17, 2029 (2008),
/// doi:10.1109/TIP.2008.2004611.
func stainNormalized(
    _ image: Image<Float>, tissue: BitImage, threshold: Float, share: Float = 0.5, mayBeWhite: BitImage? = nil,
    sigmaPx: Double, threads: Int
) -> Image<Float>? {
    let cells = TissueCells(image, tissue: tissue)
    let allowed = mayBeWhite.map { cells.middles(of: $0) }
    var white = cells.values.indices.map { cells.values[$0] > threshold && allowed?[$0] != false }
    var means: LocalMeans?
    for scale in [2 * sigmaPx, sigmaPx] {
        for _ in 0..<4 {
            let found = LocalMeans(
                cells, white: white, sigmaCells: scale / Double(TissueCells.side), threads: threads)
            guard let found else { return nil }
            means = found
            let next = cells.classified(by: found, share: share, allowed: allowed)
            if next == white { break }
            white = next
        }
    }
    return means?.normalized(image, tissue: tissue, threads: threads)
}

/// The tissue in cells of 4 × 4 pixels.
private struct TissueCells {
    static let side = 4
    let rows: Int
    let columns: Int
    /// Mean brightness of the cell's tissue.
    var values: [Float]
    /// Share of the cell that is tissue.
    var weights: [Float]

    init(_ image: Image<Float>, tissue: BitImage) {
        let side = TissueCells.side
        rows = (image.rows + side - 1) / side
        columns = (image.columns + side - 1) / side
        var sums = [Float](repeating: 0, count: rows * columns)
        var counts = sums
        let (imageColumns, columns) = (image.columns, columns)
        image.elements.withUnsafeBufferPointer { pixels in
            tissue.words.withUnsafeBufferPointer { words in
                for row in 0..<image.rows {
                    let start = row / side * columns
                    for column in 0..<imageColumns
                    where words[row * tissue.wordsPerRow + column >> 6] >> UInt64(column & 63) & 1 == 1 {
                        sums[start + column / side] += pixels[row * imageColumns + column]
                        counts[start + column / side] += 1
                    }
                }
            }
        }
        values = zip(sums, counts).map { $1 > 0 ? $0 / $1 : 0 }
        weights = counts.map { $0 / Float(side * side) }
    }

    /// Whether the pixel in the middle of each cell is set.
    func middles(of mask: BitImage) -> [Bool] {
        (0..<rows * columns).map { cell in
            let row = min(cell / columns * TissueCells.side + TissueCells.side / 2, mask.rows - 1)
            let column = min(cell % columns * TissueCells.side + TissueCells.side / 2, mask.columns - 1)
            return mask[row, column]
        }
    }

    func classified(by means: LocalMeans, share: Float, allowed: [Bool]?) -> [Bool] {
        var white = [Bool](repeating: false, count: values.count)
        for row in 0..<rows {
            for column in 0..<columns where weights[row * columns + column] > 0 {
                let (dark, range) = means.at(row: Float(row), column: Float(column))
                white[row * columns + column] =
                    values[row * columns + column]
                    > dark + range * share && allowed?[row * columns + column] != false
            }
        }
        return white
    }
}

/// Local means of gray and white matter on a coarse grid.
private struct LocalMeans: Sendable {
    /// Cells along a grid element's side: an eighth of the window's deviation.
    let block: Int
    let rows: Int
    let columns: Int
    /// Gray matter's mean, and how much higher white matter's is.
    let grid: [SIMD2<Float>]
    /// Share of the window that a class must fill to weigh as much as its mean over the section.
    static let prior: Float = 0.1

    /// Nil where a class has no cell.
    init?(_ cells: TissueCells, white: [Bool], sigmaCells: Double, threads: Int) {
        let block = max(1, Int(sigmaCells / 8))
        let rows = (cells.rows + block - 1) / block
        let columns = (cells.columns + block - 1) / block
        var shares = [[Float]](repeating: Array(repeating: 0, count: rows * columns), count: 2)
        var sums = shares
        for row in 0..<cells.rows {
            for column in 0..<cells.columns {
                let cell = row * cells.columns + column
                let target = row / block * columns + column / block
                let weight = cells.weights[cell]
                let kind = white[cell] ? 1 : 0
                shares[kind][target] += weight
                sums[kind][target] += weight * cells.values[cell]
            }
        }
        let totals = shares.map { $0.reduce(0.0) { $0 + Double($1) } }
        guard totals[0] > 0, totals[1] > 0 else { return nil }
        let area = Float(block * block)
        let sigma = sigmaCells / Double(block)
        let wholes = (0..<2).map { Float(sums[$0].reduce(0.0) { $0 + Double($1) } / totals[$0]) }
        let means = (0..<2).map { kind -> [Float] in
            let share = gaussianFilter(
                Image(rows: rows, columns: columns, elements: shares[kind]), sigmaPx: sigma, truncate: 3,
                threads: threads)
            let sum = gaussianFilter(
                Image(rows: rows, columns: columns, elements: sums[kind]), sigmaPx: sigma, truncate: 3,
                threads: threads)
            return zip(sum.elements, share.elements).map {
                ($0 / area + LocalMeans.prior * wholes[kind]) / ($1 / area + LocalMeans.prior)
            }
        }
        self.block = block
        self.rows = rows
        self.columns = columns
        // Means that come too close would raise noise: a fifth of the section's contrast is the least.
        let least = max((wholes[1] - wholes[0]) / 5, .leastNormalMagnitude)
        grid = zip(means[0], means[1]).map { SIMD2($0, max($1 - $0, least)) }
    }

    /// Gray matter's mean and the contrast to white matter at a place in cells, interpolated.
    @inline(__always) func at(row: Float, column: Float) -> (dark: Float, range: Float) {
        let down = max(0, (row + 0.5) / Float(block) - 0.5)
        let across = max(0, (column + 0.5) / Float(block) - 0.5)
        let above = min(Int(down), rows - 1)
        let left = min(Int(across), columns - 1)
        let below = min(above + 1, rows - 1) * columns
        let right = min(left + 1, columns - 1)
        let (u, v) = (down - Float(above), across - Float(left))
        let upper = grid[above * columns + left] * (1 - v) + grid[above * columns + right] * v
        let lower = grid[below + left] * (1 - v) + grid[below + right] * v
        let mean = upper * (1 - u) + lower * u
        return (mean.x, mean.y)
    }

    func normalized(_ image: Image<Float>, tissue: BitImage, threads: Int) -> Image<Float> {
        var result = Image<Float>(rows: image.rows, columns: image.columns, filledWith: 0)
        let columns = image.columns
        let side = Float(TissueCells.side)
        result.elements.withUnsafeMutableBufferPointer { buffer in
            let output = DisjointSlices(buffer)
            parallelBands(image.rows, band: 32, threads: threads) { band in
                image.elements.withUnsafeBufferPointer { pixels in
                    for row in band {
                        let down = (Float(row) + 0.5) / side - 0.5
                        for column in 0..<columns where tissue[row, column] {
                            let (dark, range) = at(row: down, column: (Float(column) + 0.5) / side - 0.5)
                            output[row * columns + column] = (pixels[row * columns + column] - dark) / range
                        }
                    }
                }
            }
        }
        return result
    }
}
