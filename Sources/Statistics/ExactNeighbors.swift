internal import LinearAlgebra
internal import NDArray

extension NeighborTable {
    /// Finds all neighbours by all distances: matrix products choose some more than are wanted, differences decide.
    mutating func fillExactly(_ points: Matrix, threads: Int) {
        let columns = points.columns
        let total = points.rows
        let wanted = neighbors
        // The products' rounding may swap close candidates: keep some over.
        let kept = min(total - 1, wanted + 8)
        let band = 128
        let width = 2048
        withSharedLists { lists in
            points.withUnsafeElements { elements in
                // Read only.
                nonisolated(unsafe) let elements = elements
                nonisolated(unsafe) let base = elements.baseAddress
                let lengths = (0..<total).map { row in base.map { squaredLength($0 + row * columns, columns) } ?? 0 }
                parallelBands(total, band: band, threads: threads) { rows in
                    var indices = [Int32](repeating: -1, count: rows.count * kept)
                    var distances = [Float](repeating: .infinity, count: rows.count * kept)
                    indices.withUnsafeMutableBufferPointer { indices in
                        distances.withUnsafeMutableBufferPointer { distances in
                            withUnsafeTemporaryAllocation(of: Float.self, capacity: rows.count * width) { products in
                                for start in stride(from: 0, to: total, by: width) {
                                    let others = start..<min(total, start + width)
                                    productWithTranspose(
                                        UnsafeBufferPointer(
                                            rebasing: elements[rows.lowerBound * columns..<rows.upperBound * columns]),
                                        rows: rows.count,
                                        UnsafeBufferPointer(
                                            rebasing: elements[
                                                others.lowerBound * columns..<others.upperBound * columns]),
                                        rows: others.count, inner: columns, into: products)
                                    for (place, row) in rows.enumerated() {
                                        let list = NeighborList(
                                            indices: indices.baseAddress.unsafelyUnwrapped + place * kept,
                                            distances: distances.baseAddress.unsafelyUnwrapped + place * kept,
                                            count: kept)
                                        let own = lengths[row]
                                        for other in others where other != row {
                                            let product = products[place * others.count + other - start]
                                            let distance = own + lengths[other] - 2 * product
                                            if distance < list.worst { _ = list.insert(Int32(other), distance) }
                                        }
                                    }
                                }
                            }
                            for (place, row) in rows.enumerated() {
                                let list = lists[row]
                                for candidate in 0..<kept {
                                    let other = indices[place * kept + candidate]
                                    guard other >= 0, let base else { continue }
                                    _ = list.insert(
                                        other,
                                        squaredDistance(base + row * columns, base + Int(other) * columns, columns))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
