/// What a repair changed.
public struct MeshRepairReport: Sendable, Equatable {
    public var degenerateFaces = 0
    public var duplicateFaces = 0
    /// Faces at edges of three and more faces that could not be paired off.
    public var crowdedFaces = 0
    /// Vertices that were doubled because their faces were no single fan.
    public var splitVertices = 0
    public var turnedFaces = 0
    public var filledHoles = 0
    public var droppedParts = 0

    public init() {}
}

/// How a mesh is repaired.
public struct MeshRepairSettings: Sendable {
    /// Holes with at most this many edges are filled.
    public var largestHole = 30
    /// Parts with less than this share of the largest part's area go.
    public var smallestPart = 0.01

    public init(largestHole: Int = 30, smallestPart: Double = 0.01) {
        self.largestHole = largestHole
        self.smallestPart = smallestPart
    }
}

extension TriangleMesh {
    /// The mesh as an oriented manifold: without degenerate and duplicate faces, with crowded edges and vertices taken apart, faces looking the same way, small
    /// holes filled and small parts dropped.
    ///
    /// Handles are left: they are no defect of the mesh; `SolidIndicator.correctTopology` removes them.
    ///
    /// - Complexity: O(faces), and O(n²) for a hole of n edges.
    ///
    /// **Reference**: cutting and stitching after Guéziec et al. 2001, DOI 10.1109/2945.928166.
    public func repaired(_ settings: MeshRepairSettings = MeshRepairSettings()) -> (
        mesh: TriangleMesh, report: MeshRepairReport
    ) {
        var report = MeshRepairReport()
        var mesh = self
        mesh.dropBadFaces(&report)
        var edges = MeshEdges(mesh)
        mesh.splitCrowdedPlaces(joiningTurnedFaces: true, &edges, &report)
        mesh.orient(edges, &report)
        if report.turnedFaces > 0 { edges = MeshEdges(mesh) }
        // Turning faces may leave edges that no orientation suits (a Möbius strip); they are cut.
        mesh.splitCrowdedPlaces(joiningTurnedFaces: false, &edges, &report)
        if settings.largestHole >= 3 { mesh.fillHoles(settings.largestHole, &report) }
        mesh.dropSmallParts(settings.smallestPart, &report)
        return (mesh.withoutUnusedVertices(), report)
    }

    private mutating func dropBadFaces(_ report: inout MeshRepairReport) {
        // Faces of the same three vertices stand in the bucket of the lowest: a chain of those seen so far.
        var newest = [Int32](repeating: -1, count: vertices.count)
        var earlier = [Int32](repeating: -1, count: faces.count)
        var kept: [SIMD3<UInt32>] = []
        kept.reserveCapacity(faces.count)
        for face in faces {
            if face.x == face.y || face.y == face.z || face.z == face.x {
                report.degenerateFaces += 1
                continue
            }
            let low = Int(face.min())
            let (high, sum) = (face.max(), face.x ^ face.y ^ face.z)
            var seen = newest[low]
            while seen >= 0 {
                let other = kept[Int(seen)]
                if other.max() == high, other.x ^ other.y ^ other.z == sum { break }
                seen = earlier[Int(seen)]
            }
            if seen >= 0 {
                report.duplicateFaces += 1
                continue
            }
            earlier[kept.count] = newest[low]
            newest[low] = Int32(kept.count)
            kept.append(face)
        }
        faces = kept
    }

    /// Gives each fan of faces a vertex of its own. Edges of three and more faces do not join fans; if some stay, their faces go.
    ///
    /// - Parameter edges: those of the mesh, before and after.
    private mutating func splitCrowdedPlaces(
        joiningTurnedFaces: Bool, _ edges: inout MeshEdges, _ report: inout MeshRepairReport
    ) {
        for _ in 0..<2 {
            let before = edges
            let fans = VertexFans(self, edges: before) { edge in
                // Two faces that run along an edge the same way do not belong together, unless one of them is still to be turned.
                if joiningTurnedFaces { return true }
                let first = Int(before.offsets[edge])
                return origin(ofHalfEdge: before.halfEdges[first]) != origin(ofHalfEdge: before.halfEdges[first + 1])
            }
            if fans.fansOfVertex.contains(where: { $0 > 1 }) {
                split(by: fans, &report)
                edges = MeshEdges(self)
            }
            // Edges still crowded: both their ends are single fans all around.
            var bad = Set<Int>()
            for edge in 0..<edges.count where edges.faceCount(edge) > 2 {
                for halfEdge in edges.halfEdges(of: edge) { bad.insert(Int(halfEdge / 3)) }
            }
            if bad.isEmpty { return }
            report.crowdedFaces += bad.count
            faces = faces.indices.filter { !bad.contains($0) }.map { faces[$0] }
            edges = MeshEdges(self)
        }
    }

    /// Leaves each vertex to its first fan and doubles it for the others.
    private mutating func split(by fans: VertexFans, _ report: inout MeshRepairReport) {
        var firstFan = [UInt32](repeating: .max, count: vertices.count)
        var vertexOfFan: [UInt32: UInt32] = [:]
        let old = faces
        for corner in 0..<3 * faces.count {
            let vertex = old[corner / 3][corner % 3]
            let fan = fans.fanOfCorner[corner]
            if firstFan[Int(vertex)] == .max { firstFan[Int(vertex)] = fan }
            if firstFan[Int(vertex)] == fan { continue }
            let copy = vertexOfFan[fan] ?? UInt32(vertices.count)
            if Int(copy) == vertices.count {
                vertices.append(vertices[Int(vertex)])
                vertexOfFan[fan] = copy
                report.splitVertices += 1
            }
            faces[corner / 3][corner % 3] = copy
        }
    }

    /// Turns faces so that neighbours look the same way, each part as its majority does.
    private mutating func orient(_ edges: MeshEdges, _ report: inout MeshRepairReport) {
        let twins = edges.twins()
        var turned = [Int8](repeating: -1, count: faces.count)
        for seed in faces.indices where turned[seed] < 0 {
            turned[seed] = 0
            var part = [seed]
            var next = 0
            while next < part.count {
                let face = part[next]
                next += 1
                for corner in 0..<3 {
                    let twin = twins[3 * face + corner]
                    guard twin != .max, turned[Int(twin / 3)] < 0 else { continue }
                    let agrees = origin(ofHalfEdge: UInt32(3 * face + corner)) != origin(ofHalfEdge: twin)
                    turned[Int(twin / 3)] = agrees ? turned[face] : 1 - turned[face]
                    part.append(Int(twin / 3))
                }
            }
            let count = part.count { turned[$0] == 1 }
            if 2 * count > part.count { for face in part { turned[face] = 1 - turned[face] } }
        }
        for face in faces.indices where turned[face] == 1 {
            faces[face] = SIMD3(faces[face].x, faces[face].z, faces[face].y)
            report.turnedFaces += 1
        }
    }

    private mutating func fillHoles(_ largest: Int, _ report: inout MeshRepairReport) {
        for loop in boundaryLoops() where loop.count >= 3 && loop.count <= largest && Set(loop).count == loop.count {
            // Boundary half-edges run along their faces; the filling runs the other way round.
            faces += earTriangles(loop.reversed())
            report.filledHoles += 1
        }
    }

    /// Triangles of a ring, cutting off the ear with the shortest diagonal each time.
    private func earTriangles(_ ring: [UInt32]) -> [SIMD3<UInt32>] {
        var ring = ring
        var triangles: [SIMD3<UInt32>] = []
        while ring.count > 3 {
            let count = ring.count
            let ear =
                (0..<count).min { first, second in
                    diagonal(ring, first) < diagonal(ring, second)
                } ?? 0
            triangles.append(SIMD3(ring[(ear + count - 1) % count], ring[ear], ring[(ear + 1) % count]))
            ring.remove(at: ear)
        }
        triangles.append(SIMD3(ring[0], ring[1], ring[2]))
        return triangles
    }

    private func diagonal(_ ring: [UInt32], _ ear: Int) -> Float {
        length(vertices[Int(ring[(ear + ring.count - 1) % ring.count])] - vertices[Int(ring[(ear + 1) % ring.count])])
    }

    private mutating func dropSmallParts(_ share: Double, _ report: inout MeshRepairReport) {
        let parts = components()
        guard let largest = parts.first else { return }
        let areas = parts.map { part in part.reduce(0.0) { $0 + 0.5 * Double(length(faceVector($1))) } }
        let area = largest.isEmpty ? 0 : areas[0]
        let kept = parts.indices.filter { areas[$0] >= share * area }
        report.droppedParts = parts.count - kept.count
        guard report.droppedParts > 0 else { return }
        faces = kept.flatMap { parts[$0] }.sorted().map { faces[$0] }
    }
}
