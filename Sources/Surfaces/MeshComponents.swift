extension TriangleMesh {
    /// The faces of each part that hangs together through shared vertices, the part of the largest area first.
    public func components() -> [[Int]] {
        var sets = DisjointSets(count: vertices.count)
        for face in faces {
            sets.join(Int(face.x), Int(face.y))
            sets.join(Int(face.y), Int(face.z))
        }
        var number = [Int32](repeating: -1, count: vertices.count)
        var parts: [[Int]] = []
        var areas: [Double] = []
        for face in faces.indices {
            let root = sets.root(of: Int(faces[face].x))
            if number[root] < 0 {
                number[root] = Int32(parts.count)
                parts.append([])
                areas.append(0)
            }
            let part = Int(number[root])
            parts[part].append(face)
            areas[part] += 0.5 * Double(length(faceVector(face)))
        }
        return parts.indices.sorted { (areas[$0], $1) > (areas[$1], $0) }.map { parts[$0] }
    }

    /// The boundaries as closed rings of vertices, in the direction of their faces' half-edges; at a vertex where several
    /// boundaries touch, the ring takes the lowest half-edge first.
    public func boundaryLoops() -> [[UInt32]] {
        let edges = MeshEdges(self)
        var leaving: [UInt32: [UInt32]] = [:]
        var starts: [UInt32] = []
        for edge in 0..<edges.count where edges.faceCount(edge) == 1 {
            let halfEdge = edges.halfEdges[Int(edges.offsets[edge])]
            leaving[origin(ofHalfEdge: halfEdge), default: []].append(halfEdge)
            starts.append(halfEdge)
        }
        starts.sort()
        for key in leaving.keys { leaving[key]?.sort(by: >) }
        var done = Set<UInt32>()
        var loops: [[UInt32]] = []
        for start in starts where !done.contains(start) {
            var loop: [UInt32] = []
            var current = start
            while done.insert(current).inserted {
                leaving[origin(ofHalfEdge: current)]?.removeAll { $0 == current }
                loop.append(origin(ofHalfEdge: current))
                let end = origin(ofHalfEdge: UInt32(nextCorner(Int(current))))
                guard let next = leaving[end]?.last else { break }
                current = next
            }
            loops.append(loop)
        }
        return loops
    }
}
