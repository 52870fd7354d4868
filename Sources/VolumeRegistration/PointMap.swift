/// An affine map of points, y = A x + b.
struct PointMap: Sendable, Equatable {
    /// The columns of A.
    var columns: (SIMD3<Double>, SIMD3<Double>, SIMD3<Double>)
    var offset: SIMD3<Double>

    static let identity = PointMap(columns: (SIMD3(1, 0, 0), SIMD3(0, 1, 0), SIMD3(0, 0, 1)), offset: SIMD3())

    static func == (left: PointMap, right: PointMap) -> Bool {
        left.columns == right.columns && left.offset == right.offset
    }

    @inline(__always)
    func linear(_ x: SIMD3<Double>) -> SIMD3<Double> { columns.0 * x.x + columns.1 * x.y + columns.2 * x.z }

    @inline(__always)
    func callAsFunction(_ x: SIMD3<Double>) -> SIMD3<Double> { linear(x) + offset }

    /// The map that does `self` first, then `next`.
    func followed(by next: PointMap) -> PointMap {
        PointMap(
            columns: (next.linear(columns.0), next.linear(columns.1), next.linear(columns.2)), offset: next(offset))
    }

    var determinant: Double { (cross(columns.0, columns.1) * columns.2).sum() }

    /// Nil where the determinant is next to nothing.
    var inverse: PointMap? {
        let determinant = determinant
        guard abs(determinant) > 1e-12, determinant.isFinite else { return nil }
        let rows = (
            cross(columns.1, columns.2) / determinant, cross(columns.2, columns.0) / determinant,
            cross(columns.0, columns.1) / determinant
        )
        var back = PointMap(
            columns: (
                SIMD3(rows.0.x, rows.1.x, rows.2.x), SIMD3(rows.0.y, rows.1.y, rows.2.y),
                SIMD3(rows.0.z, rows.1.z, rows.2.z)
            ), offset: SIMD3())
        back.offset = -back.linear(offset)
        return back
    }

    static func scaling(_ scale: SIMD3<Double>, offset: SIMD3<Double>) -> PointMap {
        PointMap(columns: (SIMD3(scale.x, 0, 0), SIMD3(0, scale.y, 0), SIMD3(0, 0, scale.z)), offset: offset)
    }
}

@inline(__always)
func cross(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> SIMD3<Double> {
    SIMD3(a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x)
}
