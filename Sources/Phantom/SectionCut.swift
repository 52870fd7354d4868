public import NDArray

/// Where a section was cut and how it came to lie on its slide.
public struct SectionCut: Sendable, Equatable {
    /// Position along the planes of the brain, 0 in its middle.
    public var positionUm: Double
    public var rotationRad: Double
    /// How far the brain's middle lies from the middle of the scan.
    public var shiftUm: (row: Double, column: Double)
    /// Whether the slide was scanned face down.
    public var mirrored: Bool

    public init(positionUm: Double, rotationRad: Double, shiftUm: (row: Double, column: Double), mirrored: Bool) {
        self.positionUm = positionUm
        self.rotationRad = rotationRad
        self.shiftUm = shiftUm
        self.mirrored = mirrored
    }

    public static func == (left: SectionCut, right: SectionCut) -> Bool {
        left.positionUm == right.positionUm && left.rotationRad == right.rotationRad
            && left.shiftUm == right.shiftUm && left.mirrored == right.mirrored
    }

    /// A cut with rotation and shift drawn at random, normal and bounded at 2.5 standard deviations.
    public static func drawn(
        positionUm: Double, mirrored: Bool, rotationDeg: Double = 3, shiftMm: Double = 1.2,
        generator: inout SeededGenerator
    ) -> SectionCut {
        func bounded() -> Double { min(max(generator.normal(), -2.5), 2.5) }
        return SectionCut(
            positionUm: positionUm, rotationRad: bounded() * rotationDeg * Double.pi / 180,
            shiftUm: (row: bounded() * shiftMm * 1000, column: bounded() * shiftMm * 1000), mirrored: mirrored)
    }

    /// The map from the section, in µm from the centre of its first pixel, to the plane of the brain, in µm from its middle.
    public func transform(rows: Int, columns: Int, spacingUm: Double) -> PlaneTransform {
        let toMiddle = PlaneTransform.translation(
            row: -Double(rows - 1) / 2 * spacingUm, column: -Double(columns - 1) / 2 * spacingUm)
        return
            toMiddle
            .followed(by: mirrored ? .mirror : .identity)
            .followed(by: .translation(row: -shiftUm.row, column: -shiftUm.column))
            .followed(by: .rotation(rotationRad))
    }
}
