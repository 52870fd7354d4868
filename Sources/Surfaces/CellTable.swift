/// Rings and triangles of every kind of cell: 256 patterns of inside corners, and for each all answers on its ambiguous faces.
///
/// Derived when first used, from the geometry of the cube alone; no table is copied from anywhere.
struct CellTable: Sendable {
    static let shared = CellTable()

    /// Triangles (three crossings each) of entry `64 · signs + joined`: `triangles[offsets[entry] ..< offsets[entry + 1]]`.
    let triangles: [SIMD3<UInt8>]
    let offsets: [UInt32]
    /// For each pattern of inside corners a bit mask of its ambiguous faces.
    let ambiguousFaces: [UInt8]
    /// For each entry how many rings it has; where there are several, a tube may join them.
    let ringCounts: [UInt8]

    private init() {
        var triangles: [SIMD3<UInt8>] = []
        var offsets: [UInt32] = [0]
        var ringCounts: [UInt8] = []
        let masks = (0..<256).map { signs in
            (0..<6).reduce(UInt8(0)) { CellGeometry.isAmbiguous(face: $1, signs: signs) ? $0 | 1 << UInt8($1) : $0 }
        }
        for signs in 0..<256 {
            for joined in 0..<64 {
                // Bits of faces that are not ambiguous stay 0.
                guard joined & ~Int(masks[signs]) == 0 else {
                    offsets.append(UInt32(triangles.count))
                    ringCounts.append(0)
                    continue
                }
                let rings = CellLoops(signs: signs, joined: joined).rings
                for (number, ring) in rings.enumerated() {
                    for triangle in PolygonTriangulation.disk(ring) {
                        // Middle points are told apart by their ring.
                        triangles.append(
                            triangle.replacing(
                                with: triangle &+ UInt8(number), where: triangle .== PolygonTriangulation.middle))
                    }
                }
                offsets.append(UInt32(triangles.count))
                ringCounts.append(UInt8(rings.count))
            }
        }
        self.triangles = triangles
        self.offsets = offsets
        self.ringCounts = ringCounts
        ambiguousFaces = masks
    }
}
