internal import NDArray
public import SpatialTransforms

/// A map between a brain's space and the template's that is one to one both ways: an affine map and a smooth flow.
public struct TemplateMatch: Sendable {
    /// From the brain's mm to the template's, without the flow.
    let affine: AffineTransform
    let affineBack: AffineTransform
    /// Displacements of the flow in mm of the template: `onward` after the affine map, `backward` before its inverse.
    let onward: FlowGrid
    let backward: FlowGrid
    /// Figures of the match.
    public internal(set) var quality: TemplateMatchQuality

    /// The template's point (RAS mm) of a brain's point (reconstruction RAS mm).
    public func templatePointMm(ofBrainMm point: SIMD3<Double>) -> SIMD3<Double> {
        let moved = affine(point)
        return moved + onward.displacement(at: moved)
    }

    /// The brain's point of a template's point.
    public func brainPointMm(ofTemplateMm point: SIMD3<Double>) -> SIMD3<Double> {
        affineBack(point + backward.displacement(at: point))
    }

    /// The map from the brain to the template on a grid of the brain's space, affine part and all.
    public func field(onBrain grid: OrientedGrid, threads: Int) throws -> DisplacementField {
        try sampled(on: grid, threads: threads) { templatePointMm(ofBrainMm: $0) }
    }

    /// The map from the template to the brain on a grid of the template's space.
    public func field(onTemplate grid: OrientedGrid, threads: Int) throws -> DisplacementField {
        try sampled(on: grid, threads: threads) { brainPointMm(ofTemplateMm: $0) }
    }

    private func sampled(
        on grid: OrientedGrid, threads: Int, _ map: @Sendable (SIMD3<Double>) -> SIMD3<Double>
    ) throws -> DisplacementField {
        var vectors = [Float](repeating: 0, count: 3 * grid.count)
        vectors.withUnsafeMutableBufferPointer { buffer in
            let slices = DisjointSlices(buffer)
            parallelFor(grid.planes, threads: threads) { plane in
                for row in 0..<grid.rows {
                    for column in 0..<grid.columns {
                        let point = grid.point(plane: plane, row: row, column: column)
                        let step = map(point) - point
                        let place = 3 * ((plane * grid.rows + row) * grid.columns + column)
                        for axis in 0..<3 { slices[place + axis] = Float(step[axis]) }
                    }
                }
            }
        }
        return try DisplacementField(grid: grid, vectors: vectors)
    }

    /// The affine part alone: what it does to a brain's point.
    public func affinePointMm(ofBrainMm point: SIMD3<Double>) -> SIMD3<Double> { affine(point) }
}

/// Displacements in mm on a grid, linear between its points and constant beyond its faces.
struct FlowGrid: Sendable {
    let size: SIMD3<Int>
    let originMm: SIMD3<Double>
    let spacingMm: Double
    var values: [SIMD4<Float>]

    func displacement(at point: SIMD3<Double>) -> SIMD3<Double> {
        let place = SIMD3<Float>((point - originMm) / spacingMm)
        let found = values.withUnsafeBufferPointer {
            sample($0, at: place, size: SIMD3<Int32>(truncatingIfNeeded: size))
        }
        return SIMD3(Double(found.x), Double(found.y), Double(found.z))
    }

    /// The smallest and the largest determinant of the map's derivative, and the share of cells where it is not positive.
    ///
    /// The derivative is that of the interpolant at the grid's cells, by differences along their edges: positive in all, the
    /// map keeps the orientation of every tetrahedron of neighbours.
    func jacobian(threads: Int) -> (least: Double, most: Double, foldedShare: Double) {
        let planes = size.z - 1
        guard planes > 0, size.x > 1, size.y > 1 else { return (1, 1, 0) }
        var parts = [SIMD4<Double>](repeating: SIMD4(), count: planes)
        let (row, layer) = (size.x, size.x * size.y)
        let scale = Float(1 / spacingMm)
        parts.withUnsafeMutableBufferPointer { buffer in
            let parts = DisjointSlices(buffer)
            parallelFor(planes, threads: threads) { plane in
                var (least, most, folded): (Float, Float, Double) = (.infinity, -.infinity, 0)
                values.withUnsafeBufferPointer { u in
                    for j in 0..<size.y - 1 {
                        for i in 0..<size.x - 1 {
                            let here = plane * layer + j * row + i
                            // All eight corners, each with the three edges that leave it.
                            for corner in 0..<8 {
                                let (dx, dy, dz) = (corner & 1, corner >> 1 & 1, corner >> 2)
                                let x0 = here + dy * row + dz * layer
                                let y0 = here + dx + dz * layer
                                let z0 = here + dx + dy * row
                                let a = scale * (u[x0 + 1] - u[x0]) + SIMD4(1, 0, 0, 0)
                                let b = scale * (u[y0 + row] - u[y0]) + SIMD4(0, 1, 0, 0)
                                let c = scale * (u[z0 + layer] - u[z0]) + SIMD4(0, 0, 1, 0)
                                let determinant =
                                    a.x * (b.y * c.z - b.z * c.y) - a.y * (b.x * c.z - b.z * c.x)
                                    + a.z * (b.x * c.y - b.y * c.x)
                                least = min(least, determinant)
                                most = max(most, determinant)
                                if determinant <= 0 { folded += 1 }
                            }
                        }
                    }
                }
                parts[plane] = SIMD4(Double(least), Double(most), folded, 0)
            }
        }
        let least = parts.map(\.x).min() ?? 1
        let most = parts.map(\.y).max() ?? 1
        let cells = Double(planes) * Double(size.x - 1) * Double(size.y - 1) * 8
        return (least, most, parts.map(\.z).reduce(0, +) / cells)
    }
}
