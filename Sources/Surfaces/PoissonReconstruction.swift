public import NDArray

/// A smoothed indicator function of a solid: about 1 inside, about 0 outside, and `level` on the surface.
public struct SolidIndicator: Sendable {
    public var field: Volume<Float>
    /// Where voxel (0, 0, 0) lies.
    public let origin: SIMD3<Double>
    /// Edge of a voxel.
    public let spacing: Double
    /// The indicator's mean over the points of the surface.
    public var level: Float
    /// ‖b − A x‖ / ‖b‖ of the Poisson equation.
    public let relativeResidual: Double

    public init(
        field: Volume<Float>, origin: SIMD3<Double>, spacing: Double, level: Float, relativeResidual: Double = 0
    ) {
        self.field = field
        self.origin = origin
        self.spacing = spacing
        self.level = level
        self.relativeResidual = relativeResidual
    }

    /// The surface, with the topology of the voxels above the level.
    public func surface(rule: AmbiguityRule, threads: Int) -> TriangleMesh {
        marchingCubes(
            field, level: level, origin: origin, spacing: SIMD3(repeating: spacing), rule: rule, threads: threads)
    }
}

/// Poisson surface reconstruction: the solid whose smoothed boundary has the given points and normals.
///
/// The gradient of a solid's indicator function is zero but at the surface, where it is the inward normal. So the normals are spread
/// on a grid as a vector field, and the function whose gradient comes closest is found: Δχ = ∇·V. Holes in the points are closed by the
/// smoothest surface, so that the solid's boundary is watertight; single wrong points hardly matter.
///
/// - Parameters:
///   - points: oriented points, closer together than `spacing`; each stands for its area.
///   - grid: voxels lie at `grid + spacing · (i, j, k)`.
///   - spacing: edge of a voxel, in the points' unit. What is finer is smoothed away: a surface of curvature κ₁ + κ₂ moves inward by
///     about `spacing²` (κ₁ + κ₂) / 8.
///   - paddingVoxels: free space around the points.
/// - Returns: nil where there are no points.
/// - Complexity: O(points + voxels of the box around them); two volumes of float32 in memory.
///
/// **Reference**: Kazhdan, Bolitho, Hoppe 2006, DOI 10.2312/SGP/SGP06/061-070.
/// **Differs**: on the regular grid of the volume that the points come from, not on an octree: the points fill every voxel near the surface, so an
/// octree of that depth saves little and costs its bookkeeping. The normals are spread on a staggered grid (each component between two
/// voxels along its axis) with quadratic B-splines, so that the usual 7-point Laplacian fits exactly. The equation is solved by multigrid with χ = 0 at the border.
public func poissonReconstruction(
    of points: OrientedPoints, grid: SIMD3<Double>, spacing: Double, paddingVoxels: Int = 6, threads: Int
) -> SolidIndicator? {
    precondition(spacing > 0, "A grid needs a spacing above zero, not \(spacing).")
    guard let first = points.positions.first else { return nil }
    var low = first
    var high = first
    for position in points.positions {
        low = pointwiseMin(low, position)
        high = pointwiseMax(high, position)
    }
    let start = ((SIMD3<Double>(low) - grid) / spacing).rounded(.down) - Double(paddingVoxels)
    let end = ((SIMD3<Double>(high) - grid) / spacing).rounded(.up) + Double(paddingVoxels)
    let needed = end - start + 1
    let sides = MultigridSides(covering: SIMD3<Int>(Int(needed.x), Int(needed.y), Int(needed.z)))
    let origin = grid + start * spacing
    // In voxels from here on.
    let scale = Float(1 / spacing)
    let positions = points.positions.map { SIMD3<Float>((SIMD3<Double>($0) - origin) / spacing) }
    let vectors = points.areaVectors.map { $0 * (scale * scale) }
    var solver = PoissonMultigrid(sides: sides)
    solver.setRightSide { spreadDivergence(positions, vectors, into: $0, sides: sides.fine, threads: threads) }
    let residual = solver.solve(cycles: 3, threads: threads)
    let field = Volume(planes: sides.fine.x, rows: sides.fine.y, columns: sides.fine.z, elements: solver.takeSolution())
    // The level: mean over the points, each with its area.
    var sum = 0.0
    var weight = 0.0
    for (position, vector) in zip(positions, vectors) {
        let area = Double(length(vector))
        sum += area * Double(interpolate(field, at: position))
        weight += area
    }
    guard weight > 0 else { return nil }
    return SolidIndicator(
        field: field, origin: origin, spacing: spacing, level: Float(sum / weight), relativeResidual: residual)
}

/// The trilinear value between voxels, for points within the grid.
func interpolate(_ field: Volume<Float>, at point: SIMD3<Float>) -> Float {
    let p = max(0, min(field.planes - 2, Int(point.x)))
    let r = max(0, min(field.rows - 2, Int(point.y)))
    let c = max(0, min(field.columns - 2, Int(point.z)))
    let (u, v, w) = (point.x - Float(p), point.y - Float(r), point.z - Float(c))
    func row(_ p: Int, _ r: Int) -> Float { field[p, r, c] * (1 - w) + field[p, r, c + 1] * w }
    return (row(p, r) * (1 - v) + row(p, r + 1) * v) * (1 - u) + (row(p + 1, r) * (1 - v) + row(p + 1, r + 1) * v) * u
}

/// Weights of the quadratic B-spline at the three integers around `x`, the lowest of which is returned.
@inline(__always)
private func quadraticWeights(_ x: Float) -> (first: Int, weights: SIMD3<Float>) {
    let nearest = x.rounded()
    let d = x - nearest
    return (Int(nearest) - 1, SIMD3(0.5 * (0.5 - d) * (0.5 - d), 0.75 - d * d, 0.5 * (0.5 + d) * (0.5 + d)))
}

/// Adds the divergence of −Σ a B(x − p) for inward-looking indicator gradients.
private func spreadDivergence(
    _ positions: [SIMD3<Float>], _ vectors: [SIMD3<Float>], into target: UnsafeMutableBufferPointer<Float>,
    sides: SIMD3<Int>, threads: Int
) {
    // Points sorted by plane, keeping their order, so that bands of planes can be filled side by side, each in one fixed order.
    var offsets = [Int](repeating: 0, count: sides.x + 1)
    for position in positions { offsets[Int(position.x) + 1] += 1 }
    for index in 1...sides.x { offsets[index] += offsets[index - 1] }
    var next = offsets
    var order = [UInt32](repeating: 0, count: positions.count)
    for (index, position) in positions.enumerated() {
        order[next[Int(position.x)]] = UInt32(index)
        next[Int(position.x)] += 1
    }
    let slices = DisjointSlices(target)
    let (starts, sorted) = (offsets, order)
    parallelBands(sides.x, band: 16, threads: threads) { planes in
        let from = starts[max(0, planes.lowerBound - 3)]
        let to = starts[min(sides.x, planes.upperBound + 3)]
        let target = slices.base
        for number in sorted[from..<to] {
            let position = positions[Int(number)]
            let vector = vectors[Int(number)]
            for axis in 0..<3 {
                let amount = -vector[axis]
                if amount == 0 { continue }
                // Along its axis a component lies half-way between voxels: the one at i + ½ flows out of i and into i + 1.
                var base = (Int.zero, Int.zero, Int.zero)
                var shape = (SIMD4<Float>.zero, SIMD4<Float>.zero, SIMD4<Float>.zero)
                for direction in 0..<3 {
                    let staggered = direction == axis
                    let (first, w) = quadraticWeights(position[direction] - (staggered ? 0.5 : 0))
                    let four =
                        staggered
                        ? SIMD4(w.x, w.y - w.x, w.z - w.y, -w.z) : SIMD4(w.x, w.y, w.z, 0)
                    switch direction {
                    case 0: (base.0, shape.0) = (first, four)
                    case 1: (base.1, shape.1) = (first, four)
                    default: (base.2, shape.2) = (first, four)
                    }
                }
                for i in 0..<(axis == 0 ? 4 : 3) {
                    let plane = base.0 + i
                    guard planes.contains(plane) else { continue }
                    for j in 0..<(axis == 1 ? 4 : 3) {
                        let weight = amount * shape.0[i] * shape.1[j]
                        let start = (plane * sides.y + base.1 + j) * sides.z + base.2
                        target[start] += weight * shape.2.x
                        target[start + 1] += weight * shape.2.y
                        target[start + 2] += weight * shape.2.z
                        if axis == 2 { target[start + 3] += weight * shape.2.w }
                    }
                }
            }
        }
    }
}
