import NDArray
import Statistics
import Testing

/// Smoothing by least cuts, held against all labellings of small fields.
@Suite struct LabelFieldTests {
    @Test func theFlowOfAKnownNetworkIsFound() {
        // Figure 26.6 of Cormen et al. (3rd ed.): flow 23, cut {s, v1, v2, v4} | {v3, t}.
        var graph = FlowGraph(nodes: 4)
        graph.addTerminal(0, source: 16, sink: 0)
        graph.addTerminal(1, source: 13, sink: 0)
        graph.addArc(from: 0, to: 2, capacity: 12)
        graph.addArc(from: 1, to: 0, capacity: 4)
        graph.addArc(from: 2, to: 1, capacity: 9)
        graph.addArc(from: 1, to: 3, capacity: 14)
        graph.addArc(from: 3, to: 2, capacity: 7)
        graph.addTerminal(2, source: 0, sink: 20)
        graph.addTerminal(3, source: 0, sink: 4)
        let cut = graph.leastCut()
        #expect(cut.flow == 23)
        #expect(cut.isSource == [true, true, false, true])
    }

    @Test func aLongChainNeedsNoDeepStack() {
        let count = 200_000
        var graph = FlowGraph(nodes: count)
        graph.addTerminal(0, source: 5, sink: 0)
        graph.addTerminal(count - 1, source: 0, sink: 5)
        for node in 1..<count { graph.addArc(from: node - 1, to: node, capacity: node == 77 ? 2 : 3) }
        let cut = graph.leastCut()
        #expect(cut.flow == 2)
        #expect(cut.isSource.count { $0 } == 77)
    }

    private func randomField(nodes: Int, labels: Int, seed: UInt64) -> LabelField {
        var random = SeededGenerator(seed: seed)
        let costs = (0..<nodes * labels).map { _ in Float(random.uniform() * 3) }
        var edges: [LabelField.Edge] = []
        for a in 0..<nodes {
            for b in a + 1..<max(nodes, a + 1) where random.uniform() < 0.4 {
                edges.append(.init(a, b, Float(random.uniform())))
            }
        }
        let contact = (0..<labels * labels).map { Float(min(abs($0 / labels - $0 % labels), 2)) }
        return LabelField(costs: Matrix(rows: nodes, columns: labels, elements: costs), edges: edges, contact: contact)
    }

    private func leastEnergy(_ field: LabelField) -> Double {
        var best = Double.infinity
        let (nodes, labels) = (field.costs.rows, field.costs.columns)
        var all = 1
        for _ in 0..<nodes { all *= labels }
        for code in 0..<all {
            var rest = code
            let labelling = (0..<nodes).map { _ -> Int in
                defer { rest /= labels }
                return rest % labels
            }
            best = min(best, field.energy(labelling))
        }
        return best
    }

    @Test func twoLabelsAreSolvedExactly() {
        for seed in 0..<20 {
            let field = randomField(nodes: 10, labels: 2, seed: UInt64(seed))
            let found = field.expanded(from: [Int](repeating: 0, count: 10))
            // Whole numbers of 1/65536 a term; 55 terms.
            #expect(abs(field.energy(found) - leastEnergy(field)) < 1e-3)
        }
    }

    @Test func severalLabelsComeCloseAndNeverRise() {
        for seed in 0..<10 {
            let field = randomField(nodes: 7, labels: 4, seed: UInt64(100 + seed))
            let start = (0..<7).map { $0 % 4 }
            let found = field.energy(field.expanded(from: start))
            #expect(found <= field.energy(start) + 1e-6)
            // A metric whose contacts differ by 2 at most: within 4 of the least.
            #expect(found <= 4 * leastEnergy(field) + 1e-3)
        }
    }

    @Test func withoutEdgesEveryNodeTakesItsCheapestLabel() {
        let field = LabelField(
            costs: Matrix([[3, 1, 2], [0, 1, 2]]), edges: [], contact: [0, 1, 1, 1, 0, 1, 1, 1, 0])
        #expect(field.expanded(from: [2, 2]) == [1, 0])
        let none = LabelField(costs: Matrix(rows: 0, columns: 2), edges: [], contact: [0, 1, 1, 0])
        #expect(none.expanded(from: []) == [])
    }

    @Test func smallIslandsGoToTheirNeighboursAndLoneOnesStay() {
        let edges = (0..<6).map { LabelField.Edge($0, $0 + 1, 1) }
        let field = LabelField(
            costs: Matrix(rows: 8, columns: 3, repeating: 1), edges: edges, contact: [0, 1, 5, 1, 0, 1, 5, 1, 0])
        let labels = [0, 0, 0, 2, 1, 1, 1, 2]
        #expect(field.islands(labels).sizes == [3, 1, 3, 1])
        // The 2 between 0 and 1 goes to the first of two equal ways; the last node has no neighbour.
        #expect(field.removingIslands(labels, smallerThan: 2) == [0, 0, 0, 0, 1, 1, 1, 2])
        #expect(field.removingIslands(labels, smallerThan: 1) == labels)
        // Islands of two alternate labels melt into one.
        let alternating = field.removingIslands([0, 1, 0, 1, 0, 1, 0, 2], smallerThan: 3)
        #expect(Set(alternating[..<7]).count == 1)
    }
}
