/// A map p ↦ p + u(p) whose displacement is a tensor product of cubic B-splines over a grid of control points.
///
/// **Reference.** Rueckert et al., IEEE Trans. Med. Imaging 18(8), 1999, DOI 10.1109/42.796284; domain and order of
/// parameters as in ITK's BSplineTransform.
public struct CubicBSplineTransform: Sendable, Equatable {
    /// The control points.
    public let grid: OrientedGrid
    /// Coefficients in mm, RAS: (planes, rows, columns, 3), slowest first.
    public let coefficients: [Double]

    /// - Throws: `SpatialTransformError`: `wrongShape` for a grid with under 4 points along an axis, or coefficients that do not
    ///   fit it; `notFinite`.
    public init(grid: OrientedGrid, coefficients: [Double]) throws(SpatialTransformError) {
        guard min(grid.planes, grid.rows, grid.columns) >= 4, coefficients.count == 3 * grid.count else {
            throw SpatialTransformError(
                .wrongShape,
                "\(coefficients.count) coefficients on a grid of \(grid.planes) × \(grid.rows) × \(grid.columns) are no cubic "
                    + "B-spline transform (3 a control point, at least 4 points along each axis)")
        }
        guard coefficients.allSatisfy(\.isFinite) else {
            throw SpatialTransformError(.notFinite, "a coefficient of the B-spline transform is not a finite number")
        }
        self.grid = grid
        self.coefficients = coefficients
    }

    /// Where a point goes; nil where not all 4 × 4 × 4 control points around it are there.
    ///
    /// **Differs** from ITK, which leaves such a point where it is.
    public func callAsFunction(_ point: SIMD3<Double>) -> SIMD3<Double>? {
        let index = grid.mmToIndex(point)
        guard isInside(index) else { return nil }
        return point + displacement(index)
    }

    /// Whether the spline is defined: control points 1 … count − 2 span its domain.
    func isInside(_ index: SIMD3<Double>) -> Bool {
        // Rounding on the way to the index must not push the border out.
        let (start, end) = (1 - 1e-9, grid.last - (1 - 1e-9))
        return index.x >= start && index.y >= start && index.z >= start && index.x <= end.x && index.y <= end.y
            && index.z <= end.z
    }

    func displacement(_ index: SIMD3<Double>) -> SIMD3<Double> {
        let inside = index.clamped(lowerBound: SIMD3(repeating: 1), upperBound: grid.last - 1)
        // On the far border the last cell serves.
        let low = pointwiseMin(inside.rounded(.down), grid.last - 2)
        let part = inside - low
        let weights = (0..<3).map { CubicBSplineTransform.weights(part[$0]) }
        let (column, row, plane) = (Int(low.x) - 1, Int(low.y) - 1, Int(low.z) - 1)
        var sum = SIMD3<Double>.zero
        coefficients.withUnsafeBufferPointer { coefficients in
            for k in 0..<4 {
                for j in 0..<4 {
                    let weight = weights[2][k] * weights[1][j]
                    let base = 3 * (((plane + k) * grid.rows + row + j) * grid.columns + column)
                    for i in 0..<4 {
                        let offset = base + 3 * i
                        sum +=
                            SIMD3(coefficients[offset], coefficients[offset + 1], coefficients[offset + 2])
                            * (weight * weights[0][i])
                    }
                }
            }
        }
        return sum
    }

    func clampedDisplacement(at point: SIMD3<Double>) -> SIMD3<Double> { displacement(grid.mmToIndex(point)) }

    /// The four cubic B-splines at 0 ≤ t ≤ 1 past the second of them.
    private static func weights(_ t: Double) -> SIMD4<Double> {
        let u = 1 - t
        return SIMD4(u * u * u, 4 - 6 * t * t + 3 * t * t * t, 4 - 6 * u * u + 3 * u * u * u, t * t * t) / 6
    }
}
