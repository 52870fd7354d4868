/// Numbers of the corners, edges and faces of a grid cell.
///
/// Corner `4·plane + 2·row + column` (each 0 or 1). Edge `4·axis + k` runs along `axis` (0 plane, 1 row, 2 column) from the k-th corner
/// whose bit of that axis is 0. Face `2·axis + side`.
enum CellGeometry {
    /// The two corners of each edge, the lower first.
    static let edgeCorners: [(Int, Int)] = (0..<12).map { edge in
        let bit = axisBit(edge / 4)
        let low = (0..<8).filter { $0 & bit == 0 }[edge % 4]
        return (low, low | bit)
    }

    /// The edge between two corners that differ in one bit.
    static let edgeBetween: [[Int]] = (0..<8).map { a in
        (0..<8).map { b in edgeCorners.firstIndex { $0 == (min(a, b), max(a, b)) } ?? -1 }
    }

    /// The four corners of each face, counterclockwise seen from outside the cell.
    static let faceCorners: [[Int]] = (0..<6).map { face in
        let axis = face / 2
        let side = face % 2 == 1 ? axisBit(axis) : 0
        // The next two axes span the face; (axis, u, v) is right-handed, so u → v is counterclockwise seen from the upper side.
        let (u, v) = (axisBit((axis + 1) % 3), axisBit((axis + 2) % 3))
        let ring = [0, u, u | v, v].map { $0 | side }
        return side != 0 ? ring : ring.reversed()
    }

    /// For each edge a bit mask of the two faces that it lies in.
    static let facesOfEdge: [UInt8] = edgeCorners.map { a, b in
        (0..<6).reduce(UInt8(0)) { mask, face in
            faceCorners[face].contains(a) && faceCorners[face].contains(b) ? mask | 1 << UInt8(face) : mask
        }
    }

    static func axisBit(_ axis: Int) -> Int { 4 >> axis }

    /// True where two diagonal corners of a face are inside and the two others are not.
    static func isAmbiguous(face: Int, signs: Int) -> Bool {
        let ring = faceCorners[face].map { signs >> $0 & 1 }
        return ring[0] == ring[2] && ring[1] == ring[3] && ring[0] != ring[1]
    }
}
