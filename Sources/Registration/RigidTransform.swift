internal import NDArray

/// A point of a plane, (row, column), in pixels or µm as its user says.
@frozen public struct PlanarPoint: Sendable, Equatable {
    public var row: Double
    public var column: Double

    @inlinable public init(row: Double, column: Double) {
        self.row = row
        self.column = column
    }

    @inlinable public func distance(to other: PlanarPoint) -> Double {
        let rows = row - other.row
        let columns = column - other.column
        return (rows * rows + columns * columns).squareRoot()
    }
}

/// A motion of the plane that keeps distances: an optional mirroring, then a rotation, then a shift.
///
/// q = R(θ) · diag(1, ±1) · p + t on column vectors (row, column); a mirrored transform first turns the columns' sign.
/// No scale: sections of one brain keep their size, and a chain of hundreds must not shrink.
public struct RigidTransform: Sendable, Equatable {
    /// θ; a positive one turns the row axis towards the column axis.
    public var rotationRad: Double
    public var isMirrored: Bool
    public var translation: PlanarPoint

    public init(rotationRad: Double, isMirrored: Bool = false, translation: PlanarPoint) {
        self.rotationRad = rotationRad
        self.isMirrored = isMirrored
        self.translation = translation
    }

    public static let identity = RigidTransform(rotationRad: 0, translation: PlanarPoint(row: 0, column: 0))

    /// The transform of a row-major 3 × 3 matrix on (row, column, 1).
    ///
    /// The nearest rotation to the linear part is taken; a negative determinant means mirrored.
    public init(matrix: [Double]) {
        precondition(matrix.count == 9, "A planar matrix has 9 elements, not \(matrix.count).")
        isMirrored = matrix[0] * matrix[4] - matrix[1] * matrix[3] < 0
        let sign = isMirrored ? -1.0 : 1.0
        rotationRad = Math.atan2(matrix[3] - sign * matrix[1], matrix[0] + sign * matrix[4])
        translation = PlanarPoint(row: matrix[2], column: matrix[5])
    }

    /// The row-major 3 × 3 matrix on (row, column, 1).
    public var matrix: [Double] {
        let (cosine, sine, sign) = (Math.cos(rotationRad), Math.sin(rotationRad), isMirrored ? -1.0 : 1.0)
        return [cosine, -sine * sign, translation.row, sine, cosine * sign, translation.column, 0, 0, 1]
    }

    /// Where a point goes.
    public func callAsFunction(_ point: PlanarPoint) -> PlanarPoint {
        let (cosine, sine) = (Math.cos(rotationRad), Math.sin(rotationRad))
        let column = isMirrored ? -point.column : point.column
        return PlanarPoint(
            row: cosine * point.row - sine * column + translation.row,
            column: sine * point.row + cosine * column + translation.column)
    }

    public var inverse: RigidTransform {
        // M R(−θ) = R(θ) M for a mirroring M, so a mirrored transform keeps its angle.
        var turned = RigidTransform(
            rotationRad: isMirrored ? rotationRad : -rotationRad, isMirrored: isMirrored,
            translation: PlanarPoint(row: 0, column: 0))
        let back = turned(translation)
        turned.translation = PlanarPoint(row: -back.row, column: -back.column)
        return turned
    }

    /// This transform after `first`.
    public func after(_ first: RigidTransform) -> RigidTransform {
        RigidTransform(
            rotationRad: wrappedRad(rotationRad + (isMirrored ? -first.rotationRad : first.rotationRad)),
            isMirrored: isMirrored != first.isMirrored, translation: self(first.translation))
    }

    /// The same motion in units of which one is `unit` of the old ones: pixels of 64 µm to µm with `unit` = 1/64.
    public func inUnits(of unit: Double) -> RigidTransform {
        RigidTransform(
            rotationRad: rotationRad, isMirrored: isMirrored,
            translation: PlanarPoint(row: translation.row / unit, column: translation.column / unit))
    }

    /// The motion that turns about the moving image's middle by `rotationRad` and lays it on `target`.
    public static func about(
        _ centre: PlanarPoint, onto target: PlanarPoint, rotationRad: Double = 0, isMirrored: Bool = false
    ) -> RigidTransform {
        var transform = RigidTransform(
            rotationRad: rotationRad, isMirrored: isMirrored, translation: PlanarPoint(row: 0, column: 0))
        let turned = transform(centre)
        transform.translation = PlanarPoint(row: target.row - turned.row, column: target.column - turned.column)
        return transform
    }
}

/// The angle in (−π, π].
func wrappedRad(_ angleRad: Double) -> Double {
    let turned = angleRad.truncatingRemainder(dividingBy: 2 * .pi)
    if turned > .pi { return turned - 2 * .pi }
    return turned <= -.pi ? turned + 2 * .pi : turned
}
