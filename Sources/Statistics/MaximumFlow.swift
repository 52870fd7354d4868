/// The least cut of a graph with a source and a sink, by the greatest flow (Dinic's method).
///
/// Arcs have whole capacities, so that sums are exact and the cut is the same everywhere.
///
///     var graph = FlowGraph(nodes: 2)
///     graph.addTerminal(0, source: 3, sink: 0)
///     graph.addTerminal(1, source: 0, sink: 2)
///     graph.addArc(from: 0, to: 1, capacity: 1)
///     graph.leastCut()            // flow 1; [true, false]: the arc between the two is cut
///
/// **Reference**: Dinitz 1970, Soviet Math. Dokl. 11, 1277–1280.
public struct FlowGraph: Sendable {
    private let nodes: Int
    private var source: Int { nodes }
    private var sink: Int { nodes + 1 }
    /// Of each arc: where it leads, what still fits through; the arc of an even place and the next are each other's reverse.
    private var head: [Int32] = []
    private var capacity: [Int64] = []
    /// Linked lists of the arcs of each node.
    private var firstArc: [Int32]
    private var nextArc: [Int32] = []

    public init(nodes: Int) {
        precondition(nodes >= 0, "A graph of \(nodes) nodes is none.")
        self.nodes = nodes
        firstArc = [Int32](repeating: -1, count: nodes + 2)
    }

    /// Joins a node with the source and the sink.
    public mutating func addTerminal(_ node: Int, source: Int64, sink: Int64) {
        if source > 0 { addArc(from: self.source, to: node, capacity: source) }
        if sink > 0 { addArc(from: node, to: self.sink, capacity: sink) }
    }

    /// Adds an arc, and one against it of capacity `back`.
    public mutating func addArc(from tail: Int, to head: Int, capacity: Int64, back: Int64 = 0) {
        precondition(capacity >= 0 && back >= 0, "A capacity is not below 0.")
        for (from, to, room) in [(tail, head, capacity), (head, tail, back)] {
            self.head.append(Int32(to))
            self.capacity.append(room)
            nextArc.append(firstArc[from])
            firstArc[from] = Int32(nextArc.count - 1)
        }
    }

    /// The flow, and for each node whether it lies on the source's side of the least cut (that of fewest nodes there).
    ///
    /// - Complexity: O(nodes² · arcs), in practice close to linear on neighbourhood graphs.
    public mutating func leastCut() -> (flow: Int64, isSource: [Bool]) {
        var flow: Int64 = 0
        var level: [Int32] = []
        while true {
            level = levels()
            if level[sink] < 0 { break }
            flow += blockingFlow(level)
        }
        return (flow, (0..<nodes).map { level[$0] >= 0 })
    }

    /// Steps from the source along arcs with room; −1 where none leads.
    private func levels() -> [Int32] {
        var level = [Int32](repeating: -1, count: nodes + 2)
        level[source] = 0
        var front = [Int32(source)]
        while !front.isEmpty {
            var next: [Int32] = []
            for node in front {
                var arc = firstArc[Int(node)]
                while arc >= 0 {
                    let to = head[Int(arc)]
                    if capacity[Int(arc)] > 0, level[Int(to)] < 0 {
                        level[Int(to)] = level[Int(node)] + 1
                        next.append(to)
                    }
                    arc = nextArc[Int(arc)]
                }
            }
            front = next
        }
        return level
    }

    /// Fills every way that goes up the levels.
    private mutating func blockingFlow(_ level: [Int32]) -> Int64 {
        var current = firstArc
        var total: Int64 = 0
        // The arcs on the way from the source, without recursion: ways can be as long as the graph.
        var way: [Int32] = []
        var node = source
        while true {
            if node == sink {
                let room = way.reduce(Int64.max) { min($0, capacity[Int($1)]) }
                total += room
                var back = way.count
                for (place, arc) in way.enumerated() {
                    capacity[Int(arc)] -= room
                    capacity[Int(arc ^ 1)] += room
                    if capacity[Int(arc)] == 0 { back = min(back, place) }
                }
                // Goes on from the tail of the first arc that is full.
                node = Int(head[Int(way[back] ^ 1)])
                way.removeSubrange(back...)
                continue
            }
            var arc = current[node]
            while arc >= 0, capacity[Int(arc)] == 0 || level[Int(head[Int(arc)])] != level[node] + 1 {
                arc = nextArc[Int(arc)]
            }
            current[node] = arc
            if arc >= 0 {
                way.append(arc)
                node = Int(head[Int(arc)])
            } else if let last = way.popLast() {
                // A dead end: its arc is passed over from now on.
                node = Int(head[Int(last ^ 1)])
                current[node] = nextArc[Int(last)]
            } else {
                return total
            }
        }
    }
}
