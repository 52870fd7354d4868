internal import NDArray

/// A map p ↦ p + u(p) whose displacement u is given on a grid and trilinear in between.
///
/// Within half a voxel around the outermost grid points u is that of the nearest point of the grid's box, as in ITK; further
/// outside `outside` decides.
public struct DisplacementField: Sendable, Equatable {
    /// What a point outside the grid's voxels maps to.
    public enum Outside: String, Sendable {
        /// Nothing: the field says nothing about it.
        case undefined
        /// Itself, as ITK's DisplacementFieldTransform has it.
        case identity
        /// As displaced as the nearest point of the grid.
        case nearest
    }

    public let grid: OrientedGrid
    /// Displacements in mm, RAS: (planes, rows, columns, 3), slowest first.
    public let vectors: [Float]
    public var outside: Outside

    /// - Parameter vectors: `3 · grid.count` numbers, mm.
    /// - Throws: `SpatialTransformError`: `wrongShape`; `notFinite` with the first such grid point.
    public init(
        grid: OrientedGrid, vectors: [Float], outside: Outside = .undefined
    ) throws(SpatialTransformError) {
        guard vectors.count == 3 * grid.count else {
            throw SpatialTransformError(
                .wrongShape, "\(vectors.count) numbers are not the vectors of \(grid.count) grid points")
        }
        var bad = 0
        var first = -1
        for index in vectors.indices where !vectors[index].isFinite {
            bad += 1
            if first < 0 { first = index / 3 }
        }
        guard bad == 0 else {
            let (columns, rows) = (grid.columns, grid.rows)
            throw SpatialTransformError(
                .notFinite,
                "the displacement field holds \(bad) values that are not finite numbers, the first at voxel "
                    + "(\(first % columns), \(first / columns % rows), \(first / columns / rows))")
        }
        self.grid = grid
        self.vectors = vectors
        self.outside = outside
    }

    /// Samples a transform on a grid, for example to write a chain as one file.
    ///
    /// Where the transform is undefined, the displacement is zero and counted.
    public static func sampling(
        _ transform: SpatialTransform, on grid: OrientedGrid, threads: Int
    ) throws(SpatialTransformError) -> (field: DisplacementField, undefined: Int) {
        var vectors = [Float](repeating: 0, count: 3 * grid.count)
        var undefined = [Int](repeating: 0, count: grid.planes)
        vectors.withUnsafeMutableBufferPointer { target in
            undefined.withUnsafeMutableBufferPointer { counts in
                let (target, counts) = (DisjointSlices(target), DisjointSlices(counts))
                parallelFor(grid.planes, threads: threads) { plane in
                    for row in 0..<grid.rows {
                        for column in 0..<grid.columns {
                            let point = grid.point(plane: plane, row: row, column: column)
                            guard let mapped = transform(point) else {
                                counts[plane] += 1
                                continue
                            }
                            let offset = 3 * ((plane * grid.rows + row) * grid.columns + column)
                            for axis in 0..<3 { target[offset + axis] = Float(mapped[axis] - point[axis]) }
                        }
                    }
                }
            }
        }
        return (try DisplacementField(grid: grid, vectors: vectors), undefined.reduce(0, +))
    }

    /// Where a point goes; nil where the field says nothing about it.
    public func callAsFunction(_ point: SIMD3<Double>) -> SIMD3<Double>? {
        let index = grid.mmToIndex(point)
        guard grid.containsIndex(index) else {
            switch outside {
            // A point that is not a number lies outside and stays undefined.
            case .undefined: return nil
            case .identity: return point.x.isNaN || point.y.isNaN || point.z.isNaN ? nil : point
            case .nearest: return point.x.isNaN || point.y.isNaN || point.z.isNaN ? nil : point + displacement(index)
            }
        }
        return point + displacement(index)
    }

    /// u at an index (column, row, plane), clamped to the grid's box.
    func displacement(_ index: SIMD3<Double>) -> SIMD3<Double> {
        let inside = index.clamped(lowerBound: .zero, upperBound: grid.last)
        let low = inside.rounded(.down)
        let part = inside - low
        let (column, row, plane) = (Int(low.x), Int(low.y), Int(low.z))
        let nextColumn = column + 1 < grid.columns ? 3 : 0
        let nextRow = row + 1 < grid.rows ? 3 * grid.columns : 0
        let nextPlane = plane + 1 < grid.planes ? 3 * grid.columns * grid.rows : 0
        let base = 3 * ((plane * grid.rows + row) * grid.columns + column)
        return vectors.withUnsafeBufferPointer { vectors in
            func vector(_ offset: Int) -> SIMD3<Double> {
                SIMD3(Double(vectors[offset]), Double(vectors[offset + 1]), Double(vectors[offset + 2]))
            }
            func line(_ offset: Int) -> SIMD3<Double> {
                vector(offset) * (1 - part.x) + vector(offset + nextColumn) * part.x
            }
            func face(_ offset: Int) -> SIMD3<Double> {
                line(offset) * (1 - part.y) + line(offset + nextRow) * part.y
            }
            return face(base) * (1 - part.z) + face(base + nextPlane) * part.z
        }
    }

    /// The displacement at a point, clamped to the grid's box; for iterations that may step outside for a moment.
    func clampedDisplacement(at point: SIMD3<Double>) -> SIMD3<Double> { displacement(grid.mmToIndex(point)) }
}
