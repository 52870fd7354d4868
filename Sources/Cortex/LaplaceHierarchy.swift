internal import NDArray

/// Where the cells of a level lie on its grid: the cell at each place, −1 where there is none.
struct CellMap {
    let planes: Int
    let rows: Int
    let columns: Int
    let cells: GridBuffer<Int32>
    let count: Int
    let reds: Int

    /// Numbers the places for which `isCell` holds: red ones first, each colour in the order of the grid.
    @inline(__always) init(
        planes: Int, rows: Int, columns: Int, threads: Int, isCell: @Sendable @escaping (Int, Int, Int) -> Bool
    ) {
        self.planes = planes
        self.rows = rows
        self.columns = columns
        let cells = GridBuffer<Int32>(count: planes * rows * columns, filledWith: -1)
        self.cells = cells
        let counts = GridBuffer<Int>(count: 2 * planes, filledWith: 0)
        parallelFor(planes, threads: threads) { plane in
            var found = (0, 0)
            for row in 0..<rows {
                for column in 0..<columns where isCell(plane, row, column) {
                    if (plane + row + column) & 1 == 0 { found.0 += 1 } else { found.1 += 1 }
                    cells.base[(plane * rows + row) * columns + column] = 0
                }
            }
            counts.base[2 * plane] = found.0
            counts.base[2 * plane + 1] = found.1
        }
        let reds = (0..<planes).reduce(0) { $0 + counts[2 * $1] }
        self.reds = reds
        var (red, black) = (0, reds)
        for plane in 0..<planes {
            (counts[2 * plane], red) = (red, red + counts[2 * plane])
            (counts[2 * plane + 1], black) = (black, black + counts[2 * plane + 1])
        }
        count = black
        parallelFor(planes, threads: threads) { plane in
            var (red, black) = (counts.base[2 * plane], counts.base[2 * plane + 1])
            for row in 0..<rows {
                let start = (plane * rows + row) * columns
                for column in 0..<columns where cells.base[start + column] >= 0 {
                    if (plane + row + column) & 1 == 0 {
                        cells.base[start + column] = Int32(red)
                        red += 1
                    } else {
                        cells.base[start + column] = Int32(black)
                        black += 1
                    }
                }
            }
        }
    }

    @inline(__always) func cell(_ plane: Int, _ row: Int, _ column: Int) -> Int32 {
        guard plane >= 0, plane < planes, row >= 0, row < rows, column >= 0, column < columns else { return -1 }
        return cells.base[(plane * rows + row) * columns + column]
    }

    /// The map of blocks of 2 × 2 × 2 places that hold a cell.
    func coarsened(threads: Int) -> CellMap {
        let fine = self
        return CellMap(
            planes: (planes + 1) / 2, rows: (rows + 1) / 2, columns: (columns + 1) / 2, threads: threads
        ) { plane, row, column in
            for p in 2 * plane...2 * plane + 1 {
                for r in 2 * row...2 * row + 1 {
                    for c in 2 * column...2 * column + 1 where fine.cell(p, r, c) >= 0 { return true }
                }
            }
            return false
        }
    }
}

/// How the cells of a level make those of the next coarser one.
struct Coarsening: Sendable {
    /// The coarse cell of each fine one.
    let parents: GridBuffer<Int32>
    /// The red fine cells of each coarse one, at most four; −1 beyond.
    let redChildren: GridBuffer<Int32>
}

/// Builds the next coarser level: cells are blocks of 2 × 2 × 2, their links the fine ones between blocks.
///
/// Sums of links over blocks alone (Galerkin with constant blocks) are too stiff: the path from one block's middle to the next is twice as
/// long as between fine cells. So links take half their sum, and what ties to the boundary gets half a coarse cell of way in series.
///
/// - Parameter weight: weight of a whole link of this level.
func coarsened(
    _ fine: LaplaceLevel, map: CellMap, weight: Float, threads: Int
) -> (level: LaplaceLevel, map: CellMap, coarsening: Coarsening) {
    let coarse = map.coarsened(threads: threads)
    let count = coarse.count
    let neighbours = GridBuffer<Int32>(count: 6 * count, filledWith: Int32(count))
    let weights = GridBuffer<Float>(count: 6 * count, filledWith: 0)
    let anchors = GridBuffer<Float>(count: count, filledWith: 0)
    let parents = GridBuffer<Int32>(count: fine.count, filledWith: 0)
    let redChildren = GridBuffer<Int32>(count: 4 * count, filledWith: -1)
    parallelFor(coarse.planes, threads: threads) { plane in
        for row in 0..<coarse.rows {
            for column in 0..<coarse.columns {
                let cell = Int(coarse.cell(plane, row, column))
                guard cell >= 0 else { continue }
                var children = 0
                var anchor: Float = 0
                for part in 0..<8 {
                    let (up, down, across) = (part >> 2, part >> 1 & 1, part & 1)
                    let child = map.cell(2 * plane + up, 2 * row + down, 2 * column + across)
                    guard child >= 0 else { continue }
                    parents.base[Int(child)] = Int32(cell)
                    if Int(child) < fine.reds {
                        redChildren.base[4 * cell + children] = child
                        children += 1
                    }
                    let own = fine.anchors.base[Int(child)]
                    anchor += own / (1 + 0.5 * own / weight)
                    // The three links that leave the block on this child's side.
                    for axis in 0..<3 {
                        let link = 2 * axis + (axis == 0 ? up : axis == 1 ? down : across)
                        let index = 6 * Int(child) + link
                        guard Int(fine.neighbours.base[index]) < fine.count else { continue }
                        weights.base[6 * cell + link] += 0.5 * (fine.weights?.base[index] ?? 1)
                    }
                }
                for link in 0..<6 where weights.base[6 * cell + link] > 0 {
                    let step = 2 * (link & 1) - 1
                    let other = coarse.cell(
                        plane + (link / 2 == 0 ? step : 0), row + (link / 2 == 1 ? step : 0),
                        column + (link / 2 == 2 ? step : 0))
                    if other >= 0 { neighbours.base[6 * cell + link] = other }
                }
                anchors.base[cell] = anchor
            }
        }
    }
    return (
        LaplaceLevel(
            count: count, reds: coarse.reds, neighbours: neighbours, weights: weights, anchors: anchors,
            threads: threads),
        coarse, Coarsening(parents: parents, redChildren: redChildren)
    )
}
