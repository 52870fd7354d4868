internal import LinearAlgebra
internal import NDArray

/// Points as k-means goes over them: in blocks from which the mean is taken off, so that distances by inner products are exact
/// enough in single precision. Centres are `clusters × features` elements in the same centred coordinates.
struct ClusterData: Sendable {
    let points: Matrix
    /// The squared length of each centred point.
    private let squares: [Float]
    /// The variance of a feature, averaged over the features.
    let meanVariance: Double
    private let centred: CentredPoints

    init(points: Matrix, threads: Int) {
        self.points = points
        let means = columnMeans(points, threads: threads).map { Float($0) }
        // A block that the second-level cache holds between its products and its sums.
        let centred = CentredPoints(points: points, means: means, threads: threads, elements: 1 << 18)
        self.centred = centred
        var squares = [Float](repeating: 0, count: points.rows)
        if points.columns > 0, points.rows > 0 {
            squares.withUnsafeMutableBufferPointer { buffer in
                let slices = DisjointSlices(buffer)
                centred.forEachBlock { block, rows, _ in
                    let columns = points.columns
                    for (place, row) in rows.enumerated() {
                        slices[row] = squaredLength(block.baseAddress.unsafelyUnwrapped + place * columns, columns)
                    }
                }
            }
        }
        self.squares = squares
        let total = squares.reduce(0.0) { $0 + Double($1) }
        meanVariance = total / Double(max(points.rows * points.columns, 1))
    }

    /// What one pass over the points leaves for the next centres.
    struct Step {
        /// `clusters × features`: the sums of each cluster's points.
        var sums: [Double]
        var counts: [Int]
        /// How many points changed cluster.
        var changed: Int
    }

    func centred(_ centers: Matrix) -> [Float] {
        centers.elements.enumerated().map { $1 - centred.means[$0 % centers.columns] }
    }

    func uncentred(_ centers: [Float]) -> Matrix {
        let columns = points.columns
        return Matrix(
            rows: columns > 0 ? centers.count / columns : 0, columns: columns,
            elements: centers.enumerated().map { $1 + centred.means[$0 % columns] })
    }

    private func lengths(of centers: [Float]) -> [Float] {
        centers.withUnsafeBufferPointer { buffer in
            stride(from: 0, to: centers.count, by: points.columns).map {
                squaredLength(buffer.baseAddress.unsafelyUnwrapped + $0, points.columns)
            }
        }
    }

    /// Labels each point with its nearest centre and adds up the points of each.
    func assigned(to centers: [Float], labels: inout [Int32]) -> Step {
        let columns = points.columns
        let clusters = centers.count / max(columns, 1)
        let lengths = lengths(of: centers)
        // The last sums of each stretch count points and changes; exact up to 2⁵³.
        let size = clusters * columns
        let stretches = max(1, min(centred.stretches, (1 << 26) / max(size, 1)))
        var sums = [Double](repeating: 0, count: stretches * size)
        var counts = [Int](repeating: 0, count: stretches * (clusters + 1))
        sums.withUnsafeMutableBufferPointer { sums in
            counts.withUnsafeMutableBufferPointer { counts in
                labels.withUnsafeMutableBufferPointer { labels in
                    let sums = DisjointSlices(sums)
                    let counts = DisjointSlices(counts)
                    let labels = DisjointSlices(labels)
                    centers.withUnsafeBufferPointer { centers in
                        // Read only.
                        nonisolated(unsafe) let centers = centers
                        centred.forEachBlock(stretches: stretches) { block, rows, stretch in
                            let count = counts.base + stretch * (clusters + 1)
                            let sum = sums.base + stretch * size
                            withUnsafeTemporaryAllocation(of: Float.self, capacity: rows.count * clusters + size) {
                                let products = UnsafeMutableBufferPointer(rebasing: $0[..<(rows.count * clusters)])
                                let part = UnsafeMutableBufferPointer(rebasing: $0[(rows.count * clusters)...])
                                part.update(repeating: 0)
                                productWithTranspose(
                                    block, rows: rows.count, centers, rows: clusters, inner: columns, into: products)
                                for (place, row) in rows.enumerated() {
                                    let nearest = nearest(products, place * clusters, lengths)
                                    if labels[row] != Int32(nearest) { count[clusters] += 1 }
                                    labels[row] = Int32(nearest)
                                    count[nearest] += 1
                                    addRow(
                                        block.baseAddress.unsafelyUnwrapped + place * columns, count: columns,
                                        to: part.baseAddress.unsafelyUnwrapped + nearest * columns)
                                }
                                for index in 0..<size { sum[index] += Double(part[index]) }
                            }
                        }
                    }
                }
            }
        }
        for stretch in 1..<max(stretches, 1) {
            for index in 0..<size { sums[index] += sums[stretch * size + index] }
            for index in 0...clusters { counts[index] += counts[stretch * (clusters + 1) + index] }
        }
        return Step(sums: Array(sums[..<size]), counts: Array(counts[..<clusters]), changed: counts[clusters])
    }

    /// Gives each empty cluster the point that lies farthest from its own centre, the farthest first, one point each.
    func relocateEmpty(_ step: inout Step, centers: [Float], labels: [Int32]) {
        let empty = step.counts.indices.filter { step.counts[$0] == 0 }
        guard !empty.isEmpty else { return }
        let distances = squaredDistances(to: centers, labels: labels)
        let farthest = distances.indices.sorted { (distances[$0], $1) > (distances[$1], $0) }
        let columns = points.columns
        for (cluster, point) in zip(empty, farthest) where distances[point] > 0 {
            let owner = Int(labels[point])
            // A cluster keeps its last point.
            guard step.counts[owner] > 1 else { continue }
            for column in 0..<columns {
                let value = Double(points.elements[point * columns + column] - centred.means[column])
                step.sums[owner * columns + column] -= value
                step.sums[cluster * columns + column] = value
            }
            step.counts[owner] -= 1
            step.counts[cluster] = 1
            step.changed += 1
        }
    }

    /// The means of the sums; an empty cluster keeps its centre.
    func means(of step: Step, keeping centers: [Float]) -> [Float] {
        let columns = points.columns
        return centers.indices.map { index in
            let count = step.counts[index / columns]
            return count > 0 ? Float(step.sums[index] / Double(count)) : centers[index]
        }
    }

    /// The sum of squared distances of the points to the centres that they are labelled with.
    func inertia(of centers: [Float], labels: [Int32]) -> Double {
        squaredDistances(to: centers, labels: labels).reduce(0.0) { $0 + Double($1) }
    }

    /// The squared distance of each point to the centre that it is labelled with, by differences.
    private func squaredDistances(to centers: [Float], labels: [Int32]) -> [Float] {
        var distances = [Float](repeating: 0, count: points.rows)
        guard points.columns > 0, points.rows > 0 else { return distances }
        let columns = points.columns
        distances.withUnsafeMutableBufferPointer { buffer in
            let slices = DisjointSlices(buffer)
            centers.withUnsafeBufferPointer { centers in
                // Read only.
                nonisolated(unsafe) let centers = centers.baseAddress.unsafelyUnwrapped
                centred.forEachBlock { block, rows, _ in
                    let block = block.baseAddress.unsafelyUnwrapped
                    for (place, row) in rows.enumerated() {
                        slices[row] = squaredDistance(
                            block + place * columns, centers + Int(labels[row]) * columns, columns)
                    }
                }
            }
        }
        return distances
    }

    /// Greedy k-means++: each next centre is the best of 2 + ⌊ln k⌋ points drawn with odds by their squared distance to the
    /// nearest centre so far, best by the sum of the squared distances that it leaves.
    func greedyStart(clusters: Int, using generator: inout SeededGenerator) -> [Float] {
        let columns = points.columns
        let trials = 2 + Int(Math.log(Double(clusters)))
        func row(_ index: Int) -> [Float] {
            (0..<columns).map { points.elements[index * columns + $0] - centred.means[$0] }
        }
        var centers = row(generator.index(below: points.rows))
        centers.reserveCapacity(clusters * columns)
        var closest = [Float](repeating: .infinity, count: points.rows)
        closest = distances(to: centers, atMost: closest)[0]
        for _ in 1..<max(clusters, 1) {
            let potential = closest.reduce(0.0) { $0 + Double($1) }
            let marks = (0..<trials).map { _ in generator.uniform() * potential }
            let candidates = drawn(from: closest, marks: marks)
            let trial = distances(to: candidates.flatMap(row), atMost: closest)
            let sums = trial.map { $0.reduce(0.0) { $0 + Double($1) } }
            let best = sums.indices.reduce(0) { sums[$1] < sums[$0] ? $1 : $0 }
            closest = trial[best]
            centers += row(candidates[best])
        }
        return centers
    }

    /// The points at which the running sum of `odds` passes the marks.
    private func drawn(from odds: [Float], marks: [Double]) -> [Int] {
        var found = [Int](repeating: odds.count - 1, count: marks.count)
        let order = marks.indices.sorted { marks[$0] < marks[$1] }
        var next = 0
        var sum = 0.0
        for (index, value) in odds.enumerated() {
            sum += Double(value)
            while next < order.count, sum >= marks[order[next]] {
                found[order[next]] = index
                next += 1
            }
            if next == order.count { break }
        }
        return found
    }

    /// For each of some places, the squared distances of all points to it, but not above `bounds`.
    private func distances(to places: [Float], atMost bounds: [Float]) -> [[Float]] {
        let columns = points.columns
        guard columns > 0 else { return [bounds.map { _ in 0 }] }
        let count = places.count / columns
        let lengths = lengths(of: places)
        var result = [Float](repeating: 0, count: count * points.rows)
        let squares = squares
        let total = points.rows
        result.withUnsafeMutableBufferPointer { buffer in
            let slices = DisjointSlices(buffer)
            places.withUnsafeBufferPointer { places in
                // Read only.
                nonisolated(unsafe) let places = places
                centred.forEachBlock { block, rows, _ in
                    withUnsafeTemporaryAllocation(of: Float.self, capacity: rows.count * count) { products in
                        productWithTranspose(
                            block, rows: rows.count, places, rows: count, inner: columns, into: products)
                        for (offset, row) in rows.enumerated() {
                            for place in 0..<count {
                                let distance = squares[row] + lengths[place] - 2 * products[offset * count + place]
                                slices[place * total + row] = min(bounds[row], max(distance, 0))
                            }
                        }
                    }
                }
            }
        }
        return (0..<count).map { Array(result[$0 * total..<($0 + 1) * total]) }
    }
}

/// The centre with the least ‖c‖² − 2 x·c, the first of equals.
@inline(__always) private func nearest(
    _ products: UnsafeMutableBufferPointer<Float>, _ start: Int, _ lengths: [Float]
) -> Int {
    var best = 0
    var least = Float.infinity
    for cluster in lengths.indices {
        let score = lengths[cluster] - 2 * products[start + cluster]
        if score < least {
            least = score
            best = cluster
        }
    }
    return best
}
