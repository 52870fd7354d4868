internal import NDArray

/// A vector field made of uniform cubic B-splines, and its values on a grid of cells.
///
/// Knots lie `cellsPerKnot` cells apart. A field of so few numbers is smooth without any filter, and what is measured in
/// the cells is gathered back to the knots by the transpose of the same small matrices, one an axis.
package struct SplineLattice: Sendable {
    /// Cells along x, y, z.
    package let cells: SIMD3<Int>
    package let cellsPerKnot: Int
    /// Knots along x, y, z; (i, j, k) stands at `(k * knots.y + j) * knots.x + i`.
    package let knots: SIMD3<Int>
    /// Weights of the four knots around a cell, by the cell's place between two knots.
    private let phases: [SIMD4<Float>]

    package init(cells: SIMD3<Int>, cellsPerKnot: Int) {
        self.cells = cells
        self.cellsPerKnot = cellsPerKnot
        knots = SIMD3(
            (cells.x - 1) / cellsPerKnot + 4, (cells.y - 1) / cellsPerKnot + 4, (cells.z - 1) / cellsPerKnot + 4)
        phases = (0..<cellsPerKnot).map { phase in
            let t = (Float(phase) + 0.5) / Float(cellsPerKnot)
            let s = 1 - t
            return SIMD4(
                s * s * s / 6, (3 * t * t * t - 6 * t * t + 4) / 6, (3 * s * s * s - 6 * s * s + 4) / 6, t * t * t / 6)
        }
    }

    package var knotCount: Int { knots.x * knots.y * knots.z }

    /// The same field seen on cells of half the edge.
    var refined: SplineLattice {
        SplineLattice(cells: SIMD3(2 * cells.x, 2 * cells.y, 2 * cells.z), cellsPerKnot: 2 * cellsPerKnot)
    }

    /// The field in the cells.
    package func values(_ coefficients: [SIMD4<Float>], threads: Int) -> [SIMD4<Float>] {
        precondition(coefficients.count == knotCount, "A lattice needs one coefficient a knot.")
        var shape = knots
        var field = coefficients
        for axis in 0..<3 { field = expand(field, &shape, axis: axis, threads: threads) }
        return field
    }

    /// The transpose of `values`: what the cells hold, gathered at the knots.
    package func gathered(_ field: [SIMD4<Float>], threads: Int) -> [SIMD4<Float>] {
        var shape = cells
        var sums = field
        for axis in [2, 1, 0] { sums = gather(sums, &shape, axis: axis, threads: threads) }
        return sums
    }

    /// As `gathered`, with the squares of the weights: the diagonal of BᵀDB.
    package func gatheredSquared(_ field: [SIMD4<Float>], threads: Int) -> [SIMD4<Float>] {
        var shape = cells
        var sums = field
        for axis in [2, 1, 0] { sums = gather(sums, &shape, axis: axis, squared: true, threads: threads) }
        return sums
    }

    private func expand(_ input: [SIMD4<Float>], _ shape: inout SIMD3<Int>, axis: Int, threads: Int)
        -> [SIMD4<Float>]
    {
        var grown = shape
        grown[axis] = cells[axis]
        let (from, to) = (shape, grown)
        shape = grown
        let stride = [1, from.x, from.x * from.y][axis]
        // By the place along the axis: the knot that its first weight belongs to, and the weights.
        let places = (0..<to[axis]).map { (knot: $0 / cellsPerKnot, weights: phases[$0 % cellsPerKnot]) }
        return [SIMD4<Float>](unsafeUninitializedCapacity: to.x * to.y * to.z) { buffer, count in
            count = to.x * to.y * to.z
            let slices = DisjointSlices(buffer)
            input.withUnsafeBufferPointer { input in
                let input = SharedBuffer(input)
                parallelFor(to.z, threads: threads) { k in
                    places.withUnsafeBufferPointer { places in
                        for j in 0..<to.y {
                            for i in 0..<to.x {
                                let (knot, weights) = places[axis == 0 ? i : axis == 1 ? j : k]
                                let base =
                                    ((axis == 2 ? knot : k) &* from.y &+ (axis == 1 ? knot : j)) &* from.x
                                    &+ (axis == 0 ? knot : i)
                                let four = input.base + base
                                slices[(k &* to.y &+ j) &* to.x &+ i] =
                                    weights.x * four[0] + weights.y * four[stride] + weights.z * four[2 &* stride]
                                    + weights.w * four[3 &* stride]
                            }
                        }
                    }
                }
            }
        }
    }

    private func gather(
        _ input: [SIMD4<Float>], _ shape: inout SIMD3<Int>, axis: Int, squared: Bool = false, threads: Int
    ) -> [SIMD4<Float>] {
        var shrunk = shape
        shrunk[axis] = knots[axis]
        let (from, to) = (shape, shrunk)
        shape = shrunk
        let stride = [1, from.x, from.x * from.y][axis]
        let step = cellsPerKnot
        // The weights of a group's cells for its first knot, for its second, …
        let weights = (0..<4).flatMap { tap in phases.map { squared ? $0[tap] * $0[tap] : $0[tap] } }
        let length = from[axis]
        return [SIMD4<Float>](unsafeUninitializedCapacity: to.x * to.y * to.z) { buffer, count in
            count = to.x * to.y * to.z
            let slices = DisjointSlices(buffer)
            input.withUnsafeBufferPointer { input in
                let input = SharedBuffer(input)
                parallelFor(to.z, threads: threads) { k in
                    weights.withUnsafeBufferPointer { weights in
                        for j in 0..<to.y {
                            for i in 0..<to.x {
                                let knot = axis == 0 ? i : axis == 1 ? j : k
                                let base =
                                    ((axis == 2 ? 0 : k) * from.y + (axis == 1 ? 0 : j)) * from.x + (axis == 0 ? 0 : i)
                                var sum = SIMD4<Float>()
                                // The knot is the fourth of group knot − 3, … and the first of group knot.
                                for tap in 0..<4 where knot >= tap {
                                    let first = (knot - tap) * step
                                    let cells = input.base + (base + first * stride)
                                    for cell in 0..<max(0, min(step, length - first)) {
                                        sum += weights[tap &* step &+ cell] * cells[cell &* stride]
                                    }
                                }
                                slices[(k * to.y + j) * to.x + i] = sum
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A buffer that several threads read.
struct SharedBuffer<Element>: @unchecked Sendable {
    // Sendable because nobody writes to the buffer while it is shared.
    let base: UnsafePointer<Element>
    let buffer: UnsafeBufferPointer<Element>

    init(_ buffer: UnsafeBufferPointer<Element>) {
        precondition(!buffer.isEmpty, "An empty buffer cannot be shared.")
        self.buffer = buffer
        base = buffer.baseAddress.unsafelyUnwrapped
    }

    @inline(__always)
    subscript(index: Int) -> Element { base[index] }
}
