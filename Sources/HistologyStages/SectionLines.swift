internal import Cortex
internal import NDArray
internal import Registration

/// Lines from pia to white matter through points of sections, within the section's plane, by the depth of the reconstruction.
struct SectionLines: Sendable {
    private let depth: DepthField
    private let settings: TraverseSettings
    private let places: [String: (transform: RigidTransform, positionUm: Double)]

    init(stack: StackArtifact, depth: DepthField, settings: TraverseSettings) {
        self.depth = depth
        self.settings = settings
        places = Dictionary(
            stack.sections.indices.map { (stack.sections[$0], (stack.transforms[$0], stack.positionsUm[$0])) },
            uniquingKeysWith: { first, _ in first })
    }

    /// A line in section µm, (row, column), from the pia to the white surface; `start` is the point's place in it.
    struct Line: Sendable {
        var pathUm: [SIMD2<Double>]
        var start: Int
    }

    /// The line through a point; nil where the section has no place in the stack or the depth leads to no line.
    func line(section: String, throughUm position: SIMD2<Double>) -> Line? {
        guard let (transform, positionUm) = places[section] else { return nil }
        let place = transform(PlanarPoint(row: position.x, column: position.y))
        guard
            let way = depth.traverse(from: SIMD3(positionUm, place.row, place.column), settings: settings)
        else { return nil }
        let back = transform.inverse
        return Line(
            pathUm: way.pathUm.map { point in
                let place = back(PlanarPoint(row: point.y, column: point.z))
                return SIMD2(place.row, place.column)
            }, start: way.start)
    }
}
