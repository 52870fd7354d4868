internal import NDArray

/// Laplace's equation on both sides of a skeleton: 1 on it, 0 at pia and white matter.
///
/// Successive over-relaxation, red cells before black ones, of the cells from which the skeleton can be reached only. Cells that
/// stand still, with their neighbours, are left out after a while: most of the cortex settles long before its widest parts do.
struct SkeletonField {
    /// Cells farther than this from the skeleton keep their first guess: no push leads from them to it. In steps through gray matter.
    var reachSteps: Int
    /// Best for a strip of some forty pixels: 2 / (1 + sin(π / 40)).
    var omega: Float = 1.85
    /// The solution stands when no cell changes by more.
    var tolerance: Float = 1e-3

    /// - Parameters:
    ///   - values: the first guess, a value a cell and a 0 behind them; the solution out.
    ///   - isSkeleton: 1 at cells whose value is kept.
    func relax(_ values: GridBuffer<Float>, grid: GrayGrid, isSkeleton: GridBuffer<UInt8>) {
        let count = grid.map.count
        let level = LaplaceLevel(
            count: count, reds: grid.map.reds, neighbours: grid.neighbours, weights: nil, anchors: grid.anchors,
            threads: 1)
        let reached = cellsWithinReach(grid, isSkeleton)
        // The field as pixels, with a row of zeros above and below: neighbours are found without links, but where one is cut.
        let (pixels, columns) = (grid.map.rows * grid.map.columns, grid.map.columns)
        let field = GridBuffer<Float>(count: pixels + 2 * columns, filledWith: 0)
        let changes = GridBuffer<Float>(count: pixels + 2 * columns, filledWith: 0)
        let (value, change) = (field.base, changes.base)
        for cell in 0..<count { value[Int(grid.voxels.base[cell]) + columns] = values.base[cell] }
        // Red cells, then black ones.
        var lists = [
            ActiveCells(grid, 0..<grid.map.reds, level, reached, isSkeleton),
            ActiveCells(grid, grid.map.reds..<count, level, reached, isSkeleton),
        ]
        for sweep in 1...400 {
            // Changes are asked for after every eighth sweep only.
            let isLookedAt = sweep % 8 == 0
            var largest: Float = 0
            for list in lists {
                largest = max(largest, list.relax(value, isLookedAt ? change : nil, omega: omega))
            }
            if sweep > 5, largest < tolerance { break }
            guard isLookedAt else { continue }
            for index in lists.indices { lists[index].keepMoving(change, tolerance: tolerance) }
        }
        for cell in 0..<count { values.base[cell] = value[Int(grid.voxels.base[cell]) + columns] }
    }

    /// 1 at cells at most `reachSteps` steps from the skeleton.
    private func cellsWithinReach(_ grid: GrayGrid, _ isSkeleton: GridBuffer<UInt8>) -> GridBuffer<UInt8> {
        let count = grid.map.count
        let reached = GridBuffer<UInt8>(count: count, filledWith: 0)
        let waiting = GridBuffer<Int32>(count: count, filledWith: 0)
        var end = 0
        for cell in 0..<count where isSkeleton.base[cell] != 0 {
            reached.base[cell] = 1
            waiting.base[end] = Int32(cell)
            end += 1
        }
        var (begin, steps) = (0, 0)
        while begin < end, steps < reachSteps {
            let front = begin..<end
            begin = end
            steps += 1
            for place in front {
                let link = grid.neighbours.base + 6 * Int(waiting.base[place])
                for side in 2..<6 {
                    let other = Int(link[side])
                    guard other < count, reached.base[other] == 0 else { continue }
                    reached.base[other] = 1
                    waiting.base[end] = Int32(other)
                    end += 1
                }
            }
        }
        return reached
    }
}

/// Cells of one colour that still move: those whose neighbours are the pixels around them, and the others with links.
private struct ActiveCells {
    let columns: Int
    /// Places in the field: pixels, a row further.
    private let places: GridBuffer<Int32>
    private let inverses: GridBuffer<Float>
    private var count = 0
    private var linked: [(place: Int32, inverse: Float, links: SIMD4<Int32>)] = []

    init(
        _ grid: GrayGrid, _ cells: Range<Int>, _ level: LaplaceLevel, _ reached: GridBuffer<UInt8>,
        _ isSkeleton: GridBuffer<UInt8>
    ) {
        columns = grid.map.columns
        let (pixels, none) = (grid.map.rows * columns, Int32(grid.map.count))
        (places, inverses) = (
            GridBuffer(count: cells.count, filledWith: 0), GridBuffer(count: cells.count, filledWith: 0)
        )
        let (map, voxels) = (grid.map.cells.base, grid.voxels.base)
        for cell in cells where reached.base[cell] != 0 && isSkeleton.base[cell] == 0 {
            let pixel = Int(voxels[cell])
            let place = Int32(pixel + columns)
            // A section is one plane: the first two links lead nowhere.
            let links = grid.neighbours.base + 6 * cell + 2
            /// Whether a link leads to the cell of a pixel, or nowhere where that has none.
            @inline(__always) func leads(_ link: Int, to other: Int) -> Bool {
                guard other >= 0, other < pixels else { return links[link] == none }
                return links[link] == (map[other] < 0 ? none : map[other])
            }
            if leads(0, to: pixel - columns), leads(1, to: pixel + columns), leads(2, to: pixel - 1),
                leads(3, to: pixel + 1)
            {
                places.base[count] = place
                inverses.base[count] = level.inverseDiagonals.base[cell]
                count += 1
            } else {
                // Place 0 lies in the row of zeros.
                @inline(__always) func target(_ link: Int) -> Int32 {
                    links[link] < none ? voxels[Int(links[link])] + Int32(columns) : 0
                }
                linked.append(
                    (place, level.inverseDiagonals.base[cell], SIMD4(target(0), target(1), target(2), target(3))))
            }
        }
    }

    /// Moves every cell once; returns the largest move.
    @inline(__always) func relax(
        _ value: UnsafeMutablePointer<Float>, _ change: UnsafeMutablePointer<Float>?, omega: Float
    ) -> Float {
        // Two at a time, so that neither waits for the largest of those before.
        var (largest, other): (Float, Float) = (0, 0)
        @inline(__always) func step(_ index: Int) -> Float {
            let place = value + Int(places.base[index])
            let sum = (place[-columns] + place[columns]) + (place[-1] + place[1])
            let move = omega * (sum * inverses.base[index] - place[0])
            place[0] += move
            if let change { change[Int(places.base[index])] = abs(move) }
            return abs(move)
        }
        var index = 0
        while index + 1 < count {
            let (first, second) = (step(index), step(index + 1))
            largest = max(largest, first)
            other = max(other, second)
            index += 2
        }
        if index < count { largest = max(largest, step(index)) }
        for cell in linked {
            let place = Int(cell.place)
            let sum =
                (value[Int(cell.links[0])] + value[Int(cell.links[1])])
                + (value[Int(cell.links[2])] + value[Int(cell.links[3])])
            let move = omega * (sum * cell.inverse - value[place])
            value[place] += move
            change?[place] = abs(move)
            largest = max(largest, abs(move))
        }
        return max(largest, other)
    }

    /// Drops the cells that stand still with their neighbours.
    mutating func keepMoving(_ change: UnsafeMutablePointer<Float>, tolerance: Float) {
        var kept = 0
        for index in 0..<count {
            let place = change + Int(places.base[index])
            let around = max(max(place[-columns], place[columns]), max(place[-1], place[1]))
            guard max(around, place[0]) > tolerance / 4 else { continue }
            places.base[kept] = places.base[index]
            inverses.base[kept] = inverses.base[index]
            kept += 1
        }
        count = kept
        linked.removeAll { cell in
            let around = max(
                max(change[Int(cell.links[0])], change[Int(cell.links[1])]),
                max(change[Int(cell.links[2])], change[Int(cell.links[3])]))
            return max(around, change[Int(cell.place)]) <= tolerance / 4
        }
    }
}
