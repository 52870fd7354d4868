/// A regular grid of points anywhere in space: counts, and the map from indices to millimetres.
public struct OrientedGrid: Sendable, Equatable {
    public let planes: Int
    public let rows: Int
    public let columns: Int
    /// (column, row, plane) to RAS mm; grid points lie at whole indices.
    public let indexToMm: AffineTransform
    /// RAS mm to (column, row, plane).
    public let mmToIndex: AffineTransform

    /// - Throws: `SpatialTransformError`: `singular` or `notFinite` where the map has no inverse, `wrongShape` for an empty grid.
    public init(
        planes: Int, rows: Int, columns: Int, indexToMm: AffineTransform
    ) throws(SpatialTransformError) {
        guard planes >= 1, rows >= 1, columns >= 1 else {
            throw SpatialTransformError(.wrongShape, "a grid of \(planes) × \(rows) × \(columns) points is empty")
        }
        self.planes = planes
        self.rows = rows
        self.columns = columns
        self.indexToMm = indexToMm
        mmToIndex = try indexToMm.inverted()
    }

    /// Number of grid points.
    @inlinable public var count: Int { planes * rows * columns }

    /// Where a grid point lies, mm.
    @inlinable public func point(plane: Int, row: Int, column: Int) -> SIMD3<Double> {
        indexToMm(SIMD3(Double(column), Double(row), Double(plane)))
    }

    /// Largest indices, as (column, row, plane).
    @usableFromInline var last: SIMD3<Double> { SIMD3(Double(columns - 1), Double(rows - 1), Double(planes - 1)) }

    /// Whether a point lies in the grid's voxels: at most half a voxel beyond the outermost centres, as ITK has it.
    @inlinable public func contains(_ pointMm: SIMD3<Double>) -> Bool { containsIndex(mmToIndex(pointMm)) }

    @usableFromInline func containsIndex(_ index: SIMD3<Double>) -> Bool {
        let end = last + 0.5
        return index.x >= -0.5 && index.y >= -0.5 && index.z >= -0.5 && index.x <= end.x && index.y <= end.y
            && index.z <= end.z
    }
}
