internal import LinearAlgebra
internal import NDArray

extension CentredPoints {
    /// By the singular values of the triangular factor of the points, in double precision: no product is squared.
    func fullDirections(count: Int) -> Directions? {
        let triangle = RowTriangle(
            points: points, targets: Matrix(rows: points.rows, columns: 0), centred: true, threads: threads)
        var factor = triangle.factor
        guard
            let (values, vectors) = rightSingularVectors(
                &factor, rows: triangle.factorRows, columns: points.columns)
        else { return nil }
        return Directions(
            squares: values[..<count].map { $0 * $0 }, vectors: Array(vectors[..<(count * points.columns)]),
            totalSquares: values.reduce(0) { $0 + $1 * $1 })
    }

    /// By subspace iteration from random directions (Halko et al. 2011, algorithm 4.4), then the best directions within the
    /// subspace found (Rayleigh–Ritz).
    ///
    /// Ten directions more than asked for and, as in scikit-learn, 7 iterations where less than a tenth of all components are
    /// wanted, else 4. Each iteration is one pass over the points: V ← orth(XᵀX V), kept transposed.
    func randomisedDirections(count: Int, seed: UInt64) -> Directions? {
        let columns = points.columns
        let smaller = min(points.rows, columns)
        let width = min(count + 10, smaller)
        let iterations = Double(count) < 0.1 * Double(smaller) ? 7 : 4
        var generator = SeededGenerator(seed: seed, stream: "principal components")
        var basis = (0..<width * columns).map { _ in generator.normal() }
        orthonormalizeRows(&basis, rows: width, columns: columns)
        // One more than scikit-learn's iterations: its last projection is half a product ahead of ours.
        for _ in 0...iterations {
            let rounded = basis.map { Float($0) }
            basis = rounded.withUnsafeBufferPointer { directions in
                // Read only.
                nonisolated(unsafe) let directions = directions
                return summed(size: width * columns) { block, rows, room in
                    withUnsafeTemporaryAllocation(of: Float.self, capacity: rows.count * width) { coordinates in
                        productWithTranspose(
                            block, rows: rows.count, directions, rows: width, inner: columns, into: coordinates)
                        productOfTranspose(
                            UnsafeBufferPointer(coordinates), block, rows: width, columns: columns, inner: rows.count,
                            into: room)
                    }
                }
            }
            orthonormalizeRows(&basis, rows: width, columns: columns)
        }
        let rounded = basis.map { Float($0) }
        // The last element is the sum of all squares.
        var gram = rounded.withUnsafeBufferPointer { directions in
            // Read only.
            nonisolated(unsafe) let directions = directions
            let parts = CentredPoints.upperTriangle(size: width) + [width * width..<width * width + 1]
            return summed(size: width * width + 1, parts: parts) { block, rows, room in
                withUnsafeTemporaryAllocation(of: Float.self, capacity: rows.count * width) { coordinates in
                    productWithTranspose(
                        block, rows: rows.count, directions, rows: width, inner: columns, into: coordinates)
                    upperGram(UnsafeBufferPointer(coordinates), count: rows.count, columns: width, into: room)
                }
                room[width * width] = Float(block.reduce(0.0) { $0 + Double($1) * Double($1) })
            }
        }
        let total = gram.removeLast()
        guard let (values, turns) = largestEigenvectors(&gram, size: width, count: count) else { return nil }
        var vectors = [Double](repeating: 0, count: count * columns)
        for component in 0..<count {
            for direction in 0..<width {
                let share = turns[component * width + direction]
                for column in 0..<columns {
                    vectors[component * columns + column] += share * basis[direction * columns + column]
                }
            }
        }
        return Directions(squares: values, vectors: vectors, totalSquares: total)
    }
}
