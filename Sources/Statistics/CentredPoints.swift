internal import LinearAlgebra
internal import NDArray

/// Points whose mean is taken off a block at a time, so that a centred copy of all of them is never made.
struct CentredPoints: Sendable {
    let points: Matrix
    let means: [Float]
    let threads: Int
    /// Rows of a block.
    let band: Int
    /// Stretches of blocks that are added up apart and then in order: a fixed number, whatever the number of threads.
    let stretches: Int

    /// - Parameter elements: how many elements a block has, about. The default makes long products of blocks that the cache still holds.
    init(points: Matrix, means: [Float], threads: Int, elements: Int = 1 << 21) {
        self.points = points
        self.means = means
        self.threads = threads
        band = max(64, min(2048, elements / max(points.columns, 1)))
        stretches = min(8, (points.rows + band - 1) / band)
    }

    /// Directions in feature space with the sums of squares along them.
    struct Directions {
        /// Sums of squares of the centred points along each direction, the largest first.
        var squares: [Double]
        /// `squares.count × features`, orthonormal rows.
        var vectors: [Double]
        /// The sum of squares of all centred elements.
        var totalSquares: Double

        /// The vectors with the element of largest magnitude of each made positive.
        func withFixedSigns() -> [Float] {
            let features = vectors.count / max(squares.count, 1)
            var result: [Float] = []
            result.reserveCapacity(vectors.count)
            for start in stride(from: 0, to: vectors.count, by: max(features, 1)) {
                let row = vectors[start..<start + features]
                let largest = row.reduce(0.0) { abs($1) > abs($0) ? $1 : $0 }
                for value in row { result.append(Float(largest < 0 ? -value : value)) }
            }
            return result
        }
    }

    /// Calls `body` with every centred block, its rows and its stretch; blocks of one stretch come in order on one thread.
    func forEachBlock(
        stretches: Int? = nil, _ body: @Sendable (UnsafeBufferPointer<Float>, Range<Int>, Int) -> Void
    ) {
        let stretches = max(stretches ?? self.stretches, 1)
        parallelFor(stretches, threads: threads) { stretch in
            forEachBlock(of: stretch, stretches: stretches) { block, rows in body(block, rows, stretch) }
        }
    }

    /// Calls `body` with the centred blocks of one stretch of so many, in order.
    private func forEachBlock(
        of stretch: Int, stretches: Int, _ body: (UnsafeBufferPointer<Float>, Range<Int>) -> Void
    ) {
        let columns = points.columns
        let blocks = (points.rows + band - 1) / band
        guard blocks > 0, columns > 0 else { return }
        points.withUnsafeElements { elements in
            let room = UnsafeMutableBufferPointer<Float>.allocate(capacity: band * columns)
            defer { room.deallocate() }
            for block in blocks * stretch / stretches..<blocks * (stretch + 1) / stretches {
                let rows = block * band..<min(points.rows, (block + 1) * band)
                means.withUnsafeBufferPointer { means in
                    for (place, row) in rows.enumerated() {
                        let source = elements.baseAddress.unsafelyUnwrapped + row * columns
                        let target = room.baseAddress.unsafelyUnwrapped + place * columns
                        for column in 0..<columns { target[column] = source[column] - means[column] }
                    }
                }
                body(UnsafeBufferPointer(rebasing: room[..<(rows.count * columns)]), rows)
            }
        }
    }

    /// The rows of the upper triangle of a square matrix, as `summed` takes its parts.
    static func upperTriangle(size: Int) -> [Range<Int>] { (0..<size).map { $0 * (size + 1)..<($0 + 1) * size } }

    /// Adds up one contribution of `size` elements from every block in double precision; `body` writes it in single.
    ///
    /// - Parameter parts: the elements that `body` writes, in order; all if left out. The others of the sum are 0.
    func summed(
        size: Int, parts: [Range<Int>]? = nil,
        _ body: @Sendable (UnsafeBufferPointer<Float>, Range<Int>, UnsafeMutableBufferPointer<Float>) -> Void
    ) -> [Double] {
        guard size > 0 else { return [] }
        let parts = parts ?? [0..<size]
        // Fewer stretches where their sums are large; never by the number of threads.
        let count = max(1, min(stretches, (1 << 26) / size))
        // Each thread is the first to touch the sums that it makes: the pages of all are not cleared beforehand on one.
        let room = UnsafeMutableBufferPointer<Double>.allocate(capacity: count * size)
        defer { room.deallocate() }
        let sums = DisjointSlices(room)
        parallelFor(count, threads: threads) { stretch in
            let sum = sums.base + stretch * size
            for part in parts { (sum + part.lowerBound).initialize(repeating: 0, count: part.count) }
            withUnsafeTemporaryAllocation(of: Float.self, capacity: size) { room in
                forEachBlock(of: stretch, stretches: count) { block, rows in
                    body(block, rows, room)
                    for part in parts {
                        for index in part { sum[index] += Double(room[index]) }
                    }
                }
            }
        }
        var total = [Double](repeating: 0, count: size)
        total.withUnsafeMutableBufferPointer { total in
            let total = DisjointSlices(total)
            let shares = max(1, min(4 * threads, parts.count))
            parallelFor(shares, threads: threads) { share in
                for part in parts[parts.count * share / shares..<parts.count * (share + 1) / shares] {
                    for index in part { total[index] = sums[index] }
                    for stretch in 1..<max(count, 1) {
                        let sum = sums.base + stretch * size
                        for index in part { total[index] += sum[index] }
                    }
                }
            }
        }
        return total
    }
}
