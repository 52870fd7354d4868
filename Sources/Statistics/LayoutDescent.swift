internal import NDArray

/// The descent that lays out a graph: links pull their ends together, points drawn at random push each other apart.
///
/// A link of weight w is taken in w / max w of the epochs, evenly spread; each time, its point is pushed off some others. Points are moved in
/// 16 groups by turns (every 16th point), those of a group at once: each reads the places of the others as the last group left them and
/// changes its own only, so that the result depends on the seed and not on the threads.
///
/// **Reference**: McInnes et al. 2018, algorithm 5; umap-learn 0.5, `optimize_layout_euclidean`.
/// **Differs**: umap-learn moves both ends of a link whenever it meets it, once from each; here a point moves twice as far when it is the link's
/// near end, and not when it is the far one.
struct LayoutDescent {
    let graph: FuzzyGraph
    let curve: LayoutCurve
    let epochs: Int
    let negativeSamples: Int
    let learningRate: Float
    let seed: UInt64
    let threads: Int

    private static let groups = 16

    /// Moves the points of a layout of two or three dimensions.
    func descend(_ layout: Matrix) -> Matrix {
        precondition(layout.columns == 2 || layout.columns == 3, "A layout has two or three dimensions.")
        let count = layout.rows
        guard count > 1 else { return layout }
        // Coordinates apart, so that eight points are moved by one instruction; the third stays 0 in the plane.
        var places = [Float](repeating: 0, count: 3 * count)
        for row in 0..<count {
            for column in 0..<layout.columns { places[column * count + row] = layout[row, column] }
        }
        var moved = places
        let inSpace = layout.columns == 3
        let heaviest = graph.weights.max() ?? 1
        let rates = graph.weights.map { $0 / heaviest }
        places.withUnsafeMutableBufferPointer { places in
            moved.withUnsafeMutableBufferPointer { moved in
                let places = DisjointSlices(places)
                let moved = DisjointSlices(moved)
                for epoch in 1..<max(self.epochs, 1) {
                    var epochs = SeededGenerator(seed: seed, stream: "layout", epoch)
                    let epochSeed = epochs.next()
                    let step = learningRate * (1 - Float(epoch) / Float(self.epochs))
                    for group in 0..<min(Self.groups, count) {
                        let members = (count - group + Self.groups - 1) / Self.groups
                        parallelBands(members, band: 512, threads: threads) { band in
                            for member in band {
                                move(
                                    group + member * Self.groups, epoch: epoch, epochSeed: epochSeed, step: step,
                                    rates: rates, inSpace: inSpace, places.base,
                                    moved.base)
                            }
                        }
                        for member in 0..<members {
                            let point = group + member * Self.groups
                            for dimension in 0..<3 {
                                places[dimension * count + point] = moved[dimension * count + point]
                            }
                        }
                    }
                }
            }
        }
        return Matrix(rows: count, columns: layout.columns) { target in
            for row in 0..<count {
                for column in 0..<layout.columns {
                    target[row * layout.columns + column] = places[column * count + row]
                }
            }
        }
    }

    /// Moves one point along all of its links that this epoch takes.
    @inline(__always) private func move(
        _ point: Int, epoch: Int, epochSeed: UInt64, step: Float, rates: [Float], inSpace: Bool,
        _ places: UnsafePointer<Float>,
        _ moved: UnsafeMutablePointer<Float>
    ) {
        let count = graph.points
        // Streams of neighbouring seeds are shifted copies of each other: mix epoch and point in turn.
        var mixer = SeededGenerator(seed: epochSeed &+ UInt64(bitPattern: Int64(point)))
        var random = SeededGenerator(seed: mixer.next())
        var x = places[point]
        var y = places[count + point]
        var z = places[2 * count + point]
        let a = Float(curve.a)
        let b = Float(curve.b)
        for link in graph.starts[point]..<graph.starts[point + 1] {
            // Taken where the count of samples due, ⌊epoch · rate⌋, goes up.
            guard Int32(Float(epoch) * rates[link]) > Int32(Float(epoch - 1) * rates[link]) else { continue }
            // The first lane is the link, the others points at random; in rounds of seven of these.
            var left = negativeSamples
            var isFirst = true
            repeat {
                var others = SIMD8<Int32>(repeating: Int32(point))
                let first = isFirst ? 1 : 0
                if isFirst { others[0] = graph.others[link] }
                let drawn = min(left, 8 - first)
                for lane in first..<first + drawn {
                    others[lane] = Int32(truncatingIfNeeded: random.index(below: count))
                }
                left -= drawn
                var dx = SIMD8<Float>()
                var dy = SIMD8<Float>()
                var dz = SIMD8<Float>()
                // A lane without a point, and one that drew the moving point itself, stays at distance 0, where no force acts.
                for lane in 0..<first + drawn where others[lane] != Int32(point) {
                    let other = Int(others[lane])
                    dx[lane] = x - places[other]
                    dy[lane] = y - places[count + other]
                    if inSpace { dz[lane] = z - places[2 * count + other] }
                }
                let squares = dx * dx + dy * dy + dz * dz
                let powers = fastPower(squares, b)
                let curves = powers * a + 1
                // Equation of the repulsion; 0.001 keeps it finite.
                var factors = SIMD8<Float>(repeating: 2 * b) / ((squares + 0.001) * curves)
                if isFirst {
                    // The attraction; twice, for both directions of the link. Clipping comes before.
                    factors[0] = squares[0] > 0 ? -2 * a * b * powers[0] / squares[0] / curves[0] : 0
                }
                var stepX = clipped(factors * dx)
                var stepY = clipped(factors * dy)
                if isFirst {
                    stepX[0] *= 2
                    stepY[0] *= 2
                }
                x += step * stepX.sum()
                y += step * stepY.sum()
                if inSpace {
                    var stepZ = clipped(factors * dz)
                    if isFirst { stepZ[0] *= 2 }
                    z += step * stepZ.sum()
                }
                isFirst = false
            } while left > 0
        }
        moved[point] = x
        moved[count + point] = y
        moved[2 * count + point] = z
    }
}

/// No step is longer than 4 along an axis.
@inline(__always) private func clipped(_ steps: SIMD8<Float>) -> SIMD8<Float> {
    steps.clamped(lowerBound: SIMD8(repeating: -4), upperBound: SIMD8(repeating: 4))
}
