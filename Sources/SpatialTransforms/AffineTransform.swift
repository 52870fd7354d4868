/// An affine map of physical points, p ↦ A p + t, in millimetres.
///
/// Points are (x, y, z) in RAS: x grows to the right, y to the front, z upwards.
public struct AffineTransform: Sendable, Equatable {
    /// Where the unit vectors go: the columns of A.
    public var x: SIMD3<Double>
    public var y: SIMD3<Double>
    public var z: SIMD3<Double>
    /// Where the origin goes, mm.
    public var translation: SIMD3<Double>

    /// The map with these columns and translation.
    public init(
        x: SIMD3<Double> = [1, 0, 0], y: SIMD3<Double> = [0, 1, 0], z: SIMD3<Double> = [0, 0, 1],
        translation: SIMD3<Double> = .zero
    ) {
        self.x = x
        self.y = y
        self.z = z
        self.translation = translation
    }

    /// The map of a row-major 4 × 4 (or 3 × 4) matrix that acts on (x, y, z, 1); a fourth row is not looked at.
    public init(rowMajor matrix: [Double]) {
        precondition(matrix.count == 16 || matrix.count == 12, "A matrix has 16 or 12 elements, not \(matrix.count).")
        self.init(
            x: [matrix[0], matrix[4], matrix[8]], y: [matrix[1], matrix[5], matrix[9]],
            z: [matrix[2], matrix[6], matrix[10]], translation: [matrix[3], matrix[7], matrix[11]])
    }

    public static let identity = AffineTransform()

    /// Row-major 4 × 4.
    public var rowMajor: [Double] {
        [
            x.x, y.x, z.x, translation.x, x.y, y.y, z.y, translation.y, x.z, y.z, z.z, translation.z, 0, 0, 0, 1,
        ]
    }

    /// Where a point goes.
    @inlinable public func callAsFunction(_ point: SIMD3<Double>) -> SIMD3<Double> {
        linear(point) + translation
    }

    /// A v: where a direction goes.
    @inlinable public func linear(_ vector: SIMD3<Double>) -> SIMD3<Double> {
        x * vector.x + y * vector.y + z * vector.z
    }

    /// The map that does `first`, then this one.
    public func after(_ first: AffineTransform) -> AffineTransform {
        AffineTransform(
            x: linear(first.x), y: linear(first.y), z: linear(first.z), translation: self(first.translation))
    }

    /// The volume of the unit cube's image; negative where the map mirrors.
    public var determinant: Double { x.x * crossed.x + x.y * crossed.y + x.z * crossed.z }

    private var crossed: SIMD3<Double> { AffineTransform.cross(y, z) }

    public var isFinite: Bool { rowMajor.allSatisfy(\.isFinite) }

    /// The map that undoes this one.
    ///
    /// - Throws: `SpatialTransformError` with `singular` where |det A| is below 1e-12 of the product of the columns' lengths,
    ///   `notFinite` where the matrix is not a matrix of numbers.
    public func inverted() throws(SpatialTransformError) -> AffineTransform {
        guard isFinite else {
            throw SpatialTransformError(.notFinite, "the matrix holds a value that is not a finite number")
        }
        let determinant = determinant
        let size = [x, y, z].reduce(1.0) { $0 * ($1 * $1).sum().squareRoot() }
        guard abs(determinant) > 1e-12 * size, determinant.isNormal else {
            throw SpatialTransformError(
                .singular, "the matrix is singular (determinant \(determinant)), so the transform cannot be inverted")
        }
        // Rows of the inverse are cross products of the columns (Cramer's rule).
        let rows = [
            AffineTransform.cross(y, z) / determinant, AffineTransform.cross(z, x) / determinant,
            AffineTransform.cross(x, y) / determinant,
        ]
        let inverse = AffineTransform(
            x: [rows[0].x, rows[1].x, rows[2].x], y: [rows[0].y, rows[1].y, rows[2].y],
            z: [rows[0].z, rows[1].z, rows[2].z])
        return AffineTransform(
            x: inverse.x, y: inverse.y, z: inverse.z, translation: -inverse.linear(translation))
    }

    /// The same map between spaces whose x and y are turned round: RAS to LPS and back (its own inverse).
    ///
    /// If this maps RAS points, the result maps LPS points to LPS points; ITK's files speak LPS.
    public var turnedRoundXY: AffineTransform {
        let flip = AffineTransform(x: [-1, 0, 0], y: [0, -1, 0])
        return flip.after(self).after(flip)
    }

    private static func cross(_ a: SIMD3<Double>, _ b: SIMD3<Double>) -> SIMD3<Double> {
        [a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x]
    }
}
