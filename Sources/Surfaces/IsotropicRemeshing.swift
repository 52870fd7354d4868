internal import NDArray

/// How a surface is remeshed.
public struct RemeshingSettings: Sendable {
    /// Length that all edges should have, in the mesh's unit.
    public var edgeLength: Float
    /// Rounds of split, collapse, flip and relaxation.
    public var iterations = 8

    public init(edgeLength: Float, iterations: Int = 8) {
        self.edgeLength = edgeLength
        self.iterations = iterations
    }
}

/// A mesh of the same surface whose triangles are nearly equilateral with edges of one length.
///
/// Each round splits edges over 4/3 of the length, collapses those under 4/5 (unless that would make a long edge, turn a triangle over or break the
/// surface's topology), flips edges where that brings valences nearer to 6, moves each vertex towards the middle of its neighbours within its tangent plane, and
/// puts it back on the original surface. Boundaries stay as they are.
///
/// - Parameter mesh: a manifold; its genus and its number of components stay.
/// - Complexity: O(faces) a round; relaxation and projection are parallel.
///
/// **Reference**: Botsch, Kobbelt 2004, DOI 10.1145/1057432.1057457, after Surazhsky, Alliez, Gotsman 2003 (INRIA RR-4887).
/// **Differs**: uniform weights instead of an area-based density; link condition after Dey et al. 1999.
public func isotropicRemeshing(
    _ mesh: TriangleMesh, settings: RemeshingSettings, threads: Int
) -> TriangleMesh {
    precondition(settings.edgeLength > 0, "Edges need a length above zero, not \(settings.edgeLength).")
    guard !mesh.isEmpty else { return mesh }
    let grid = TriangleGrid(mesh, cell: settings.edgeLength)
    var work = HalfEdgeMesh(mesh)
    let length = settings.edgeLength
    for round in 0..<settings.iterations {
        // Where the mesh is much coarser than the aim, once is not enough; leave the rest to the next rounds when little is left.
        while splitLongEdges(&work, longest: 4 / 3 * length) > work.positions.count / 50 {}
        collapseShortEdges(&work, shortest: 4 / 5 * length, longest: 4 / 3 * length)
        equalizeValences(&work)
        relax(&work, onto: grid, limit: length, threads: threads)
        if round % 3 == 2 { work = HalfEdgeMesh(work.mesh()) }
    }
    // The last changes are flips and moves, which leave lengths nearest to the aim.
    equalizeValences(&work)
    relax(&work, onto: grid, limit: length, threads: threads)
    return work.mesh()
}

/// Splits each long edge once that is the longest of its two triangles (bisecting others need not end).
///
/// - Returns: how many were split.
private func splitLongEdges(_ mesh: inout HalfEdgeMesh, longest: Float) -> Int {
    let (halfEdges, vertices) = (mesh.halfEdgeCount, mesh.positions.count)
    for h in 0..<halfEdges where mesh.leads(h) {
        let middle: SIMD3<Float>? = mesh.withView { view in
            let t = view.twin(h)
            let (a, b) = (view.positions[view.origin(h)], view.positions[view.target(h)])
            let size = length(b - a)
            guard size > longest else { return nil }
            let c = view.positions[view.origin(view.previous(h))]
            let d = view.positions[view.origin(view.previous(t))]
            let isLongest =
                size >= max(length(c - a), length(c - b)) && size >= max(length(d - a), length(d - b))
            return isLongest ? 0.5 * (a + b) : nil
        }
        if let middle { mesh.split(h, at: middle) }
    }
    return mesh.positions.count - vertices
}

private func collapseShortEdges(_ mesh: inout HalfEdgeMesh, shortest: Float, longest: Float) {
    for h in 0..<mesh.halfEdgeCount where mesh.leads(h) {
        let middle: SIMD3<Float>? = mesh.withView { view in
            let (a, b) = (view.origin(h), view.target(h))
            let (pointA, pointB) = (view.positions[a], view.positions[b])
            guard length(pointB - pointA) < shortest, view.canCollapse(h) else { return nil }
            let middle = 0.5 * (pointA + pointB)
            let isSound =
                staysSound(view, around: a, except: b, at: middle, longest)
                && staysSound(view, around: b, except: a, at: middle, longest)
            return isSound ? middle : nil
        }
        if let middle { mesh.collapse(h, to: middle) }
    }
}

/// Whether a vertex may move to `point` without a long edge or a triangle turned over; triangles with `other` vanish.
private func staysSound(
    _ mesh: HalfEdgeView, around vertex: Int, except other: Int, at point: SIMD3<Float>, _ longest: Float
) -> Bool {
    var isSound = true
    let old = mesh.positions[vertex]
    mesh.forEachLeaving(vertex) { h in
        let (b, c) = (mesh.target(h), mesh.origin(mesh.previous(h)))
        let pointB = mesh.positions[b]
        if b != other, length(pointB - point) > longest { isSound = false }
        if b == other || c == other { return isSound }
        let pointC = mesh.positions[c]
        let before = cross(pointB - old, pointC - old)
        let after = cross(pointB - point, pointC - point)
        // Not more than 60° for triangles that have a direction at all.
        if dot(before, after) < 0.5 * length(before) * length(after) || length(after) == 0 { isSound = false }
        return isSound
    }
    return isSound
}

private func equalizeValences(_ mesh: inout HalfEdgeMesh) {
    for h in 0..<mesh.halfEdgeCount where mesh.leads(h) {
        if mesh.withView({ shouldFlip($0, h) }) == true { mesh.flip(h) }
    }
}

/// Whether turning the edge of `h` brings valences nearer to 6 without turning a triangle over.
@inline(__always) private func shouldFlip(_ mesh: HalfEdgeView, _ h: Int) -> Bool {
    let t = mesh.twin(h)
    let (a, b) = (mesh.origin(h), mesh.origin(t))
    let (c, d) = (mesh.origin(mesh.previous(h)), mesh.origin(mesh.previous(t)))
    @inline(__always) func excess(_ vertex: Int, _ change: Int) -> Int {
        let difference = Int(mesh.valences[vertex]) + change - (mesh.isFixed[vertex] ? 4 : 6)
        return difference * difference
    }
    let before = excess(a, 0) + excess(b, 0) + excess(c, 0) + excess(d, 0)
    let after = excess(a, -1) + excess(b, -1) + excess(c, 1) + excess(d, 1)
    guard after < before, c != d, mesh.valences[a] > 3, mesh.valences[b] > 3, !mesh.isFixed[c],
        !mesh.areNeighbours(c, d)
    else { return false }
    let (pa, pb, pc, pd) = (mesh.positions[a], mesh.positions[b], mesh.positions[c], mesh.positions[d])
    // Neither new triangle may look away from the two old ones.
    let normal = cross(pb - pa, pc - pa) + cross(pa - pb, pd - pb)
    let first = cross(pc - pd, pa - pd)
    let second = cross(pd - pc, pb - pc)
    let size = 0.5 * length(normal)
    return dot(first, normal) > size * length(first) && dot(second, normal) > size * length(second)
        && length(first) > 0 && length(second) > 0
}

/// Moves each inner vertex to the mean of its neighbours within its tangent plane, and back onto the original surface.
private func relax(_ mesh: inout HalfEdgeMesh, onto grid: TriangleGrid, limit: Float, threads: Int) {
    guard !mesh.positions.isEmpty else { return }
    var positions = mesh.positions
    let count = positions.count
    mesh.withView { view in
        positions.withUnsafeMutableBufferPointer { moved in
            let moved = DisjointSlices(moved)
            parallelBands(count, band: 4096, threads: threads) { vertices in
                for vertex in vertices where view.leaving[vertex] >= 0 && !view.isFixed[vertex] {
                    let point = view.positions[vertex]
                    var sum = SIMD3<Float>.zero
                    var normal = SIMD3<Float>.zero
                    var count: Float = 0
                    view.forEachLeaving(vertex) { h in
                        let b = view.positions[view.target(h)] - point
                        let c = view.positions[view.origin(view.previous(h))] - point
                        sum += b
                        normal += cross(b, c)
                        count += 1
                        return true
                    }
                    let size = length(normal)
                    guard size > 0, count > 0 else { continue }
                    let unit = normal / size
                    let shift = sum / count
                    let aim = point + shift - unit * dot(unit, shift)
                    // Where no triangle near looks the same way (a fold sharper than an edge) the vertex waits.
                    if let hit = grid.closest(to: aim, facing: unit, within: limit) { moved[vertex] = hit.point }
                }
            }
        }
    }
    mesh.positions = positions
}
