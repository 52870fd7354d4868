/// A half-edge mesh to look at: what `HalfEdgeMesh` holds, as it is while nothing changes it.
struct HalfEdgeView: @unchecked Sendable {
    // Sendable by contract: nobody writes while it is in use.
    let positions: UnsafePointer<SIMD3<Float>>
    let origins: UnsafePointer<Int32>
    let twins: UnsafePointer<Int32>
    let leaving: UnsafePointer<Int32>
    let valences: UnsafePointer<UInt16>
    let isFixed: UnsafePointer<Bool>

    @inline(__always) func next(_ h: Int) -> Int { h & 3 == 2 ? h - 2 : h + 1 }
    @inline(__always) func previous(_ h: Int) -> Int { h & 3 == 0 ? h + 2 : h - 1 }
    @inline(__always) func twin(_ h: Int) -> Int { Int(twins[h]) }
    @inline(__always) func origin(_ h: Int) -> Int { Int(origins[h]) }
    @inline(__always) func target(_ h: Int) -> Int { Int(origins[next(h)]) }

    /// Calls `body` with each half-edge that leaves an inner vertex, until it returns false.
    @inline(__always) func forEachLeaving(_ vertex: Int, _ body: (Int) -> Bool) {
        let first = Int(leaving[vertex])
        guard first >= 0 else { return }
        var h = first
        repeat {
            guard body(h) else { return }
            let across = twin(previous(h))
            if across < 0 { return }
            h = across
        } while h != first
    }

    /// Whether two vertices share an edge; `from` must be an inner vertex.
    func areNeighbours(_ from: Int, _ to: Int) -> Bool {
        var found = false
        forEachLeaving(from) {
            found = target($0) == to
            return !found
        }
        return found
    }

    /// Whether the edge of `h` may be collapsed: its ends share only the two vertices across it (link condition), so that the surface stays a manifold of its kind.
    func canCollapse(_ h: Int) -> Bool {
        let t = twin(h)
        let (a, b) = (origin(h), origin(t))
        let (c, d) = (origin(previous(h)), origin(previous(t)))
        guard c != d, !isFixed[a], !isFixed[b], valences[c] > 3, valences[d] > 3 else { return false }
        var shared = 0
        forEachLeaving(a) { outer in
            let neighbour = target(outer)
            forEachLeaving(b) {
                if target($0) == neighbour { shared += 1 }
                return true
            }
            return true
        }
        return shared == 2
    }
}

extension HalfEdgeMesh {
    /// Calls `body` with the mesh as it is; nothing may change it meanwhile.
    @inline(__always) func withView<Result>(_ body: (HalfEdgeView) -> Result?) -> Result? {
        positions.withUnsafeBufferPointer { positions in
            origins.withUnsafeBufferPointer { origins in
                twins.withUnsafeBufferPointer { twins in
                    leaving.withUnsafeBufferPointer { leaving in
                        valences.withUnsafeBufferPointer { valences in
                            isFixed.withUnsafeBufferPointer { isFixed in
                                guard let positions = positions.baseAddress, let origins = origins.baseAddress,
                                    let twins = twins.baseAddress, let leaving = leaving.baseAddress,
                                    let valences = valences.baseAddress, let isFixed = isFixed.baseAddress
                                else { return nil }
                                return body(
                                    HalfEdgeView(
                                        positions: positions, origins: origins, twins: twins, leaving: leaving,
                                        valences: valences, isFixed: isFixed))
                            }
                        }
                    }
                }
            }
        }
    }
}
