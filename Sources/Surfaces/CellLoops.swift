/// The rings in which a surface cuts the boundary of a cell.
///
/// Which corners are inside decides where the cell's edges are crossed. On a face with two crossings they are joined; on a face with
/// four (two inside corners across from each other) a bit says whether the inside corners are joined through the face or apart. Each
/// crossing lies on two faces, so the pieces close to rings, each running counterclockwise seen from the outside of the surface
/// (that is, from the side of the corners that are not inside).
struct CellLoops {
    /// Each ring as the numbers of its edges.
    let rings: [[UInt8]]

    /// - Parameters:
    ///   - signs: bit c set where corner c is inside.
    ///   - joined: bit f set where the inside corners of the ambiguous face f are joined.
    init(signs: Int, joined: Int) {
        // following[e]: the edge after e on its ring.
        var following = [Int](repeating: -1, count: 12)
        for face in 0..<6 {
            let ring = CellGeometry.faceCorners[face]
            let crossings = (0..<4).filter { signs >> ring[$0] & 1 != signs >> ring[($0 + 1) & 3] & 1 }
            func edge(_ k: Int) -> Int { CellGeometry.edgeBetween[ring[k]][ring[(k + 1) & 3]] }
            for k in crossings where signs >> ring[k] & 1 == 1 {
                // The boundary of the face leaves the inside at crossing k; the piece of surface goes from there to the crossing where
                // it enters: the next one where the inside is joined, the one before where it is apart.
                let entry: Int
                if crossings.count == 2 {
                    entry = crossings[0] == k ? crossings[1] : crossings[0]
                } else {
                    entry = joined >> face & 1 == 1 ? (k + 1) & 3 : (k + 3) & 3
                }
                // Pieces run with the inside on their left seen from outside the cell; the ring is turned round.
                following[edge(entry)] = edge(k)
            }
        }
        var rings: [[UInt8]] = []
        for start in 0..<12 where following[start] >= 0 {
            var ring: [UInt8] = []
            var edge = start
            while following[edge] >= 0 {
                ring.append(UInt8(edge))
                let next = following[edge]
                following[edge] = -1
                edge = next
            }
            rings.append(ring)
        }
        self.rings = rings
    }
}
