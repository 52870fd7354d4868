internal import NDArray

/// One grid of the multigrid hierarchy: cells that hang together through their faces, and what holds them to the boundary.
///
/// A u = Σ links w (u − u of the neighbour) + anchor · u: symmetric, positive semidefinite, with no positive entries off the
/// diagonal. Only cells of the cortex are kept. Those whose coordinates have an even sum ("red") come first, in the order
/// of the grid, then the others ("black"): a cell's neighbours all have the other colour, so one colour is smoothed in any order.
struct LaplaceLevel: Sendable {
    /// Cells; index `count` stands for "no neighbour", and its value is always 0.
    let count: Int
    /// Cells `0 ..< reds` are red.
    let reds: Int
    /// Six neighbours of each cell: plane −, plane +, row −, row +, column −, column +.
    let neighbours: GridBuffer<Int32>
    /// Weights of the six links; nil where all are 1.
    let weights: GridBuffer<Float>?
    /// What ties a cell to the boundary: the sum over its cut links.
    let anchors: GridBuffer<Float>
    /// 1 / diagonal; 0 for a cell that hangs on nothing.
    let inverseDiagonals: GridBuffer<Float>

    init(
        count: Int, reds: Int, neighbours: GridBuffer<Int32>, weights: GridBuffer<Float>?, anchors: GridBuffer<Float>,
        threads: Int
    ) {
        self.count = count
        self.reds = reds
        self.neighbours = neighbours
        self.weights = weights
        self.anchors = anchors
        let inverse = GridBuffer<Float>(count: count, filledWith: 0)
        inverseDiagonals = inverse
        parallelBands(count, band: Self.band, threads: threads) { cells in
            for cell in cells {
                var diagonal = anchors[cell]
                for link in 6 * cell..<6 * cell + 6 where Int(neighbours[link]) < count {
                    diagonal += weights?.base[link] ?? 1
                }
                inverse[cell] = diagonal > 0 ? 1 / diagonal : 0
            }
        }
    }

    /// Cells that a thread takes at a time; also what a sum is made of, so it must not depend on the threads.
    static let band = 1 << 15

    /// Σ w · value over a cell's neighbours.
    @inline(__always) func neighbourSum(_ cell: Int, _ values: UnsafePointer<Float>) -> Float {
        let index = neighbours.base + 6 * cell
        if let weights {
            let weight = weights.base + 6 * cell
            let planes = weight[0] * values[Int(index[0])] + weight[1] * values[Int(index[1])]
            let rows = weight[2] * values[Int(index[2])] + weight[3] * values[Int(index[3])]
            return planes + rows + (weight[4] * values[Int(index[4])] + weight[5] * values[Int(index[5])])
        }
        let planes = values[Int(index[0])] + values[Int(index[1])]
        let rows = values[Int(index[2])] + values[Int(index[3])]
        return planes + rows + (values[Int(index[4])] + values[Int(index[5])])
    }

    /// Gauss–Seidel on the cells of one colour: u = (b + Σ w u of the neighbours) / diagonal.
    func smooth(_ cells: Range<Int>, _ values: GridBuffer<Float>, _ right: GridBuffer<Float>, threads: Int) {
        let level = self
        parallelBands(cells.count, band: Self.band, threads: threads) { band in
            let values = values.base
            for cell in cells.lowerBound + band.lowerBound..<cells.lowerBound + band.upperBound {
                values[cell] = (right.base[cell] + level.neighbourSum(cell, values)) * level.inverseDiagonals.base[cell]
            }
        }
    }

    /// target = A · values; returns Σ target · values, summed in a fixed order.
    func apply(to values: GridBuffer<Float>, into target: GridBuffer<Float>, threads: Int) -> Double {
        let level = self
        return bandedSum(threads: threads) { cells in
            var sum = 0.0
            for cell in cells {
                let inverse = level.inverseDiagonals.base[cell]
                let own = inverse > 0 ? values.base[cell] / inverse : 0
                let product = own - level.neighbourSum(cell, values.base)
                target.base[cell] = product
                sum += Double(product) * Double(values.base[cell])
            }
            return sum
        }
    }

    /// The sum of what `body` gives for each band of cells, in the order of the bands.
    func bandedSum(threads: Int, _ body: @Sendable (Range<Int>) -> Double) -> Double {
        let bands = (count + Self.band - 1) / Self.band
        let sums = GridBuffer<Double>(count: bands, filledWith: 0)
        let count = count
        parallelFor(bands, threads: threads) { band in
            sums.base[band] = body(band * Self.band..<min(count, (band + 1) * Self.band))
        }
        return (0..<bands).reduce(0) { $0 + sums[$1] }
    }
}
