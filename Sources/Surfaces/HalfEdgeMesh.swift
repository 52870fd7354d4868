/// A triangle mesh that can be changed edge by edge: split, collapsed, flipped.
///
/// Half-edge `4 · face + corner` starts at that corner; `twins` leads to the half-edge on the other side, −1 at a boundary. Removed faces and vertices stay as
/// gaps until `mesh()`. The mesh must be manifold, and stays so: each change checks what could break it.
struct HalfEdgeMesh {
    var positions: [SIMD3<Float>]
    /// Vertex where each half-edge starts; −1 in removed faces (and at every fourth place).
    private(set) var origins: [Int32]
    private(set) var twins: [Int32]
    /// A half-edge that leaves each vertex; −1 for removed vertices.
    private(set) var leaving: [Int32]
    private(set) var valences: [UInt16]
    /// True for vertices at a boundary, which stay as they are.
    private(set) var isFixed: [Bool]

    init(_ mesh: TriangleMesh) {
        positions = mesh.vertices
        origins = [Int32](repeating: -1, count: 4 * mesh.faces.count)
        twins = origins
        leaving = [Int32](repeating: -1, count: mesh.vertices.count)
        valences = [UInt16](repeating: 0, count: mesh.vertices.count)
        isFixed = [Bool](repeating: false, count: mesh.vertices.count)
        for (face, ids) in mesh.faces.enumerated() {
            for corner in 0..<3 {
                origins[4 * face + corner] = Int32(ids[corner])
                leaving[Int(ids[corner])] = Int32(4 * face + corner)
                valences[Int(ids[corner])] += 1
            }
        }
        let edges = MeshEdges(mesh)
        for edge in 0..<edges.count {
            let first = Int(edges.offsets[edge])
            if edges.faceCount(edge) == 2 {
                // Three half-edges a face become four.
                let (a, b) = (Int(edges.halfEdges[first]), Int(edges.halfEdges[first + 1]))
                twins[a + a / 3] = Int32(b + b / 3)
                twins[b + b / 3] = Int32(a + a / 3)
            } else {
                for id in [edges.vertices[edge].x, edges.vertices[edge].y] {
                    isFixed[Int(id)] = true
                    if edges.faceCount(edge) == 1 { valences[Int(id)] += 1 }
                }
            }
        }
    }

    @inline(__always) func next(_ h: Int) -> Int { h & 3 == 2 ? h - 2 : h + 1 }
    @inline(__always) func previous(_ h: Int) -> Int { h & 3 == 0 ? h + 2 : h - 1 }
    @inline(__always) func origin(_ h: Int) -> Int { Int(origins[h]) }
    @inline(__always) func target(_ h: Int) -> Int { Int(origins[next(h)]) }
    var halfEdgeCount: Int { origins.count }

    /// True for one half-edge of each edge that lies between two faces.
    @inline(__always) func leads(_ h: Int) -> Bool { h & 3 != 3 && origins[h] >= 0 && Int(twins[h]) > h }

    /// Calls `body` with each half-edge that leaves an inner vertex.
    @inline(__always)
    func forEachLeaving(_ vertex: Int, _ body: (Int) -> Void) {
        let first = Int(leaving[vertex])
        guard first >= 0 else { return }
        var h = first
        repeat {
            body(h)
            let across = Int(twins[previous(h)])
            if across < 0 { return }
            h = across
        } while h != first
    }

    private mutating func link(_ a: Int, _ b: Int) {
        if a >= 0 { twins[a] = Int32(b) }
        if b >= 0 { twins[b] = Int32(a) }
    }

    /// Puts a vertex on the edge of `h`.
    mutating func split(_ h: Int, at point: SIMD3<Float>) {
        let t = Int(twins[h])
        let (a, b) = (origin(h), origin(t))
        let (n, tn) = (next(h), next(t))
        let (c, d) = (origin(previous(h)), origin(previous(t)))
        let middle = positions.count
        positions.append(point)
        isFixed.append(false)
        valences.append(4)
        valences[c] += 1
        valences[d] += 1
        // (a, b, c) becomes (a, m, c) and (m, b, c); (b, a, d) becomes (b, m, d) and (m, a, d).
        let (h2, h3) = (origins.count, origins.count + 4)
        origins += [Int32(middle), Int32(b), Int32(c), -1, Int32(middle), Int32(a), Int32(d), -1]
        twins += [-1, -1, -1, -1, -1, -1, -1, -1]
        link(h2 + 1, Int(twins[n]))
        link(h3 + 1, Int(twins[tn]))
        origins[n] = Int32(middle)
        origins[tn] = Int32(middle)
        link(n, h2 + 2)
        link(tn, h3 + 2)
        link(h, h3)
        link(t, h2)
        leaving.append(Int32(n))
        leaving[a] = Int32(h)
        leaving[b] = Int32(t)
    }

    /// Turns the edge of `h` within its two triangles.
    mutating func flip(_ h: Int) {
        let t = Int(twins[h])
        let (n, p) = (next(h), previous(h))
        let (tn, tp) = (next(t), previous(t))
        let (a, b, c, d) = (origin(h), origin(t), origin(p), origin(tp))
        let (acrossN, acrossP) = (Int(twins[n]), Int(twins[p]))
        let (acrossTN, acrossTP) = (Int(twins[tn]), Int(twins[tp]))
        // (a, b, c) and (b, a, d) become (d, c, a) and (c, d, b).
        origins[h] = Int32(d)
        origins[n] = Int32(c)
        origins[p] = Int32(a)
        origins[t] = Int32(c)
        origins[tn] = Int32(d)
        origins[tp] = Int32(b)
        link(n, acrossP)
        link(p, acrossTN)
        link(tn, acrossTP)
        link(tp, acrossN)
        leaving[a] = Int32(p)
        leaving[b] = Int32(tp)
        leaving[c] = Int32(n)
        leaving[d] = Int32(tn)
        valences[a] -= 1
        valences[b] -= 1
        valences[c] += 1
        valences[d] += 1
    }

    /// Moves the start of `h` into its end, which goes to `point`; `HalfEdgeView.canCollapse` must hold.
    mutating func collapse(_ h: Int, to point: SIMD3<Float>) {
        let t = Int(twins[h])
        let (a, b) = (origin(h), origin(t))
        let (n, p) = (next(h), previous(h))
        let (tn, tp) = (next(t), previous(t))
        let (c, d) = (origin(p), origin(tp))
        var ring: [Int] = []
        forEachLeaving(a) { ring.append($0) }
        for outgoing in ring { origins[outgoing] = Int32(b) }
        let (acrossN, acrossP) = (Int(twins[n]), Int(twins[p]))
        let (acrossTN, acrossTP) = (Int(twins[tn]), Int(twins[tp]))
        link(acrossN, acrossP)
        link(acrossTN, acrossTP)
        positions[b] = point
        valences[b] = UInt16(Int(valences[a]) + Int(valences[b]) - 4)
        valences[c] -= 1
        valences[d] -= 1
        // acrossN runs c → b, acrossTP b → d, acrossP (formerly of a) b → c, acrossTN d → b.
        leaving[c] = Int32(acrossN)
        leaving[b] = Int32(acrossP)
        leaving[d] = Int32(acrossTN)
        leaving[a] = -1
        for gone in [h, n, p, t, tn, tp] {
            origins[gone] = -1
            twins[gone] = -1
        }
    }

    /// The mesh without the gaps; vertices and faces keep their order.
    func mesh() -> TriangleMesh {
        var faces: [SIMD3<UInt32>] = []
        faces.reserveCapacity(origins.count / 4)
        for first in stride(from: 0, to: origins.count, by: 4) where origins[first] >= 0 {
            faces.append(SIMD3(UInt32(origins[first]), UInt32(origins[first + 1]), UInt32(origins[first + 2])))
        }
        return TriangleMesh(vertices: positions, faces: faces).withoutUnusedVertices()
    }
}
