internal import LinearAlgebra
internal import NDArray

extension FuzzyGraph {
    /// Places for the points to start from: the slowest eigenvectors of each connected part, the parts laid out by their means.
    ///
    /// - Returns: `points × dimensions`, up to scale.
    ///
    /// **Reference**: umap-learn 0.5, `spectral_layout` and `multi_component_layout`.
    func spectralLayout(dimensions: Int, seed: UInt64, threads: Int) -> Matrix {
        let (labels, count) = components()
        var layout = Matrix(rows: points, columns: dimensions)
        var members = [[Int32]](repeating: [], count: count)
        for (point, label) in labels.enumerated() { members[Int(label)].append(Int32(point)) }
        let centers = partCenters(members, dimensions: dimensions, seed: seed)
        var generator = SeededGenerator(seed: seed, stream: "spectral layout")
        for (part, points) in members.enumerated() {
            // Half of the way to the nearest other part.
            let reach = count == 1 ? 1 : nearestDistance(of: part, among: centers) / 2
            let scattered = points.count < 2 * dimensions || points.count <= dimensions + 1
            let vectors =
                scattered
                ? []
                : NormalizedAdjacency(self, members: points).slowestVectors(dimensions, seed: seed, threads: threads)
            let largest = vectors.reduce(Float(0)) { $1.reduce($0) { max($0, abs($1)) } }
            for (place, point) in points.enumerated() {
                for dimension in 0..<dimensions {
                    let offset =
                        dimension < vectors.count && largest > 0
                        ? vectors[dimension][place] / largest * reach
                        : Float(2 * generator.uniform() - 1) * reach
                    layout[Int(point), dimension] = centers[part, dimension] + offset
                }
            }
        }
        return layout
    }

    /// A place for each connected part.
    private func partCenters(_ members: [[Int32]], dimensions: Int, seed: UInt64) -> Matrix {
        let count = members.count
        var centers = Matrix(rows: count, columns: dimensions)
        if count == 1 { return centers }
        if count <= 2 * dimensions {
            // The ends of the axes.
            let half = (count + 1) / 2
            for part in 0..<count { centers[part, part % half] = part < half ? 1 : -1 }
            return centers
        }
        var generator = SeededGenerator(seed: seed, stream: "parts of a layout")
        let vectors = count <= 2000 ? meanVectors(members, dimensions: dimensions) : nil
        for part in 0..<count {
            for dimension in 0..<dimensions {
                // A little noise: parts of equal mean get places of their own.
                let noise = Float(generator.uniform() - 0.5)
                centers[part, dimension] =
                    vectors.map { Float($0[dimension * count + part]) + 1e-3 * noise } ?? 20 * noise
            }
        }
        let largest = centers.elements.reduce(Float(0)) { max($0, abs($1)) }
        return Matrix(rows: count, columns: dimensions, elements: centers.elements.map { $0 / max(largest, 1e-12) })
    }

    /// The slowest eigenvectors of the affinity exp(−d²) of the parts' means, `dimensions × parts`; nil where LAPACK gives up.
    private func meanVectors(_ members: [[Int32]], dimensions: Int) -> [Double]? {
        let count = members.count
        let columns = source.columns
        var means = [Float](repeating: 0, count: count * columns)
        for (part, points) in members.enumerated() {
            for point in points {
                for column in 0..<columns {
                    means[part * columns + column] +=
                        source.elements[Int(point) * columns + column] / Float(points.count)
                }
            }
        }
        var centers = Matrix(rows: count, columns: columns, elements: means)
        if metric == .cosine { centers = centers.withUnitRows() }
        var affinity = [Double](repeating: 0, count: count * count)
        centers.withUnsafeElements { elements in
            guard let base = elements.baseAddress else { return }
            for row in 0..<count {
                for column in 0..<count {
                    let square = Double(squaredDistance(base + row * columns, base + column * columns, columns))
                    affinity[row * count + column] = Math.exp(metric == .cosine ? -square * square / 4 : -square)
                }
            }
        }
        let degrees = (0..<count).map { row in affinity[row * count..<(row + 1) * count].reduce(0, +) }
        for row in 0..<count {
            for column in 0..<count { affinity[row * count + column] /= (degrees[row] * degrees[column]).squareRoot() }
        }
        guard let found = largestEigenvectors(&affinity, size: count, count: dimensions + 1) else { return nil }
        return Array(found.vectors[count...])
    }

    private func nearestDistance(of part: Int, among centers: Matrix) -> Float {
        var least = Float.infinity
        for other in 0..<centers.rows where other != part {
            let square = zip(centers.row(part), centers.row(other)).reduce(Float(0)) {
                $0 + ($1.0 - $1.1) * ($1.0 - $1.1)
            }
            if square > 0 { least = min(least, square) }
        }
        return least.isFinite ? least.squareRoot() : 1
    }
}
