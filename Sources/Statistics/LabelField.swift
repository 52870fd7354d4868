/// Nodes that each take one label, where labels cost something by themselves and where unlike ones touch: a Markov random field.
///
/// The energy is Σ over nodes of the cost of their label, and Σ over edges of weight · contact(label, label). Its minimum
/// smooths noisy predictions: a node goes along with its neighbours unless its own evidence is strong.
///
///     // A line of three nodes; the middle one is unsure and follows its neighbours.
///     let field = LabelField(
///         costs: Matrix([[0, 2], [0.6, 0.5], [0, 2]]), edges: [.init(0, 1, 1), .init(1, 2, 1)], contact: [0, 1, 1, 0])
///     field.expanded(from: [0, 1, 0])         // [0, 0, 0]
public struct LabelField: Sendable {
    /// Two nodes that touch, and how much that counts.
    public struct Edge: Sendable, Equatable {
        public var first: Int
        public var second: Int
        public var weight: Float

        public init(_ first: Int, _ second: Int, _ weight: Float) {
            (self.first, self.second, self.weight) = (first, second, weight)
        }
    }

    /// `nodes × labels`, finite; −log of a label's probability, for example.
    public let costs: Matrix
    public let edges: [Edge]
    /// `labels × labels`, symmetric, not negative, 0 on the diagonal.
    public let contact: [Float]

    public init(costs: Matrix, edges: [Edge], contact: [Float]) {
        let labels = costs.columns
        precondition(contact.count == labels * labels, "Contacts of \(labels) labels are \(labels * labels) numbers.")
        precondition(
            (0..<labels).allSatisfy { a in
                contact[a * labels + a] == 0
                    && (0..<labels).allSatisfy {
                        contact[a * labels + $0] >= 0 && contact[a * labels + $0] == contact[$0 * labels + a]
                    }
            }, "Contacts are symmetric, not negative, and 0 between equal labels.")
        precondition(
            edges.allSatisfy {
                $0.first != $0.second && (0..<costs.rows).contains($0.first) && (0..<costs.rows).contains($0.second)
                    && $0.weight >= 0 && $0.weight.isFinite
            }, "An edge joins two nodes of the field with a weight of at least 0.")
        precondition(costs.firstNotFinite == nil, "Costs are finite.")
        (self.costs, self.edges, self.contact) = (costs, edges, contact)
    }

    /// The energy of some labels.
    public func energy(_ labels: [Int]) -> Double {
        precondition(labels.count == costs.rows, "\(labels.count) labels for \(costs.rows) nodes.")
        var sum = 0.0
        for (node, label) in labels.enumerated() { sum += Double(costs[node, label]) }
        for edge in edges {
            sum += Double(edge.weight * contact[labels[edge.first] * costs.columns + labels[edge.second]])
        }
        return sum
    }

    /// Labels of low energy by expansion moves: one label after another takes over any set of nodes that lowers the energy most, found
    /// as a least cut, until no label can.
    ///
    /// The energy never rises. With two labels the result is a minimum; where contacts are a metric its energy is at most
    /// 2 · max/min contact times the least. Contacts that violate the triangle inequality are cut down for a move, which keeps the
    /// first promise only.
    ///
    /// - Parameter start: a label a node.
    /// - Complexity: sweeps · labels · that of a least cut; three to five sweeps are usual.
    ///
    /// **Reference**: Boykov, Veksler, Zabih 2001, DOI 10.1109/34.969114; the graph of Kolmogorov, Zabih 2004,
    /// DOI 10.1109/TPAMI.2004.1262177; cutting down: Rother et al. 2005, DOI 10.1109/CVPR.2005.130.
    public func expanded(from start: [Int], sweeps: Int = 20) -> [Int] {
        var labels = start
        var best = energy(labels)
        for _ in 0..<sweeps {
            var improved = false
            for label in 0..<costs.columns {
                let moved = expansion(of: label, from: labels)
                let energy = energy(moved)
                // Below the resolution of the cut's whole numbers nothing is gained.
                guard energy < best - 1e-6 * max(abs(best), 1) else { continue }
                (labels, best, improved) = (moved, energy, true)
            }
            if !improved { break }
        }
        return labels
    }

    /// Energies become whole numbers by this factor.
    private static let scale = 65536.0

    /// The best labels where any set of nodes turns to `alpha` at once.
    private func expansion(of alpha: Int, from labels: [Int]) -> [Int] {
        let count = costs.columns
        func whole(_ value: Float) -> Int64 { Int64((Double(value) * LabelField.scale).rounded()) }
        // What it costs a node to turn.
        var turning = labels.indices.map { whole(costs[$0, alpha]) - whole(costs[$0, labels[$0]]) }
        var graph = FlowGraph(nodes: labels.count)
        for edge in edges {
            let (i, j) = (edge.first, edge.second)
            let ifSecond = whole(edge.weight * contact[labels[i] * count + alpha])
            let ifFirst = whole(edge.weight * contact[alpha * count + labels[j]])
            // Not more than both: see Rother.
            let ifNone = min(whole(edge.weight * contact[labels[i] * count + labels[j]]), ifFirst + ifSecond)
            turning[i] += ifFirst - ifNone
            turning[j] -= ifFirst
            graph.addArc(from: i, to: j, capacity: ifSecond + ifFirst - ifNone)
        }
        for (node, cost) in turning.enumerated() {
            graph.addTerminal(node, source: max(cost, 0), sink: max(-cost, 0))
        }
        let cut = graph.leastCut()
        return labels.indices.map { cut.isSource[$0] ? labels[$0] : alpha }
    }
}
