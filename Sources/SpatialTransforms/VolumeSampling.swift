public import NDArray

/// A volume with its place in space, to be looked up at points.
public struct PlacedVolume<Element: Sendable>: Sendable {
    public let grid: OrientedGrid
    public let volume: Volume<Element>

    /// - Throws: `SpatialTransformError`: `singular` where the matrix has no inverse, `wrongShape` for an empty volume.
    public init(_ volume: Volume<Element>, indexToMm: AffineTransform) throws(SpatialTransformError) {
        grid = try OrientedGrid(
            planes: volume.planes, rows: volume.rows, columns: volume.columns, indexToMm: indexToMm)
        self.volume = volume
    }

    /// The voxel (plane, row, column) that holds a point; nil outside.
    @inlinable public func voxel(at pointMm: SIMD3<Double>) -> SIMD3<Int>? {
        let index = grid.mmToIndex(pointMm)
        guard grid.containsIndex(index) else { return nil }
        let nearest = index.rounded(.toNearestOrAwayFromZero).clamped(lowerBound: .zero, upperBound: grid.last)
        return SIMD3(Int(nearest.z), Int(nearest.y), Int(nearest.x))
    }

    /// The value of the voxel that holds a point; nil outside.
    @inlinable public func nearest(at pointMm: SIMD3<Double>) -> Element? {
        voxel(at: pointMm).map { volume[$0.x, $0.y, $0.z] }
    }
}

extension PlacedVolume where Element == Float {
    /// The value at a point, trilinear between voxel centres; nil outside the voxels.
    public func linear(at pointMm: SIMD3<Double>) -> Float? {
        let index = grid.mmToIndex(pointMm)
        guard grid.containsIndex(index) else { return nil }
        let inside = index.clamped(lowerBound: .zero, upperBound: grid.last)
        let low = inside.rounded(.down)
        let part = inside - low
        let (column, row, plane) = (Int(low.x), Int(low.y), Int(low.z))
        let nextColumn = column + 1 < grid.columns ? 1 : 0
        let nextRow = row + 1 < grid.rows ? grid.columns : 0
        let nextPlane = plane + 1 < grid.planes ? grid.columns * grid.rows : 0
        let base = (plane * grid.rows + row) * grid.columns + column
        return volume.elements.withUnsafeBufferPointer { values in
            func line(_ offset: Int) -> Double {
                Double(values[offset]) * (1 - part.x) + Double(values[offset + nextColumn]) * part.x
            }
            func face(_ offset: Int) -> Double { line(offset) * (1 - part.y) + line(offset + nextRow) * part.y }
            return Float(face(base) * (1 - part.z) + face(base + nextPlane) * part.z)
        }
    }
}
