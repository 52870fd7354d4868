internal import NDArray

/// Replaces a potential by the share of the way from pia to white matter along its lines.
///
/// The lengths of the lines to both boundaries solve t · ∇L = ±1, t the potential's direction: each cell's length follows
/// from its neighbours up the line, so cells taken in the order of their potential need one pass.
///
/// - Parameters:
///   - values: the potential, 0 … 1, in; the share of the way out.
///   - right: what of `level.anchors` pulls to white matter.
///
/// Reference: A. Yezzi, J. L. Prince, IEEE Trans. Med. Imaging 22, 1332 (2003), doi:10.1109/TMI.2003.817775.
func replaceByShareOfWay(_ values: GridBuffer<Float>, level: LaplaceLevel, right: GridBuffer<Float>) {
    let count = level.count
    let order = ascending(values, count: count)
    let fromPia = GridBuffer<Float>(count: count, filledWith: -1)
    let fromWhite = GridBuffer<Float>(count: count, filledWith: -1)
    for index in 0..<count {
        let cell = Int(order[index])
        fromPia[cell] = wayLength(cell, to: 0, values, level, right, known: fromPia)
        let last = Int(order[count - 1 - index])
        fromWhite[last] = wayLength(last, to: 1, values, level, right, known: fromWhite)
    }
    for cell in 0..<count {
        let (pia, white) = (fromPia[cell], fromWhite[cell])
        // Gray that meets one boundary only keeps that boundary's value.
        guard pia >= 0, white >= 0, pia + white > 0 else { continue }
        values[cell] = pia / (pia + white)
    }
}

/// Length of the line from a cell to the boundary with value `end`, in voxels; negative where it leads to none.
private func wayLength(
    _ cell: Int, to end: Float, _ values: GridBuffer<Float>, _ level: LaplaceLevel, _ right: GridBuffer<Float>,
    known: GridBuffer<Float>
) -> Float {
    let here = values[cell]
    let pull = end == 0 ? level.anchors[cell] - right[cell] : right[cell]
    var cuts = 0
    var slopes = SIMD3<Float>(0, 0, 0)
    var lengths = SIMD3<Float>(-1, -1, -1)
    // Cut links stand where no neighbour does; all of a cell's are taken for equally long.
    for link in 0..<6 where Int(level.neighbours.base[6 * cell + link]) >= level.count { cuts += 1 }
    let cutSlope = cuts > 0 ? abs(here - end) * pull / Float(max(1, cuts)) : 0
    for axis in 0..<3 {
        for link in 2 * axis..<2 * axis + 2 {
            let other = Int(level.neighbours.base[6 * cell + link])
            if other < level.count {
                let slope = end == 0 ? here - values[other] : values[other] - here
                if slope > slopes[axis], known[other] >= 0 {
                    slopes[axis] = slope
                    lengths[axis] = known[other]
                }
            } else if pull > 0, cutSlope > slopes[axis] {
                slopes[axis] = cutSlope
                lengths[axis] = -2
            }
        }
    }
    let size = (slopes * slopes).sum().squareRoot()
    guard size > 1e-7 else { return -1 }
    // Σ |t| / θ (L − L up the line) = 1.
    var (sum, weight): (Float, Float) = (1, 0)
    for axis in 0..<3 where slopes[axis] > 0 {
        let share = slopes[axis] / size
        if lengths[axis] == -2 {
            weight += share * pull / Float(max(1, cuts))
        } else {
            weight += share
            sum += share * lengths[axis]
        }
    }
    return weight > 0 ? sum / weight : -1
}

/// The cells in the order of their values; those that share one of 4096 steps are in the order of the cells.
private func ascending(_ values: GridBuffer<Float>, count: Int) -> GridBuffer<Int32> {
    let steps = 4096
    var starts = [Int](repeating: 0, count: steps + 1)
    func step(_ cell: Int) -> Int { min(max(Int(values[cell] * Float(steps)), 0), steps - 1) }
    for cell in 0..<count { starts[step(cell) + 1] += 1 }
    for index in 0..<steps { starts[index + 1] += starts[index] }
    let order = GridBuffer<Int32>(count: count, filledWith: 0)
    for cell in 0..<count {
        let place = step(cell)
        order[starts[place]] = Int32(cell)
        starts[place] += 1
    }
    return order
}
