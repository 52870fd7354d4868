/// Triangulates the surface pieces within a cell, by their edges alone.
///
/// No diagonal may lie within a face of the cell, where the neighbouring cell could have the same one: then four triangles would meet
/// at it. So a diagonal joins only crossings that share no face.
enum PolygonTriangulation {
    /// Number of a crossing that stands for the point in the middle of the ring.
    static let middle: UInt8 = 12

    /// Triangles of one ring, as edge numbers; with `middle` where no triangulation without a middle point exists.
    static func disk(_ ring: [UInt8]) -> [SIMD3<UInt8>] {
        if ring.count == 3 { return [SIMD3(ring[0], ring[1], ring[2])] }
        if let triangles = triangulate(ring) { return triangles }
        return ring.indices.map { SIMD3(ring[$0], ring[($0 + 1) % ring.count], middle) }
    }

    /// Triangles of the tube between several rings; nil where there is none without faults.
    ///
    /// The rings are cut open along bridges to a single polygon, whose triangulations are searched.
    static func tube(_ rings: [[UInt8]]) -> [SIMD3<UInt8>]? {
        guard let first = rings.first else { return nil }
        guard rings.count > 1 else { return triangulate(first) }
        for start in rings[1].indices {
            for end in first.indices where isFree(first[end], rings[1][start]) {
                let outer = Array(first[end...] + first[..<end])
                let inner = Array(rings[1][start...] + rings[1][..<start])
                // Out along the first ring and back to its start, over the bridge, round the second ring, and back.
                let polygon = outer + [outer[0]] + inner + [inner[0]]
                if let triangles = tube([polygon] + rings.dropFirst(2)) { return triangles }
            }
        }
        return nil
    }

    /// A diagonal may join two crossings that share no face.
    private static func isFree(_ a: UInt8, _ b: UInt8) -> Bool {
        a != b && CellGeometry.facesOfEdge[Int(a)] & CellGeometry.facesOfEdge[Int(b)] == 0
    }

    /// Depth-first search for a triangulation of a polygon whose diagonals are free and used once.
    private static func triangulate(_ polygon: [UInt8]) -> [SIMD3<UInt8>]? {
        var used = Set<UInt16>()
        func key(_ a: UInt8, _ b: UInt8) -> UInt16 { UInt16(min(a, b)) << 8 | UInt16(max(a, b)) }
        for index in polygon.indices { used.insert(key(polygon[index], polygon[(index + 1) % polygon.count])) }
        var triangles: [SIMD3<UInt8>] = []
        /// Triangulates the part of the polygon from `first` to `last`, whose closing side (last, first) stands already.
        func fill(_ pending: [(Int, Int)]) -> Bool {
            guard let (first, last) = pending.last else { return true }
            if last - first < 2 { return fill(pending.dropLast()) }
            for apex in first + 1..<last {
                let (a, b, c) = (polygon[first], polygon[apex], polygon[last])
                guard a != b, b != c, c != a else { continue }
                let needsLeft = apex - first > 1
                let needsRight = last - apex > 1
                if needsLeft, !isFree(a, b) || used.contains(key(a, b)) { continue }
                if needsRight, !isFree(b, c) || used.contains(key(b, c)) { continue }
                if needsLeft { used.insert(key(a, b)) }
                if needsRight { used.insert(key(b, c)) }
                triangles.append(SIMD3(a, b, c))
                if fill(pending.dropLast() + [(first, apex), (apex, last)]) { return true }
                triangles.removeLast()
                if needsLeft { used.remove(key(a, b)) }
                if needsRight { used.remove(key(b, c)) }
            }
            return false
        }
        return fill([(0, polygon.count - 1)]) ? triangles : nil
    }
}
