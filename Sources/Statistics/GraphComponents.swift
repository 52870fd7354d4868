extension FuzzyGraph {
    /// The connected component of each point, numbered by their first points, and how many there are.
    func components() -> (labels: [Int32], count: Int) {
        var labels = [Int32](repeating: -1, count: points)
        var count = 0
        var open: [Int] = []
        for start in 0..<points where labels[start] < 0 {
            labels[start] = Int32(count)
            open.append(start)
            while let point = open.popLast() {
                for place in starts[point]..<starts[point + 1] {
                    let other = Int(others[place])
                    if labels[other] < 0 {
                        labels[other] = Int32(count)
                        open.append(other)
                    }
                }
            }
            count += 1
        }
        return (labels, count)
    }

    /// The links whose weight is at least a bound.
    func withoutLinks(below bound: Float) -> FuzzyGraph {
        var starts = [0]
        starts.reserveCapacity(points + 1)
        var others: [Int32] = []
        var weights: [Float] = []
        for point in 0..<points {
            for place in self.starts[point]..<self.starts[point + 1] where self.weights[place] >= bound {
                others.append(self.others[place])
                weights.append(self.weights[place])
            }
            starts.append(others.count)
        }
        return FuzzyGraph(self, starts: starts, others: others, weights: weights)
    }

    private init(_ graph: FuzzyGraph, starts: [Int], others: [Int32], weights: [Float]) {
        points = graph.points
        self.starts = starts
        self.others = others
        self.weights = weights
        source = graph.source
        metric = graph.metric
    }
}
