internal import NDArray

/// How a section came to lie on its slide: turned, shifted, perhaps mirrored, torn and folded.
///
/// Positions on the slide are µm from the corner of the field of view, so that they do not depend on the pixel size.
public struct SectionLay: Sendable {
    /// From the flat section to the plane of the brain.
    public let toPlane: PlaneTransform
    public let artefacts: [CuttingArtefact]
    private let fromPlane: PlaneTransform

    /// - Parameters:
    ///   - toPlane: an invertible map from the field of view, in µm from its corner, to the plane of the brain.
    ///   - artefacts: in the order in which they happened.
    public init(toPlane: PlaneTransform, artefacts: [CuttingArtefact] = []) {
        guard let inverse = toPlane.inverse else {
            preconditionFailure("A section cannot be laid down flat as a line.")
        }
        self.toPlane = toPlane
        self.artefacts = artefacts
        fromPlane = inverse
    }

    /// What lies at a place of the slide, as points of the brain's plane.
    public func planePlaces(at place: SectionPoint) -> Sheets {
        var sheets = Sheets(place)
        for artefact in artefacts.reversed() {
            var under = Sheets()
            for point in [sheets.upper, sheets.lower].prefix(sheets.count) {
                let flat = artefact.flat(at: point)
                if flat.count > 0 { under.append(flat.upper) }
                if flat.count > 1 { under.append(flat.lower) }
            }
            sheets = under
        }
        var result = Sheets()
        for point in [sheets.upper, sheets.lower].prefix(sheets.count) {
            let there = toPlane.apply(row: point.row, column: point.column)
            result.append(SectionPoint(row: there.row, column: there.column))
        }
        return result
    }

    /// Where a point of the brain's plane lies on the slide.
    public func place(ofPlaneRow row: Double, column: Double) -> SectionPoint {
        let flat = fromPlane.apply(row: row, column: column)
        var point = SectionPoint(row: flat.row, column: flat.column)
        for artefact in artefacts { point = artefact.place(ofFlat: point) }
        return point
    }

    /// The farthest that tissue has been moved.
    var largestShiftUm: Double { artefacts.reduce(0) { $0 + $1.widthUm / 2 } }

    /// Whether tissue within `radiusUm` of a place of the slide lies elsewhere than the flat section would have it.
    public func isDisturbed(at place: SectionPoint, radiusUm: Double) -> Bool {
        // An artefact may have been carried off a little by a later one.
        artefacts.contains { $0.touches(place, radiusUm: radiusUm + (artefacts.count > 1 ? 2000 : 0)) }
    }
}
