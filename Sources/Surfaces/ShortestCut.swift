/// Parts a mesh between two sets of its faces along the shortest line of edges.
///
/// The minimum cut of the mesh's dual graph: faces are nodes, an edge between two faces is an arc as wide as the edge is heavy. By the theorem of maximum
/// flow and minimum cut it is found as the arcs that a greatest flow from one set to the other fills; flows follow shortest paths, all of one length at once.
///
/// - Parameters:
///   - twins: for each half-edge the one across it (`MeshEdges.twins()`).
///   - sources, sinks: for each face whether it is held on that side; no face is on both.
///   - weights: for each half-edge, at least 0 and the same on both sides of an edge.
/// - Returns: for each face −1 on the sources' side, 1 on the sinks', and 0 where cuts are equally short on either side of it, or neither set can be reached.
///
/// **Reference** Dinic 1970, *Soviet Mathematics Doklady* 11, 1277–1280.
func shortestCut(twins: [UInt32], sources: [Bool], sinks: [Bool], weights: [Int32]) -> [Int8] {
    var flow = DualFlow(twins: twins, sources: sources, sinks: sinks, rest: weights)
    while flow.findLevels() { flow.fill() }
    return flow.sides()
}

private struct DualFlow {
    let twins: [UInt32]
    let sources: [Bool]
    let sinks: [Bool]
    /// What each half-edge can still carry out of its face.
    var rest: [Int32]
    /// Steps from the sources; −1 where no way leads.
    var level: [Int32]
    /// Half-edges of each face that are used up in this round.
    var tried: [UInt8]
    /// Sources at the rim of their set.
    let roots: [Int]
    var queue: [Int] = []

    init(twins: [UInt32], sources: [Bool], sinks: [Bool], rest: [Int32]) {
        self.twins = twins
        self.sources = sources
        self.sinks = sinks
        self.rest = rest
        level = Array(repeating: -1, count: sources.count)
        tried = Array(repeating: 0, count: sources.count)
        roots = sources.indices.filter { face in
            sources[face]
                && (0..<3).contains { twins[3 * face + $0] != .max && !sources[Int(twins[3 * face + $0] / 3)] }
        }
    }

    /// Breadth first over what can carry more; false where no way leads to a sink.
    mutating func findLevels() -> Bool {
        for face in queue { (level[face], tried[face]) = (-1, 0) }
        queue.removeAll(keepingCapacity: true)
        for face in roots { (level[face], tried[face]) = (0, 0) }
        queue += roots
        var found = false
        var head = 0
        while head < queue.count {
            let face = queue[head]
            head += 1
            if sinks[face] {
                found = true
                continue
            }
            for edge in 3 * face..<3 * face + 3 where rest[edge] > 0 && twins[edge] != .max {
                let next = Int(twins[edge] / 3)
                guard level[next] < 0, !sources[next] else { continue }
                level[next] = level[face] + 1
                queue.append(next)
            }
        }
        return found
    }

    /// Sends flow along every shortest way until each is full somewhere.
    mutating func fill() {
        var path: [Int] = []
        for root in roots {
            path.removeAll(keepingCapacity: true)
            var face = root
            while true {
                if sinks[face] {
                    let amount = path.reduce(Int32.max) { min($0, rest[$1]) }
                    var full = 0
                    for (index, edge) in path.enumerated().reversed() {
                        rest[edge] -= amount
                        rest[Int(twins[edge])] += amount
                        if rest[edge] == 0 { full = index }
                    }
                    face = path[full] / 3
                    path.removeSubrange(full...)
                    continue
                }
                var isAhead = false
                while tried[face] < 3 {
                    let edge = 3 * face + Int(tried[face])
                    if rest[edge] > 0, twins[edge] != .max, level[Int(twins[edge] / 3)] == level[face] + 1 {
                        path.append(edge)
                        face = Int(twins[edge] / 3)
                        isAhead = true
                        break
                    }
                    tried[face] += 1
                }
                if isAhead { continue }
                guard let edge = path.popLast() else { break }
                face = edge / 3
                tried[face] += 1
            }
        }
    }

    func sides() -> [Int8] {
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
}
