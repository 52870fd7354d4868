/// The edges of a mesh, each with the half-edges that run along it; sorted by their two vertices.
///
/// Half-edge `3 · face + corner` runs from that corner of the face to the next one.
///
/// - Complexity: O(faces): half-edges are put into the bucket of their lower vertex, where a handful are sorted.
public struct MeshEdges: Sendable {
    /// Lower and higher vertex of each edge.
    public let vertices: [SIMD2<UInt32>]
    /// Half-edges of edge `e`: `halfEdges[offsets[e] ..< offsets[e + 1]]`, in ascending order.
    public let offsets: [UInt32]
    public let halfEdges: [UInt32]

    public init(_ mesh: TriangleMesh) {
        let halfEdgeCount = 3 * mesh.faces.count
        var starts = [UInt32](repeating: 0, count: mesh.vertices.count + 1)
        starts.withUnsafeMutableBufferPointer { starts in
            for face in mesh.faces {
                starts[Int(min(face.x, face.y)) + 1] += 1
                starts[Int(min(face.y, face.z)) + 1] += 1
                starts[Int(min(face.z, face.x)) + 1] += 1
            }
            for index in 1..<starts.count { starts[index] += starts[index - 1] }
        }
        // (higher vertex, half-edge), in one number.
        var next = starts
        var entries = next.withUnsafeMutableBufferPointer { next in
            [UInt64](unsafeUninitializedCapacity: halfEdgeCount) { entries, count in
                @inline(__always) func put(_ a: UInt32, _ b: UInt32, _ halfEdge: Int) {
                    let bucket = Int(min(a, b))
                    entries[Int(next[bucket])] = UInt64(max(a, b)) << 32 | UInt64(halfEdge)
                    next[bucket] &+= 1
                }
                for (number, face) in mesh.faces.enumerated() {
                    put(face.x, face.y, 3 * number)
                    put(face.y, face.z, 3 * number + 1)
                    put(face.z, face.x, 3 * number + 2)
                }
                count = halfEdgeCount
            }
        }
        var vertices: [SIMD2<UInt32>] = []
        var offsets: [UInt32] = []
        vertices.reserveCapacity(halfEdgeCount / 2)
        offsets.reserveCapacity(halfEdgeCount / 2 + 1)
        entries.withUnsafeMutableBufferPointer { entries in
            starts.withUnsafeBufferPointer { starts in
                for low in 0..<mesh.vertices.count {
                    let (first, end) = (Int(starts[low]), Int(starts[low + 1]))
                    var index = first + 1
                    while index < end {
                        let entry = entries[index]
                        var place = index
                        while place > first, entries[place - 1] > entry {
                            entries[place] = entries[place - 1]
                            place -= 1
                        }
                        entries[place] = entry
                        index += 1
                    }
                    index = first
                    while index < end {
                        let high = UInt32(truncatingIfNeeded: entries[index] >> 32)
                        if index == first || high != UInt32(truncatingIfNeeded: entries[index - 1] >> 32) {
                            vertices.append(SIMD2(UInt32(low), high))
                            offsets.append(UInt32(index))
                        }
                        index += 1
                    }
                }
            }
        }
        offsets.append(UInt32(halfEdgeCount))
        self.vertices = vertices
        self.offsets = offsets
        halfEdges = entries.map { UInt32(truncatingIfNeeded: $0) }
    }

    public var count: Int { vertices.count }

    /// The half-edges of an edge.
    @inlinable public func halfEdges(of edge: Int) -> ArraySlice<UInt32> {
        halfEdges[Int(offsets[edge])..<Int(offsets[edge + 1])]
    }

    /// How many faces meet at an edge.
    @inlinable public func faceCount(_ edge: Int) -> Int { Int(offsets[edge + 1] - offsets[edge]) }

    /// For each half-edge the one of the neighbouring face, or `UInt32.max` at boundaries and where more than two faces meet.
    public func twins() -> [UInt32] {
        var twins = [UInt32](repeating: .max, count: halfEdges.count)
        for edge in 0..<count where faceCount(edge) == 2 {
            let first = Int(offsets[edge])
            let (a, b) = (halfEdges[first], halfEdges[first + 1])
            twins[Int(a)] = b
            twins[Int(b)] = a
        }
        return twins
    }
}
