internal import NDArray

/// Distances to a line in the plane that is given by dense samples: consecutive samples are joined where they lie close.
///
/// Samples are kept in square cells, so that a query looks at its neighbourhood only.
public struct LineDistance: Sendable {
    /// (row, column) in µm.
    public let samples: [SIMD2<Double>]
    private let cellUm: Double
    private let low: SIMD2<Double>
    private let rows: Int
    private let columns: Int
    /// Samples of cell i: `members[starts[i] ..< starts[i + 1]]`.
    private let starts: [Int]
    private let members: [Int]
    private let joinUm: Double

    /// - Parameters:
    ///   - samples: points of the line in order, µm.
    ///   - joinUm: consecutive samples further apart than this belong to different pieces.
    public init(samples: [SIMD2<Double>], joinUm: Double = 250, cellUm: Double = 1000) {
        precondition(joinUm > 0 && cellUm > 0, "Distances between samples and cells are positive.")
        self.samples = samples
        self.joinUm = joinUm
        self.cellUm = cellUm
        var low = SIMD2(Double.infinity, .infinity)
        var high = SIMD2(-Double.infinity, -.infinity)
        for sample in samples {
            low = pointwiseMin(low, sample)
            high = pointwiseMax(high, sample)
        }
        self.low = samples.isEmpty ? SIMD2(0, 0) : low
        let (rows, columns) =
            samples.isEmpty ? (1, 1) : (Int((high.x - low.x) / cellUm) + 1, Int((high.y - low.y) / cellUm) + 1)
        (self.rows, self.columns) = (rows, columns)
        let cells = samples.map { Int(($0.x - low.x) / cellUm) * columns + Int(($0.y - low.y) / cellUm) }
        var starts = [Int](repeating: 0, count: rows * columns + 1)
        for cell in cells { starts[cell + 1] += 1 }
        for cell in 0..<rows * columns { starts[cell + 1] += starts[cell] }
        var next = starts
        var members = [Int](repeating: 0, count: samples.count)
        for (index, cell) in cells.enumerated() {
            members[next[cell]] = index
            next[cell] += 1
        }
        self.starts = starts
        self.members = members
    }

    /// The distance in µm from a point to the line, and the nearest sample; nil where there is no line.
    public func nearest(to point: SIMD2<Double>) -> (distanceUm: Double, sample: Int)? {
        guard !samples.isEmpty else { return nil }
        let row = Int(((point.x - low.x) / cellUm).rounded(.down))
        let column = Int(((point.y - low.y) / cellUm).rounded(.down))
        var best = (square: Double.infinity, sample: -1)
        let furthest = max(abs(row) + rows, abs(column) + columns)
        for ring in 0...furthest + 1 {
            // All that lies in this ring or beyond is at least so far away.
            let beyond = Double(max(ring - 1, 0)) * cellUm
            if best.square < beyond * beyond { break }
            visit(ring: ring, row: row, column: column) { index in
                let square = distanceSquare(from: point, toSegmentsAt: index)
                if square < best.square { best = (square, index) }
            }
        }
        return (best.square.squareRoot(), best.sample)
    }

    private func visit(ring: Int, row: Int, column: Int, _ body: (Int) -> Void) {
        for r in max(row - ring, 0)...max(min(row + ring, rows - 1), max(row - ring, 0)) where r < rows {
            let edge = abs(r - row) == ring
            let steps = edge ? Array(max(column - ring, 0)...max(column + ring, 0)) : [column - ring, column + ring]
            for c in steps where c >= 0 && c < columns && max(abs(r - row), abs(c - column)) == ring {
                let cell = r * columns + c
                for place in starts[cell]..<starts[cell + 1] { body(members[place]) }
            }
        }
    }

    private func distanceSquare(from point: SIMD2<Double>, toSegmentsAt index: Int) -> Double {
        let here = samples[index]
        var best = lengthSquare(point - here)
        for other in [index - 1, index + 1] where samples.indices.contains(other) {
            let along = samples[other] - here
            let square = lengthSquare(along)
            guard square > 0, square <= joinUm * joinUm else { continue }
            let offset = point - here
            let share = min(max((offset * along).sum() / square, 0), 1)
            best = min(best, lengthSquare(offset - share * along))
        }
        return best
    }
}

private func lengthSquare(_ vector: SIMD2<Double>) -> Double { (vector * vector).sum() }
