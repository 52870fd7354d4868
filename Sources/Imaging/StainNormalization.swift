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

/// The brightness with known gray matter's local mean at 0 and known white matter's at 1; see above.
///
/// - Parameter tissue: elsewhere the result is 0.
/// - Returns: nil where a class is empty.
func stainNormalized(
    _ image: Image<Float>, gray: BitImage, white: BitImage, over tissue: BitImage, sigmaPx: Double, threads: Int
) -> Image<Float>? {
    let (dark, bright) = (TissueCells(image, tissue: gray), TissueCells(image, tissue: white))
    var cells = dark
    // The few cells of both classes are those of which they hold more.
    let isWhite = zip(bright.weights, dark.weights).map { $0 > $1 }
    for cell in isWhite.indices where isWhite[cell] {
        cells.values[cell] = bright.values[cell]
        cells.weights[cell] = bright.weights[cell]
    }
    return LocalMeans(cells, white: isWhite, sigmaCells: sigmaPx / Double(TissueCells.side), threads: threads)?
        .normalized(image, tissue: tissue, threads: threads)
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
                    for word in 0..<tissue.wordsPerRow {
                        let bits = words[row * tissue.wordsPerRow + word]
                        guard bits != 0 else { continue }
                        // A word's 64 pixels are 16 cells wide.
                        for part in 0..<16 where bits >> UInt64(4 * part) & 15 != 0 {
                            let pixel = row * imageColumns + 64 * word + 4 * part
                            let cell = start + 16 * word + part
                            for column in 0..<4 where bits >> UInt64(4 * part + column) & 1 == 1 {
                                sums[cell] += pixels[pixel + column]
                                counts[cell] += 1
                            }
                        }
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
        var line = InterpolatedMeans(means, columns: (0..<columns).map(Float.init))
        for row in 0..<rows {
            line.move(to: Float(row))
            for column in 0..<columns where weights[row * columns + column] > 0 {
                let level = line.dark[column] + line.range[column] * share
                white[row * columns + column] =
                    values[row * columns + column] > level && allowed?[row * columns + column] != false
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
        let size = rows * columns
        var (shares, sums) = ([Float](repeating: 0, count: 2 * size), [Float](repeating: 0, count: 2 * size))
        for row in 0..<cells.rows {
            for column in 0..<cells.columns {
                let cell = row * cells.columns + column
                let weight = cells.weights[cell]
                guard weight > 0 else { continue }
                let target = row / block * columns + column / block + (white[cell] ? size : 0)
                shares[target] += weight
                sums[target] += weight * cells.values[cell]
            }
        }
        func ofKind(_ kind: Int, _ all: [Float]) -> [Float] { Array(all[kind * size..<(kind + 1) * size]) }
        let totals = (0..<2).map { ofKind($0, shares).reduce(0.0) { $0 + Double($1) } }
        guard totals[0] > 0, totals[1] > 0 else { return nil }
        let area = Float(block * block)
        let sigma = sigmaCells / Double(block)
        let wholes = (0..<2).map { Float(ofKind($0, sums).reduce(0.0) { $0 + Double($1) } / totals[$0]) }
        let means = (0..<2).map { kind -> [Float] in
            let share = gaussianFilter(
                Image(rows: rows, columns: columns, elements: ofKind(kind, shares)), sigmaPx: sigma, truncate: 3,
                threads: threads)
            let sum = gaussianFilter(
                Image(rows: rows, columns: columns, elements: ofKind(kind, sums)), sigmaPx: sigma, truncate: 3,
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

    func normalized(_ image: Image<Float>, tissue: BitImage, threads: Int) -> Image<Float> {
        var result = Image<Float>(rows: image.rows, columns: image.columns, filledWith: 0)
        let columns = image.columns
        let side = Float(TissueCells.side)
        let places = (0..<columns).map { (Float($0) + 0.5) / side - 0.5 }
        result.elements.withUnsafeMutableBufferPointer { buffer in
            let output = DisjointSlices(buffer)
            parallelBands(image.rows, band: 128, threads: threads) { band in
                var line = InterpolatedMeans(self, columns: places)
                image.elements.withUnsafeBufferPointer { pixels in
                    for row in band {
                        let extent = tissue.extent(ofRow: row)
                        guard !extent.isEmpty else { continue }
                        line.move(to: (Float(row) + 0.5) / side - 0.5)
                        let start = row * columns
                        line.dark.withUnsafeBufferPointer { dark in
                            line.range.withUnsafeBufferPointer { range in
                                for column in extent {
                                    output[start + column] = (pixels[start + column] - dark[column]) / range[column]
                                }
                            }
                        }
                        for word in extent.lowerBound / 64...(extent.upperBound - 1) / 64 {
                            var outside = ~tissue.words[row * tissue.wordsPerRow + word]
                            while outside != 0 {
                                let column = 64 * word + outside.trailingZeroBitCount
                                if column < columns { output[start + column] = 0 }
                                outside &= outside - 1
                            }
                        }
                    }
                }
            }
        }
        return result
    }
}

/// Gray matter's mean and the contrast to white matter along a row, interpolated between the grid's elements: first across, which rows
/// between the same two of the grid share, then down.
private struct InterpolatedMeans {
    /// Gray matter's mean at each place of the row.
    private(set) var dark: [Float]
    /// How much higher white matter's mean is.
    private(set) var range: [Float]

    private let means: LocalMeans
    /// The grid's columns beside each place, and the share of the right one.
    private let columns: [(left: Int, right: Int, share: Float)]
    /// The grid's row above, and both quantities along it and the row below.
    private var above = -1
    private var upper: (dark: [Float], range: [Float])
    private var lower: (dark: [Float], range: [Float])

    /// - Parameter columns: the places, in cells.
    init(_ means: LocalMeans, columns places: [Float]) {
        self.means = means
        columns = places.map { place in
            let across = max(0, (place + 0.5) / Float(means.block) - 0.5)
            let left = min(Int(across), means.columns - 1)
            return (left, min(left + 1, means.columns - 1), across - Float(left))
        }
        dark = Array(repeating: 0, count: places.count)
        range = dark
        upper = (dark, dark)
        lower = (dark, dark)
    }

    /// Goes to a row, in cells.
    mutating func move(to row: Float) {
        let down = max(0, (row + 0.5) / Float(means.block) - 0.5)
        let above = min(Int(down), means.rows - 1)
        if above != self.above {
            self.above = above
            interpolate(above, into: &upper)
            interpolate(min(above + 1, means.rows - 1), into: &lower)
        }
        let share = down - Float(above)
        InterpolatedMeans.mix(upper.dark, lower.dark, share, into: &dark)
        InterpolatedMeans.mix(upper.range, lower.range, share, into: &range)
    }

    private func interpolate(_ row: Int, into line: inout (dark: [Float], range: [Float])) {
        for (place, column) in columns.enumerated() {
            let left = means.grid[row * means.columns + column.left]
            let right = means.grid[row * means.columns + column.right]
            let mean = left * (1 - column.share) + right * column.share
            line.dark[place] = mean.x
            line.range[place] = mean.y
        }
    }

    private static func mix(_ upper: [Float], _ lower: [Float], _ share: Float, into line: inout [Float]) {
        line.withUnsafeMutableBufferPointer { line in
            upper.withUnsafeBufferPointer { upper in
                lower.withUnsafeBufferPointer { lower in
                    for place in 0..<line.count { line[place] = upper[place] * (1 - share) + lower[place] * share }
                }
            }
        }
    }
}
