internal import NDArray

/// D^−½ W D^−½ of a graph's part: its largest eigenvectors are the slowest ones of the normalised Laplacian.
struct NormalizedAdjacency: Sendable {
    let count: Int
    private let starts: [Int]
    private let others: [Int32]
    private let weights: [Float]
    /// The eigenvector of eigenvalue 1, √degree, scaled to length 1: it places nothing.
    let trivial: [Float]

    /// - Parameter members: the points of the part, ascending; no link leads out of it.
    init(_ graph: FuzzyGraph, members: [Int32]) {
        var place = [Int32](repeating: -1, count: graph.points)
        for (index, point) in members.enumerated() { place[Int(point)] = Int32(index) }
        let degrees = members.map { point in
            graph.weights[graph.starts[Int(point)]..<graph.starts[Int(point) + 1]].reduce(0.0) { $0 + Double($1) }
        }
        var starts = [0]
        var others: [Int32] = []
        var weights: [Float] = []
        for (row, point) in members.enumerated() {
            for link in graph.starts[Int(point)]..<graph.starts[Int(point) + 1] {
                let column = Int(place[Int(graph.others[link])])
                others.append(Int32(column))
                weights.append(Float(Double(graph.weights[link]) / (degrees[row] * degrees[column]).squareRoot()))
            }
            starts.append(others.count)
        }
        let total = degrees.reduce(0, +)
        count = members.count
        self.starts = starts
        self.others = others
        self.weights = weights
        trivial = degrees.map { Float(($0 / total).squareRoot()) }
    }

    /// The product with a vector.
    func times(_ vector: [Float], threads: Int) -> [Float] {
        [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            initialized = count
            guard count > 0 else { return }
            let slices = DisjointSlices(buffer)
            parallelBands(count, band: 4096, threads: threads) { rows in
                for row in rows {
                    var sum: Float = 0
                    for link in starts[row]..<starts[row + 1] { sum += weights[link] * vector[Int(others[link])] }
                    slices[row] = sum
                }
            }
        }
    }
}
