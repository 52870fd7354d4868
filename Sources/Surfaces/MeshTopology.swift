/// What kind of surface a mesh is: closed or not, manifold or not, of which genus.
public struct MeshTopology: Sendable, Equatable {
    public let vertexCount: Int
    public let edgeCount: Int
    public let faceCount: Int
    /// Parts that hang together through shared vertices.
    public let componentCount: Int
    /// Edges of one face.
    public let boundaryEdgeCount: Int
    /// Edges of three and more faces.
    public let nonManifoldEdgeCount: Int
    /// Vertices whose faces are no single fan.
    public let nonManifoldVertexCount: Int
    /// Edges whose two faces run along them in the same direction.
    public let inconsistentEdgeCount: Int
    /// Faces with a repeated vertex.
    public let degenerateFaceCount: Int

    /// Vertices that no face uses do not count.
    ///
    /// - Complexity: O(faces).
    public init(_ mesh: TriangleMesh) {
        let edges = MeshEdges(mesh)
        faceCount = mesh.faces.count
        edgeCount = edges.count
        var used = [Bool](repeating: false, count: mesh.vertices.count)
        var sets = DisjointSets(count: mesh.vertices.count)
        var degenerate = 0
        for face in mesh.faces {
            if face.x == face.y || face.y == face.z || face.z == face.x { degenerate += 1 }
            for corner in 0..<3 { used[Int(face[corner])] = true }
            sets.join(Int(face.x), Int(face.y))
            sets.join(Int(face.y), Int(face.z))
        }
        degenerateFaceCount = degenerate
        vertexCount = used.count { $0 }
        componentCount = used.indices.count { used[$0] && sets.root(of: $0) == $0 }

        var boundary = 0
        var crowded = 0
        var inconsistent = 0
        for edge in 0..<edges.count {
            switch edges.faceCount(edge) {
            case 1: boundary += 1
            case 2:
                let first = Int(edges.offsets[edge])
                if mesh.origin(ofHalfEdge: edges.halfEdges[first])
                    == mesh.origin(ofHalfEdge: edges.halfEdges[first + 1])
                {
                    inconsistent += 1
                }
            default: crowded += 1
            }
        }
        boundaryEdgeCount = boundary
        nonManifoldEdgeCount = crowded
        inconsistentEdgeCount = inconsistent
        let fans = VertexFans(mesh, edges: edges)
        nonManifoldVertexCount = fans.fansOfVertex.count { $0 > 1 }
    }

    /// V − E + F: 2 for a sphere, 0 for a torus, 1 for a disk.
    public var eulerCharacteristic: Int { vertexCount - edgeCount + faceCount }

    /// Every edge has two faces and every vertex one fan; faces look the same way.
    public var isClosedManifold: Bool { boundaryEdgeCount == 0 && isManifold && inconsistentEdgeCount == 0 }

    /// A surface, perhaps with a boundary.
    public var isManifold: Bool {
        nonManifoldEdgeCount == 0 && nonManifoldVertexCount == 0 && degenerateFaceCount == 0
    }

    /// Handles of all components together; nil where the mesh is no closed manifold.
    public var genus: Int? {
        guard isClosedManifold else { return nil }
        return componentCount - eulerCharacteristic / 2
    }
}

/// The fans of faces around each vertex: corners that hang together through edges of exactly two faces at that vertex.
struct VertexFans {
    /// For each corner `3 · face + corner` the lowest corner of its fan.
    let fanOfCorner: [UInt32]
    /// Number of fans of each vertex; 1 everywhere on a manifold.
    let fansOfVertex: [UInt32]

    init(_ mesh: TriangleMesh, edges: MeshEdges, joins: (Int) -> Bool = { _ in true }) {
        var sets = DisjointSets(count: 3 * mesh.faces.count)
        for edge in 0..<edges.count where edges.faceCount(edge) == 2 && joins(edge) {
            let first = Int(edges.offsets[edge])
            sets.joinCorners(of: mesh, edges.halfEdges[first], edges.halfEdges[first + 1])
        }
        var fans = [UInt32](repeating: 0, count: mesh.vertices.count)
        var roots = [UInt32](repeating: 0, count: 3 * mesh.faces.count)
        for corner in roots.indices {
            let root = sets.root(of: corner)
            roots[corner] = UInt32(root)
            if root == corner { fans[Int(mesh.faces[corner / 3][corner % 3])] += 1 }
        }
        fanOfCorner = roots
        fansOfVertex = fans
    }
}

extension DisjointSets {
    /// Joins the corners at both ends of an edge that two half-edges run along, in whichever directions.
    mutating func joinCorners(of mesh: TriangleMesh, _ first: UInt32, _ second: UInt32) {
        let (a, b) = (Int(first), Int(second))
        let (aEnd, bEnd) = (nextCorner(a), nextCorner(b))
        if mesh.faces[a / 3][a % 3] == mesh.faces[b / 3][b % 3] {
            join(a, b)
            join(aEnd, bEnd)
        } else {
            join(a, bEnd)
            join(aEnd, b)
        }
    }
}

/// The corner after `corner` in its face.
@inline(__always)
func nextCorner(_ corner: Int) -> Int { corner % 3 == 2 ? corner - 2 : corner + 1 }

extension TriangleMesh {
    /// V − E + F, as `MeshTopology` has it.
    var eulerCharacteristic: Int {
        var used = [Bool](repeating: false, count: vertices.count)
        for face in faces { (used[Int(face.x)], used[Int(face.y)], used[Int(face.z)]) = (true, true, true) }
        return used.count { $0 } - MeshEdges(self).count + faces.count
    }

    /// The vertex where a half-edge starts.
    @inline(__always)
    func origin(ofHalfEdge halfEdge: UInt32) -> UInt32 { faces[Int(halfEdge / 3)][Int(halfEdge % 3)] }
}

/// Union-find whose roots are the lowest members, so that results do not depend on the order of joins.
struct DisjointSets {
    private var parent: [UInt32]

    init(count: Int) {
        parent = (0..<count).map { UInt32($0) }
    }

    mutating func root(of index: Int) -> Int {
        var root = index
        while Int(parent[root]) != root {
            parent[root] = parent[Int(parent[root])]
            root = Int(parent[root])
        }
        return root
    }

    mutating func join(_ a: Int, _ b: Int) {
        let (rootA, rootB) = (root(of: a), root(of: b))
        if rootA < rootB {
            parent[rootB] = UInt32(rootA)
        } else if rootB < rootA {
            parent[rootA] = UInt32(rootB)
        }
    }
}
