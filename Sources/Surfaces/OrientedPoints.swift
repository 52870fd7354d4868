/// Points of a surface with the direction that looks outward and the area that each stands for: what Poisson reconstruction takes.
public struct OrientedPoints: Sendable {
    public var positions: [SIMD3<Float>]
    /// Outward normal times area, in the square of the positions' unit.
    public var areaVectors: [SIMD3<Float>]

    public init(positions: [SIMD3<Float>], areaVectors: [SIMD3<Float>]) {
        precondition(positions.count == areaVectors.count, "Each point needs one area vector.")
        self.positions = positions
        self.areaVectors = areaVectors
    }

    /// The centre of each face of a mesh whose triangles are small against the grid that will be used.
    public init(faceCentresOf mesh: TriangleMesh) {
        positions = []
        areaVectors = []
        positions.reserveCapacity(mesh.faces.count)
        areaVectors.reserveCapacity(mesh.faces.count)
        for face in mesh.faces.indices {
            let (a, b, c) = mesh.corners(face)
            positions.append(a + ((b - a) + (c - a)) / 3)
            areaVectors.append(0.5 * cross(b - a, c - a))
        }
    }
}
