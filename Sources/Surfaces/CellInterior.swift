/// How the inside of a cell hangs together, for the trilinear function through its eight corner values.
///
/// A slice through the cell is a bilinear function on a square: each part of its inside (and of its outside) touches a corner of the
/// square, and only two diagonal corners can be joined or apart, by the sign of A·C − B·D. Along the plane axis this picture changes at a
/// few heights only: where a corner's value passes zero (linear in the height), and where A·C − B·D does (quadratic). Between two such heights it is constant, so
/// following the corners through all of them gives exactly the parts of the trilinear function's inside and outside.
///
/// **Reference**: ambiguity of the interior after Chernyaev 1995 (CERN CN/95-17) and Lewiner et al. 2003, DOI 10.1080/10867651.2003.10487582.
/// **Differs**: decided by following all slices, for every case alike, instead of by a case table with a test for each.
struct CellInterior {
    /// For each corner the lowest corner of the part that it belongs to.
    private(set) var part: [Int] = Array(0..<8)

    /// - Parameters:
    ///   - values: corner values less the iso-value; none is zero by agreement (zero counts as outside).
    ///   - joined: the answers on the ambiguous faces.
    init(values: [Double], signs: Int, joined: Int) {
        // Heights between which nothing changes.
        var heights: [Double] = []
        for corner in 0..<4 {
            let (low, high) = (values[corner], values[corner + 4])
            if (low > 0) != (high > 0) { heights.append(low / (low - high)) }
        }
        // A C − B D = a t² + b t + c, with A, C the corners (0, 0), (1, 1) and B, D the corners (0, 1), (1, 0).
        let slope = (0..<4).map { values[$0 + 4] - values[$0] }
        let a = slope[0] * slope[3] - slope[1] * slope[2]
        let b =
            values[0] * slope[3] + values[3] * slope[0] - values[1] * slope[2] - values[2] * slope[1]
        let c = values[0] * values[3] - values[1] * values[2]
        let discriminant = b * b - 4 * a * c
        if discriminant > 0 {
            // The stable form of the two roots.
            let q = -0.5 * (b + (b < 0 ? -1 : 1) * discriminant.squareRoot())
            if a != 0 { heights.append(q / a) }
            if q != 0 { heights.append(c / q) }
        }
        heights = [0] + heights.filter { $0 > 0 && $0 < 1 }.sorted() + [1]

        var sets = DisjointSets(count: 8 + 4 * heights.count)
        joinOnFaces(&sets, signs: signs, joined: joined)
        func node(_ interval: Int, _ corner: Int) -> Int { 8 + 4 * interval + corner }
        var before: [Bool] = []
        for interval in 0..<heights.count - 1 {
            let height = 0.5 * (heights[interval] + heights[interval + 1])
            let value = (0..<4).map { values[$0] + height * slope[$0] }
            let inside = value.map { $0 > 0 }
            for (one, other) in [(0, 1), (1, 3), (3, 2), (2, 0)] where inside[one] == inside[other] {
                sets.join(node(interval, one), node(interval, other))
            }
            let product = value[0] * value[3] - value[1] * value[2]
            if inside[0] == inside[3], inside[1] == inside[2], inside[0] != inside[1] {
                // The saddle between the two pairs has the sign of the pair with the larger product, which it joins.
                if product > 0 {
                    sets.join(node(interval, 0), node(interval, 3))
                } else {
                    sets.join(node(interval, 1), node(interval, 2))
                }
            }
            for corner in 0..<4 {
                if interval > 0, before[corner] == inside[corner] {
                    sets.join(node(interval - 1, corner), node(interval, corner))
                }
                if interval == 0 { sets.join(corner, node(0, corner)) }
                if interval == heights.count - 2 { sets.join(corner + 4, node(interval, corner)) }
            }
            before = inside
        }
        part = (0..<8).map { sets.root(of: $0) }
    }

    /// What hangs together on the cell's boundary: neighbouring corners of the same side, and the answers on ambiguous faces.
    private func joinOnFaces(_ sets: inout DisjointSets, signs: Int, joined: Int) {
        for (a, b) in CellGeometry.edgeCorners where signs >> a & 1 == signs >> b & 1 { sets.join(a, b) }
        for face in 0..<6 where CellGeometry.isAmbiguous(face: face, signs: signs) {
            let ring = CellGeometry.faceCorners[face]
            let firstInside = signs >> ring[0] & 1 == 1
            if (joined >> face & 1 == 1) == firstInside {
                sets.join(ring[0], ring[2])
            } else {
                sets.join(ring[1], ring[3])
            }
        }
    }

    /// Groups rings that bound the same piece of surface: those between the same inside part and the same outside part.
    func groups(of rings: [[UInt8]], signs: Int) -> [[[UInt8]]] {
        var keys: [Int] = []
        var groups: [[[UInt8]]] = []
        for ring in rings {
            let (a, b) = CellGeometry.edgeCorners[Int(ring[0])]
            let (inside, outside) = signs >> a & 1 == 1 ? (a, b) : (b, a)
            let key = 8 * part[inside] + part[outside]
            if let index = keys.firstIndex(of: key) {
                groups[index].append(ring)
            } else {
                keys.append(key)
                groups.append([ring])
            }
        }
        return groups
    }
}
