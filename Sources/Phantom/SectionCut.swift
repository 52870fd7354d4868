public import NDArray

/// Where a section was cut and how it came to lie on its slide.
public struct SectionCut: Sendable, Equatable {
    /// Position along the planes of the brain, 0 in its middle.
    public var positionUm: Double
    public var rotationRad: Double
    /// How far the tissue lies from the middle of the field of view.
    public var shiftUm: SectionPoint
    /// Whether the slide was scanned face down.
    public var mirrored: Bool

    public init(positionUm: Double, rotationRad: Double, shiftUm: SectionPoint, mirrored: Bool) {
        self.positionUm = positionUm
        self.rotationRad = rotationRad
        self.shiftUm = shiftUm
        self.mirrored = mirrored
    }

    /// A cut with rotation and shift drawn at random, normal and bounded at 2.5 standard deviations.
    public static func drawn(
        positionUm: Double, mirrored: Bool, rotationDeg: Double = 3, shiftMm: Double = 1.2,
        generator: inout SeededGenerator
    ) -> SectionCut {
        func bounded() -> Double { min(max(generator.normal(), -2.5), 2.5) }
        return SectionCut(
            positionUm: positionUm, rotationRad: bounded() * rotationDeg * Double.pi / 180,
            shiftUm: SectionPoint(row: bounded() * shiftMm * 1000, column: bounded() * shiftMm * 1000),
            mirrored: mirrored)
    }

    /// From the section, in µm from a point of it, to the plane of the brain, in µm from the brain's middle.
    private func turned(about row: Double, _ column: Double) -> PlaneTransform {
        PlaneTransform.translation(row: -row, column: -column)
            .followed(by: mirrored ? .mirror : .identity)
            .followed(by: .rotation(rotationRad))
    }

    /// A field of view of a given size with the brain's middle in its middle, but for the shift.
    public func field(heightUm: Double, widthUm: Double) -> FieldOfView {
        FieldOfView(
            heightUm: heightUm, widthUm: widthUm,
            toPlane: turned(about: heightUm / 2 + shiftUm.row, widthUm / 2 + shiftUm.column))
    }

    /// A field of view that holds the section's tissue and a margin.
    ///
    /// Its sides are whole multiples of 1280 µm, so that any usual pixel size divides them. The shift is limited by the margin.
    public func field(around plane: BrainPlane, marginUm: Double = 4000) -> FieldOfView {
        var (low, high) = (SIMD2(Double.infinity, .infinity), SIMD2(-Double.infinity, -.infinity))
        let back = turned(about: 0, 0).inverse ?? .identity
        for row in stride(from: 0, to: plane.fields.rows, by: 3) {
            for column in stride(from: 0, to: plane.fields.columns, by: 3) where plane.fields[row, column][0] > 0 {
                let place = back.apply(
                    row: plane.originUm.row + Double(row) * plane.spacingUm,
                    column: plane.originUm.column + Double(column) * plane.spacingUm)
                let point = SIMD2(place.row, place.column)
                low = pointwiseMin(low, point)
                high = pointwiseMax(high, point)
            }
        }
        if low.x > high.x { (low, high) = (SIMD2(0, 0), SIMD2(0, 0)) }
        func side(_ extent: Double) -> Double { ((extent + 2 * marginUm) / 1280).rounded(.up) * 1280 }
        let (height, width) = (side(high.x - low.x), side(high.y - low.y))
        let most = max(marginUm - 1500, 0)
        let middle = (low + high) / 2
        return FieldOfView(
            heightUm: height, widthUm: width,
            toPlane: turned(
                about: height / 2 - middle.x + min(max(shiftUm.row, -most), most),
                width / 2 - middle.y + min(max(shiftUm.column, -most), most)))
    }
}

/// The part of a slide that a scan shows, in µm from its corner; it does not depend on the pixel size.
public struct FieldOfView: Sendable, Equatable {
    public var heightUm: Double
    public var widthUm: Double
    /// From the field, in µm from its corner, to the plane of the brain.
    public var toPlane: PlaneTransform

    public init(heightUm: Double, widthUm: Double, toPlane: PlaneTransform) {
        precondition(heightUm > 0 && widthUm > 0, "A field of view needs a height and a width.")
        (self.heightUm, self.widthUm, self.toPlane) = (heightUm, widthUm, toPlane)
    }
}
