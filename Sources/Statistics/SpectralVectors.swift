internal import LinearAlgebra
internal import NDArray

extension NormalizedAdjacency {
    /// The eigenvectors of the largest eigenvalues after the trivial one, by Lanczos' method with thick restarts.
    ///
    /// Kept in single precision and orthogonalised twice against all; a start of an embedding needs no more. Stops at a residual of
    /// 10⁻⁴ (umap-learn's) or after `products` products, with the best found.
    ///
    /// - Returns: `wanted` unit vectors of `count` elements, fewer where the part is too small.
    ///
    /// **Reference**: Wu and Simon 2000, DOI 10.1137/S0895479898334605.
    func slowestVectors(_ wanted: Int, seed: UInt64, threads: Int, products: Int = 400) -> [[Float]] {
        // The trivial vector is kept out by orthogonality.
        let wanted = min(wanted, count - 1)
        guard wanted > 0 else { return [] }
        let room = min(count - 1, max(4 * wanted + 24, 32))
        let kept = min(room - 1, 2 * wanted + 8)
        var generator = SeededGenerator(seed: seed, stream: "spectral start")
        var basis: [[Float]] = []
        var projected = [Double](repeating: 0, count: room * room)
        var next = (0..<count).map { _ in Float(generator.uniform() - 0.5) }
        _ = orthogonalize(&next, against: [trivial], threads: threads)
        normalize(&next, threads: threads)
        var used = 0
        while true {
            var residual = 0.0
            while basis.count < room {
                let column = basis.count
                basis.append(next)
                next = times(next, threads: threads)
                used += 1
                let parts = orthogonalize(&next, against: [trivial] + basis, threads: threads)
                for row in 0...column {
                    projected[row * room + column] = parts[row + 1]
                    projected[column * room + row] = parts[row + 1]
                }
                residual = normalize(&next, threads: threads)
                if residual < 1e-6 {
                    // The vectors so far span what the operator does to them: go on with anything outside.
                    next = (0..<count).map { _ in Float(generator.uniform() - 0.5) }
                    _ = orthogonalize(&next, against: [trivial] + basis, threads: threads)
                    if normalize(&next, threads: threads) < 1e-6 { break }
                    residual = 0
                }
            }
            let size = basis.count
            var small = [Double](repeating: 0, count: size * size)
            for row in 0..<size {
                for column in 0..<size { small[row * size + column] = projected[row * room + column] }
            }
            let take = min(size, max(kept, wanted))
            guard let (values, turns) = largestEigenvectors(&small, size: size, count: take) else {
                return Array(basis.prefix(wanted))
            }
            let settled = (0..<min(wanted, take)).allSatisfy {
                residual * abs(turns[$0 * size + size - 1]) < 1e-4 * max(abs(values[$0]), 1e-3)
            }
            let done = settled || used >= products || size < room || size == count - 1
            basis = combined(basis, turns, take: done ? min(wanted, take) : take, threads: threads)
            if done { return basis }
            projected = [Double](repeating: 0, count: room * room)
            for index in 0..<take { projected[index * room + index] = values[index] }
        }
    }

    /// Takes off `vector` its parts along orthonormal vectors, twice; returns those parts.
    private func orthogonalize(_ vector: inout [Float], against basis: [[Float]], threads: Int) -> [Double] {
        var parts = [Double](repeating: 0, count: basis.count)
        for _ in 0..<2 {
            let found = innerProducts(of: vector, with: basis, threads: threads)
            for index in basis.indices { parts[index] += found[index] }
            vector.withUnsafeMutableBufferPointer { buffer in
                let slices = DisjointSlices(buffer)
                parallelBands(count, band: 4096, threads: threads) { rows in
                    for (index, other) in basis.enumerated() {
                        let part = Float(found[index])
                        other.withUnsafeBufferPointer { other in
                            for row in rows { slices[row] -= part * other[row] }
                        }
                    }
                }
            }
        }
        return parts
    }

    @discardableResult private func normalize(_ vector: inout [Float], threads: Int) -> Double {
        let length = innerProducts(of: vector, with: [vector], threads: threads)[0].squareRoot()
        guard length > 0 else { return 0 }
        let scale = Float(1 / length)
        for index in vector.indices { vector[index] *= scale }
        return length
    }

    /// Added up in bands in order, whatever the number of threads.
    private func innerProducts(of vector: [Float], with basis: [[Float]], threads: Int) -> [Double] {
        let band = 4096
        let bands = (count + band - 1) / band
        let width = basis.count
        var sums = [Double](repeating: 0, count: bands * width)
        sums.withUnsafeMutableBufferPointer { buffer in
            let slices = DisjointSlices(buffer)
            parallelBands(count, band: band, threads: threads) { rows in
                vector.withUnsafeBufferPointer { vector in
                    for (index, other) in basis.enumerated() {
                        other.withUnsafeBufferPointer { other in
                            let start = rows.lowerBound
                            slices[start / band * width + index] = Double(
                                innerProduct(
                                    vector.baseAddress.unsafelyUnwrapped + start,
                                    other.baseAddress.unsafelyUnwrapped + start, rows.count))
                        }
                    }
                }
            }
        }
        return (0..<width).map { index in (0..<bands).reduce(0) { $0 + sums[$1 * width + index] } }
    }

    private func combined(_ basis: [[Float]], _ turns: [Double], take: Int, threads: Int) -> [[Float]] {
        var result = [[Float]](repeating: [Float](repeating: 0, count: count), count: take)
        result.withUnsafeMutableBufferPointer { buffer in
            let slices = DisjointSlices(buffer)
            parallelFor(take, threads: threads) { index in
                var sum = [Float](repeating: 0, count: count)
                for (place, vector) in basis.enumerated() {
                    let share = Float(turns[index * basis.count + place])
                    for row in 0..<count { sum[row] += share * vector[row] }
                }
                slices[index] = sum
            }
        }
        return result
    }
}
