internal import NDArray

/// The descent that lays out a graph: links pull their ends together, points drawn at random push each other apart.
///
/// A link of weight w is taken in w / max w of the epochs, evenly spread; each time both of its ends move, and then the near one is pushed off
/// some others. Links are taken one after the other, each from where the one before left the points, on one thread: moving many points at once
/// from the same places was tried and keeps neighbourhoods worse (trustworthiness .976 against .981 on the digits of the tests).
///
/// **Reference**: McInnes et al. 2018, algorithm 5; umap-learn 0.5, `optimize_layout_euclidean`.
/// **Differs**: the points drawn for one link push at once, from one place.
struct LayoutDescent {
    let graph: FuzzyGraph
    let curve: LayoutCurve
    let epochs: Int
    let negativeSamples: Int
    let learningRate: Float
    let seed: UInt64

    /// Moves the points of a layout of two or three dimensions.
    func descend(_ layout: Matrix) -> Matrix {
        precondition(layout.columns == 2 || layout.columns == 3, "A layout has two or three dimensions.")
        let count = layout.rows
        guard count > 1 else { return layout }
        // A point is one register; the third coordinate stays 0 in the plane.
        var places = (0..<count).map { row in
            SIMD4<Float>(layout[row, 0], layout[row, 1], layout.columns == 3 ? layout[row, 2] : 0, 0)
        }
        let heaviest = graph.weights.max() ?? 1
        let rates = graph.weights.map { $0 / heaviest }
        var random = SeededGenerator(seed: seed, stream: "layout")
        places.withUnsafeMutableBufferPointer { places in
            graph.others.withUnsafeBufferPointer { others in
                rates.withUnsafeBufferPointer { rates in
                    for epoch in 1..<max(epochs, 1) {
                        let rate = learningRate * (1 - Float(epoch) / Float(epochs))
                        if layout.columns == 3 {
                            pass(epoch, rate, rates, others, places, &random, inSpace: true)
                        } else {
                            pass(epoch, rate, rates, others, places, &random, inSpace: false)
                        }
                    }
                }
            }
        }
        return Matrix(rows: count, columns: layout.columns) { target in
            for row in 0..<count {
                for column in 0..<layout.columns { target[row * layout.columns + column] = places[row][column] }
            }
        }
    }

    /// One epoch over all links.
    @inline(__always) private func pass(
        _ epoch: Int, _ rate: Float, _ rates: UnsafeBufferPointer<Float>, _ others: UnsafeBufferPointer<Int32>,
        _ places: UnsafeMutableBufferPointer<SIMD4<Float>>, _ random: inout SeededGenerator, inSpace: Bool
    ) {
        let a = Float(curve.a)
        let b = Float(curve.b)
        for point in 0..<graph.points {
            var place = places[point]
            for link in graph.starts[point]..<graph.starts[point + 1] {
                // Taken where the count of samples due, ⌊epoch · rate⌋, goes up.
                guard Int32(Float(epoch) * rates[link]) > Int32(Float(epoch - 1) * rates[link]) else { continue }
                let other = Int(others[link])
                let offset = place - places[other]
                let square = (offset * offset).sum()
                if square > 0 {
                    let power = fastPower(SIMD8(repeating: square), b)[0]
                    let pull = clipped(offset * (-2 * a * b * power / (square * (1 + a * power)))) * rate
                    place += pull
                    places[other] -= pull
                }
                var left = negativeSamples
                while left > 0 {
                    // A lane without a point, and one that drew the moving point itself, stays at distance 0, where no force acts.
                    var x = SIMD8<Float>()
                    var y = SIMD8<Float>()
                    var z = SIMD8<Float>()
                    for lane in 0..<min(left, 8) {
                        let drawn = random.index(below: graph.points)
                        guard drawn != point else { continue }
                        let offset = place - places[drawn]
                        x[lane] = offset.x
                        y[lane] = offset.y
                        if inSpace { z[lane] = offset.z }
                    }
                    left -= 8
                    var squares = x * x + y * y
                    if inSpace { squares += z * z }
                    // The repulsion; 0.001 keeps it finite.
                    let curves = fastPower(squares, b) * a + 1
                    let factors = SIMD8<Float>(repeating: 2 * b) / ((squares + 0.001) * curves)
                    place.x += rate * clipped(factors * x).sum()
                    place.y += rate * clipped(factors * y).sum()
                    if inSpace { place.z += rate * clipped(factors * z).sum() }
                }
            }
            places[point] = place
        }
    }
}

/// No step is longer than 4 along an axis.
@inline(__always) private func clipped<Steps: SIMD>(_ steps: Steps) -> Steps where Steps.Scalar == Float {
    steps.clamped(lowerBound: Steps(repeating: -4), upperBound: Steps(repeating: 4))
}
