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
        let cells = GridBuffer<Int32>(count: count, filledWith: 0)
        var active = 0
        for cell in 0..<count where reached[cell] != 0 && isSkeleton[cell] == 0 {
            cells[active] = Int32(cell)
            active += 1
        }
        let changes = GridBuffer<Float>(count: count + 1, filledWith: 0)
        let (value, change) = (values.base, changes.base)
        let (links, inverse, list) = (grid.neighbours.base, level.inverseDiagonals.base, cells.base)
        for sweep in 1...400 {
            var largest: Float = 0
            for place in 0..<active {
                let cell = Int(list[place])
                let link = links + 6 * cell
                // A section is one plane: the first two links lead nowhere.
                let sum =
                    (value[Int(link[2])] + value[Int(link[3])]) + (value[Int(link[4])] + value[Int(link[5])])
                let move = omega * (sum * inverse[cell] - value[cell])
                value[cell] += move
                change[cell] = abs(move)
                largest = max(largest, abs(move))
            }
            if sweep > 5, largest < tolerance { break }
            guard sweep % 8 == 0 else { continue }
            var kept = 0
            for place in 0..<active {
                let cell = Int(list[place])
                let link = links + 6 * cell
                let around = max(
                    max(change[Int(link[2])], change[Int(link[3])]), max(change[Int(link[4])], change[Int(link[5])]))
                guard max(around, change[cell]) > tolerance / 4 else { continue }
                list[kept] = Int32(cell)
                kept += 1
            }
            active = kept
        }
    }

    /// 1 at cells at most `reachSteps` steps from the skeleton.
    private func cellsWithinReach(_ grid: GrayGrid, _ isSkeleton: GridBuffer<UInt8>) -> GridBuffer<UInt8> {
        let count = grid.map.count
        let reached = GridBuffer<UInt8>(count: count, filledWith: 0)
        let waiting = GridBuffer<Int32>(count: count, filledWith: 0)
        var end = 0
        for cell in 0..<count where isSkeleton[cell] != 0 {
            reached[cell] = 1
            waiting[end] = Int32(cell)
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
