internal import NDArray

/// Sides of a grid that can be halved several times.
struct MultigridSides {
    let fine: SIMD3<Int>
    let levels: Int

    /// The smallest grid that covers `needed` voxels and halves down to about eight a side.
    init(covering needed: SIMD3<Int>) {
        var levels = 1
        while levels < 7, needed.min() >> levels >= 8 { levels += 1 }
        let unit = 1 << (levels - 1)
        fine = SIMD3(
            (needed.x + unit - 1) / unit * unit, (needed.y + unit - 1) / unit * unit,
            (needed.z + unit - 1) / unit * unit)
        self.levels = levels
    }

    func sides(_ level: Int) -> SIMD3<Int> { SIMD3(fine.x >> level, fine.y >> level, fine.z >> level) }
}

/// Solves Δx = b on a box with x = 0 just outside, by full multigrid.
///
/// Cell-centred: a coarse voxel is eight fine ones. Red–black Gauss–Seidel smooths (each colour reads the other only, so bands of planes
/// run side by side and the result does not depend on their number), residuals are averaged, corrections interpolated linearly.
///
/// **Reference**: Trottenberg, Oosterlee, Schüller 2001, "Multigrid", ISBN 0-12-701070-X, sections 2.4 to 2.6.
struct PoissonMultigrid {
    private let sides: MultigridSides
    private var solutions: [[Float]]
    private var rightSides: [[Float]]

    init(sides: MultigridSides) {
        self.sides = sides
        solutions = (0..<sides.levels).map { level in
            let side = sides.sides(level)
            return [Float](repeating: 0, count: side.x * side.y * side.z)
        }
        rightSides = solutions
    }

    mutating func setRightSide(_ fill: (UnsafeMutableBufferPointer<Float>) -> Void) {
        rightSides[0].withUnsafeMutableBufferPointer { fill($0) }
    }

    mutating func takeSolution() -> [Float] {
        let solution = solutions[0]
        solutions = []
        rightSides = []
        return solution
    }

    /// One full multigrid pass and `cycles` V-cycles.
    ///
    /// - Returns: the norm of the residual over that of the right side.
    mutating func solve(cycles: Int, threads: Int) -> Double {
        let norm = squaredNorm(rightSides[0])
        guard norm > 0 else { return 0 }
        for level in 1..<max(sides.levels, 1) { restrict(level - 1, residual: false, threads: threads) }
        smooth(sides.levels - 1, sweeps: 80, threads: threads)
        for level in stride(from: sides.levels - 2, through: 0, by: -1) {
            prolong(level, adding: false, threads: threads)
            cycle(level, threads: threads)
        }
        for _ in 0..<cycles { cycle(0, threads: threads) }
        return (residualNorm(threads: threads) / norm).squareRoot()
    }

    private mutating func cycle(_ level: Int, threads: Int) {
        if level == sides.levels - 1 {
            smooth(level, sweeps: 80, threads: threads)
            return
        }
        smooth(level, sweeps: 2, threads: threads)
        restrict(level, residual: true, threads: threads)
        solutions[level + 1].withUnsafeMutableBufferPointer { $0.update(repeating: 0) }
        cycle(level + 1, threads: threads)
        prolong(level, adding: true, threads: threads)
        smooth(level, sweeps: 2, threads: threads)
    }

    /// Red–black Gauss–Seidel.
    private mutating func smooth(_ level: Int, sweeps: Int, threads: Int) {
        let side = sides.sides(level)
        solutions[level].withUnsafeMutableBufferPointer { values in
            rightSides[level].withUnsafeBufferPointer { right in
                let values = DisjointSlices(values)
                let right = UnsafeShared(right)
                let band = 16
                for _ in 0..<sweeps {
                    // Black voxels of a plane follow the red ones of the next, while both are at hand; at the ends of a band they wait for
                    // the bands beside it.
                    parallelBands(side.x, band: band, threads: threads) { planes in
                        for plane in planes {
                            relax(values.base, right.base, side, plane, 0)
                            if plane > planes.lowerBound + 1 { relax(values.base, right.base, side, plane - 1, 1) }
                        }
                    }
                    parallelBands(side.x, band: band, threads: threads) { planes in
                        relax(values.base, right.base, side, planes.lowerBound, 1)
                        if planes.count > 1 { relax(values.base, right.base, side, planes.upperBound - 1, 1) }
                    }
                }
            }
        }
    }

    /// Sums residuals (or the right side itself) of eight voxels into a coarse one: mean, times 4 for the doubled spacing.
    private mutating func restrict(_ level: Int, residual: Bool, threads: Int) {
        let side = sides.sides(level)
        let coarse = sides.sides(level + 1)
        var target = rightSides[level + 1]
        rightSides[level + 1] = []
        target.withUnsafeMutableBufferPointer { target in
            solutions[level].withUnsafeBufferPointer { values in
                rightSides[level].withUnsafeBufferPointer { right in
                    let target = DisjointSlices(target)
                    let values = UnsafeShared(values)
                    let right = UnsafeShared(right)
                    parallelBands(coarse.x, band: 4, threads: threads) { planes in
                        var row = [Float](repeating: 0, count: side.z)
                        row.withUnsafeMutableBufferPointer { row in
                            for p in planes {
                                for r in 0..<coarse.y {
                                    row.update(repeating: 0)
                                    for k in 0..<4 {
                                        addResidual(
                                            values.base, right.base, side, 2 * p + (k >> 1), 2 * r + (k & 1), residual,
                                            row)
                                    }
                                    let start = (p * coarse.y + r) * coarse.z
                                    for c in 0..<coarse.z {
                                        target.base[start + c] = 0.5 * (row[2 * c] + row[2 * c + 1])
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        rightSides[level + 1] = target
    }

    /// Interpolates the coarse solution linearly between coarse voxel centres, zero outside.
    private mutating func prolong(_ level: Int, adding: Bool, threads: Int) {
        let side = sides.sides(level)
        let coarse = sides.sides(level + 1)
        var target = solutions[level]
        solutions[level] = []
        target.withUnsafeMutableBufferPointer { target in
            solutions[level + 1].withUnsafeBufferPointer { values in
                let target = DisjointSlices(target)
                let values = UnsafeShared(values)
                parallelBands(side.x, band: 8, threads: threads) { planes in
                    var line = [Float](repeating: 0, count: coarse.z + 2)
                    line.withUnsafeMutableBufferPointer { line in
                        for p in planes {
                            for r in 0..<side.y {
                                line.update(repeating: 0)
                                for k in 0..<4 {
                                    // The nearer coarse plane or row counts three quarters, the farther one a quarter.
                                    let cp = k >> 1 == 0 ? p >> 1 : (p & 1 == 0 ? (p >> 1) - 1 : (p >> 1) + 1)
                                    let cr = k & 1 == 0 ? r >> 1 : (r & 1 == 0 ? (r >> 1) - 1 : (r >> 1) + 1)
                                    guard cp >= 0, cr >= 0, cp < coarse.x, cr < coarse.y else { continue }
                                    let weight: Float = (k >> 1 == 0 ? 0.75 : 0.25) * (k & 1 == 0 ? 0.75 : 0.25)
                                    let start = values.base + (cp * coarse.y + cr) * coarse.z
                                    for c in 0..<coarse.z { line[c + 1] += weight * start[c] }
                                }
                                let out = target.base + (p * side.y + r) * side.z
                                if adding {
                                    for c in 0..<coarse.z {
                                        out[2 * c] += 0.75 * line[c + 1] + 0.25 * line[c]
                                        out[2 * c + 1] += 0.75 * line[c + 1] + 0.25 * line[c + 2]
                                    }
                                } else {
                                    for c in 0..<coarse.z {
                                        out[2 * c] = 0.75 * line[c + 1] + 0.25 * line[c]
                                        out[2 * c + 1] = 0.75 * line[c + 1] + 0.25 * line[c + 2]
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        solutions[level] = target
    }

    private func residualNorm(threads: Int) -> Double {
        let side = sides.sides(0)
        var sums = [Double](repeating: 0, count: side.x)
        sums.withUnsafeMutableBufferPointer { sums in
            solutions[0].withUnsafeBufferPointer { values in
                rightSides[0].withUnsafeBufferPointer { right in
                    let sums = DisjointSlices(sums)
                    let values = UnsafeShared(values)
                    let right = UnsafeShared(right)
                    parallelFor(side.x, threads: threads) { plane in
                        var row = [Float](repeating: 0, count: side.z)
                        var sum = 0.0
                        row.withUnsafeMutableBufferPointer { row in
                            for r in 0..<side.y {
                                row.update(repeating: 0)
                                addResidual(values.base, right.base, side, plane, r, true, row)
                                for value in row { sum += Double(value) * Double(value) }
                            }
                        }
                        sums[plane] = sum
                    }
                }
            }
        }
        return sums.reduce(0, +)
    }

    private func squaredNorm(_ values: [Float]) -> Double {
        values.withUnsafeBufferPointer { $0.reduce(0) { $0 + Double($1) * Double($1) } }
    }
}

/// The rows beside a row: those outside the box are zero.
private struct NeighbourRows {
    let above: UnsafePointer<Float>?
    let below: UnsafePointer<Float>?
    let back: UnsafePointer<Float>?
    let front: UnsafePointer<Float>?

    init(_ values: UnsafePointer<Float>, _ side: SIMD3<Int>, _ plane: Int, _ row: Int) {
        let start = values + (plane * side.y + row) * side.z
        above = plane > 0 ? start - side.y * side.z : nil
        below = plane + 1 < side.x ? start + side.y * side.z : nil
        back = row > 0 ? start - side.z : nil
        front = row + 1 < side.y ? start + side.z : nil
    }
}

/// Every other one of eight numbers; those between are loaded, but not looked at: another thread may be writing them.
@inline(__always) private func even(_ first: UnsafePointer<Float>) -> SIMD4<Float> {
    UnsafeRawPointer(first).loadUnaligned(as: SIMD8<Float>.self).evenHalf
}

/// Relaxes the voxels of one colour in a plane.
private func relax(
    _ values: UnsafeMutablePointer<Float>, _ right: UnsafePointer<Float>, _ side: SIMD3<Int>, _ plane: Int,
    _ colour: Int
) {
    for row in 0..<side.y {
        let rows = NeighbourRows(values, side, plane, row)
        let line = values + (plane * side.y + row) * side.z
        let source = right + (plane * side.y + row) * side.z
        let first = (plane + row + colour) & 1
        let last = side.z - 1
        if let above = rows.above, let below = rows.below, let back = rows.back, let front = rows.front {
            var column = first
            if column == 0 {
                let sum = above[0] + below[0] + (back[0] + front[0]) + (0 + (last > 0 ? line[1] : 0))
                line[0] = (sum - source[0]) * (1 / 6)
                column = 2
            }
            // Four voxels of the colour at a time, where all neighbours are within the row.
            while column + 8 <= last {
                let sides = even(line + column - 1) + even(line + column + 1)
                let sum = even(above + column) + even(below + column) + (even(back + column) + even(front + column))
                let four = (sum + sides - even(source + column)) * (1 / 6)
                line[column] = four.x
                line[column + 2] = four.y
                line[column + 4] = four.z
                line[column + 6] = four.w
                column += 8
            }
            while column <= last {
                let next = column < last ? line[column + 1] : 0
                let sum = above[column] + below[column] + (back[column] + front[column]) + (line[column - 1] + next)
                line[column] = (sum - source[column]) * (1 / 6)
                column += 2
            }
        } else {
            for column in stride(from: first, through: last, by: 2) {
                var sum = (rows.above?[column] ?? 0) + (rows.below?[column] ?? 0)
                sum += (rows.back?[column] ?? 0) + (rows.front?[column] ?? 0)
                sum += (column > 0 ? line[column - 1] : 0) + (column < last ? line[column + 1] : 0)
                line[column] = (sum - source[column]) * (1 / 6)
            }
        }
    }
}

/// Adds b − Δx of one row (or b alone) to `target`.
private func addResidual(
    _ values: UnsafePointer<Float>, _ right: UnsafePointer<Float>, _ side: SIMD3<Int>, _ plane: Int, _ row: Int,
    _ residual: Bool, _ target: UnsafeMutableBufferPointer<Float>
) {
    let start = (plane * side.y + row) * side.z
    let source = right + start
    let count = side.z
    for column in 0..<count { target[column] += source[column] }
    guard residual else { return }
    let line = values + start
    let rows = NeighbourRows(values, side, plane, row)
    for neighbour in [rows.above, rows.below, rows.back, rows.front] {
        guard let neighbour else { continue }
        for column in 0..<count { target[column] -= neighbour[column] }
    }
    for column in 0..<count { target[column] += 6 * line[column] }
    for column in 1..<max(count, 1) { target[column] -= line[column - 1] }
    for column in 0..<max(count - 1, 0) { target[column] -= line[column + 1] }
}
