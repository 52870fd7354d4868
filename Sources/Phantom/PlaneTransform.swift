internal import NDArray

/// An affine map of the plane: (row, column, 1) to (row, column, 1), in µm.
public struct PlaneTransform: Sendable, Equatable {
    /// Three rows of three, the last being (0, 0, 1).
    public var elements: [Double]

    /// Takes nine numbers row by row.
    public init(_ elements: [Double]) {
        precondition(elements.count == 9, "A plane transform has nine elements, not \(elements.count).")
        self.elements = elements
    }

    public static let identity = PlaneTransform([1, 0, 0, 0, 1, 0, 0, 0, 1])

    /// A rotation about the origin: the row axis turns towards the column axis for a positive angle.
    public static func rotation(_ angleRad: Double) -> PlaneTransform {
        let (cosine, sine) = (Math.cos(angleRad), Math.sin(angleRad))
        return PlaneTransform([cosine, -sine, 0, sine, cosine, 0, 0, 0, 1])
    }

    public static func translation(row: Double, column: Double) -> PlaneTransform {
        PlaneTransform([1, 0, row, 0, 1, column, 0, 0, 1])
    }

    /// Left and right exchanged.
    public static let mirror = PlaneTransform([1, 0, 0, 0, -1, 0, 0, 0, 1])

    /// First `self`, then `next`.
    public func followed(by next: PlaneTransform) -> PlaneTransform {
        var product = [Double](repeating: 0, count: 9)
        for row in 0..<3 {
            for column in 0..<3 {
                for inner in 0..<3 {
                    product[row * 3 + column] += next.elements[row * 3 + inner] * elements[inner * 3 + column]
                }
            }
        }
        return PlaneTransform(product)
    }

    /// The map back; nil where the map flattens the plane.
    public var inverse: PlaneTransform? {
        let e = elements
        guard determinant.magnitude > 1e-12 else { return nil }
        let d = 1 / determinant
        return PlaneTransform([
            e[4] * d, -e[1] * d, (e[1] * e[5] - e[4] * e[2]) * d,
            -e[3] * d, e[0] * d, (e[3] * e[2] - e[0] * e[5]) * d,
            0, 0, 1,
        ])
    }

    /// Negative where the map mirrors.
    public var determinant: Double { elements[0] * elements[4] - elements[1] * elements[3] }

    public var mirrors: Bool { determinant < 0 }

    /// Angle of the rotation in radians, of what is left of the map when a mirroring of the columns before it is taken off.
    public var rotationRad: Double {
        Math.atan2(elements[3], elements[0])
    }

    @inlinable public func apply(row: Double, column: Double) -> (row: Double, column: Double) {
        (
            elements[0] * row + elements[1] * column + elements[2],
            elements[3] * row + elements[4] * column + elements[5]
        )
    }
}
