internal import NDArray

extension TriangleMesh {
    /// The mean curvature H = (κ₁ + κ₂)/2 at each vertex, one over the mesh's unit; positive where the surface bulges towards its normals, so on
    /// gyral crowns of a midsurface whose normals look to the pia: a sphere of radius r has +1/r.
    ///
    /// Every edge holds ½ β ℓ of ∫ H dA, β the angle between the normals of its two faces, ℓ its length; a vertex gets half of that of
    /// each of its edges and a third of each of its faces' areas. Integral and area are then spread over the
    /// surface, and H is their quotient: the mean of H over a neighbourhood, which noise of the vertices hardly moves.
    ///
    /// - Parameters:
    ///   - smoothing: standard deviation along the surface, in the mesh's unit, over which H is averaged; 0 leaves it as it is.
    ///   - counts: vertices that take part; others give and get nothing. All if left out.
    /// - Returns: NaN at vertices that do not count and at those without faces. Edges of one face or of more than two hold nothing.
    /// - Complexity: O(edges · (smoothing / edge length)²).
    ///
    /// **Reference**: D. Cohen-Steiner, J.-M. Morvan, SoCG 2003, DOI 10.1145/777792.777839. **Differs** from highres-cortex, which the paper
    /// used: that takes the divergence of the depth field's unit gradient (2H) at voxels; here the midsurface stands for the field's level ½.
    public func meanCurvatures(smoothing: Double = 0, counts: [Bool]? = nil) -> [Float] {
        precondition(smoothing >= 0 && smoothing.isFinite, "Smoothing is a length, not \(smoothing).")
        precondition(counts.map { $0.count == vertices.count } ?? true, "Vertices and their marks differ in number.")
        let edges = MeshEdges(self)
        var area = [Float](repeating: 0, count: vertices.count)
        for face in faces.indices {
            let third = length(faceVector(face)) / 6
            for corner in 0..<3 { area[Int(faces[face][corner])] += third }
        }
        var integral = [Float](repeating: 0, count: vertices.count)
        var square = 0.0
        for edge in 0..<edges.count {
            let ends = edges.vertices[edge]
            let along = vertices[Int(ends.y)] - vertices[Int(ends.x)]
            square += Double(dot(along, along))
            guard edges.faceCount(edge) == 2 else { continue }
            let half = edges.halfEdges(of: edge)
            let share = bend(half[half.startIndex], half[half.startIndex + 1], along: along) / 4
            integral[Int(ends.x)] += share
            integral[Int(ends.y)] += share
        }
        for vertex in vertices.indices where !(counts?[vertex] ?? true) {
            integral[vertex] = 0
            area[vertex] = 0
        }
        // One round moves a third of every vertex's share evenly to its six or so neighbours: the variance along each axis grows by a sixth
        // of the mean square edge.
        let rounds = edges.count == 0 ? 0 : 6 * smoothing * smoothing / (square / Double(edges.count))
        spread(&integral, &area, over: edges, rounds: Int(rounds.rounded()), counts: counts)
        return vertices.indices.map { vertex in
            (counts?[vertex] ?? true) && area[vertex] > 0 ? integral[vertex] / area[vertex] : .nan
        }
    }

    /// Length of an edge times the angle between its faces' normals, positive where they open outward.
    private func bend(_ first: UInt32, _ second: UInt32, along edge: SIMD3<Float>) -> Float {
        let (one, other) = (Int(first / 3), Int(second / 3))
        let (a, b) = (faceVector(one), faceVector(other))
        let (sizeA, sizeB) = (length(a), length(b))
        guard sizeA > 0, sizeB > 0 else { return 0 }
        let (m, n) = (a / sizeA, b / sizeB)
        let size = length(edge)
        // The first half-edge runs along `edge` or against it; its own face lies to its left.
        let runs = faces[one][Int(first % 3)] < faces[one][nextCorner(Int(first)) % 3] ? Float(1) : -1
        let sine = dot(cross(m, n), edge) / max(size, .leastNormalMagnitude) * runs
        return size * Float(Math.atan2(Double(sine), Double(dot(m, n))))
    }

    /// Evens out two quantities that sit at vertices, keeping their sums.
    private func spread(
        _ integral: inout [Float], _ area: inout [Float], over edges: MeshEdges, rounds: Int, counts: [Bool]?
    ) {
        guard rounds > 0 else { return }
        func takesPart(_ vertex: UInt32) -> Bool { counts?[Int(vertex)] ?? true }
        var neighbours = [Float](repeating: 0, count: vertices.count)
        let links = edges.vertices.filter { takesPart($0.x) && takesPart($0.y) }
        for link in links {
            neighbours[Int(link.x)] += 1
            neighbours[Int(link.y)] += 1
        }
        // A symmetric exchange; the busier end bounds it.
        let rates = links.map { 1 / (3 * max(6, neighbours[Int($0.x)], neighbours[Int($0.y)])) }
        for _ in 0..<rounds {
            let (oldIntegral, oldArea) = (integral, area)
            for (link, rate) in zip(links, rates) {
                let (x, y) = (Int(link.x), Int(link.y))
                let bent = rate * (oldIntegral[y] - oldIntegral[x])
                integral[x] += bent
                integral[y] -= bent
                let moved = rate * (oldArea[y] - oldArea[x])
                area[x] += moved
                area[y] -= moved
            }
        }
    }
}

extension TriangleGrid {
    /// What stands at vertices, linear between them, at the place of the mesh next to a point.
    ///
    /// - Parameters:
    ///   - normal: only triangles that look the same way count.
    ///   - limit: how far to look.
    /// - Returns: nil where no triangle is within `limit`.
    public func interpolated(
        _ values: [Float], at point: SIMD3<Float>, facing normal: SIMD3<Float>? = nil, within limit: Float
    ) -> Float? {
        guard let hit = closest(to: point, facing: normal, within: limit) else { return nil }
        let (a, b, c) = mesh.corners(hit.face)
        let ids = mesh.faces[hit.face]
        let whole = cross(b - a, c - a)
        let size = dot(whole, whole)
        guard size > 0 else { return values[Int(ids.x)] }
        let second = dot(cross(hit.point - a, c - a), whole) / size
        let third = dot(cross(b - a, hit.point - a), whole) / size
        return values[Int(ids.x)] * (1 - second - third) + values[Int(ids.y)] * second + values[Int(ids.z)] * third
    }
}
