/// Parts a mesh between two sets of its faces along the shortest line of edges.
///
/// The minimum cut of the mesh's dual graph: faces are nodes, an edge between two faces is an arc as wide as the edge is heavy. By the theorem of maximum
/// flow and minimum cut it is found as the arcs that a greatest flow from one set to the other fills. Of several such flows each tells the same sides.
///
/// - Parameters:
///   - twins: for each half-edge the one across it (`MeshEdges.twins()`).
///   - sources, sinks: for each face whether it is held on that side; no face is on both.
///   - weights: for each half-edge, at least 0 and the same on both sides of an edge.
/// - Returns: for each face −1 on the sources' side, 1 on the sinks', and 0 where cuts are equally short on either side of it, or neither set can be reached.
func shortestCut(twins: [UInt32], sources: [Bool], sinks: [Bool], weights: [Int32]) -> [Int8] {
    var flow = MeshFlow(twins: twins, sources: sources, sinks: sinks, weights: weights)
    defer { flow.deallocate() }
    let rest = flow.solve()
    var sides = sources.indices.map { Int8(sources[$0] ? -1 : sinks[$0] ? 1 : 0) }
    for (isForth, side) in [(true, Int8(-1)), (false, 1)] {
        var stack = sides.indices.filter { sides[$0] == side }
        while let face = stack.popLast() {
            for edge in 3 * face..<3 * face + 3 where twins[edge] != .max {
                let twin = Int(twins[edge])
                guard sides[twin / 3] == 0, rest[isForth ? edge : twin] > 0 else { continue }
                sides[twin / 3] = side
                stack.append(twin / 3)
            }
        }
    }
    return sides
}
