internal import LinearAlgebra
internal import NDArray

/// The sums and the inner products of features about a given point, in one pass over the points.
///
/// Products are in single precision within a block of at most 2,048 rows, and blocks are added up in double precision, in order.
/// Blocks do not depend on the number of threads.
struct ShiftedMoments {
    /// Σ (x − s) of each feature.
    private(set) var sums: [Double]
    /// Σ (x − s)(x − s)ᵀ: `features × features` elements; the upper triangle, and zeros below it.
    var products: [Double]

    /// - Parameters:
    ///   - points: `points × features`, at least one feature.
    ///   - shift: s, one element a feature. The nearer to the mean, the smaller the products and their rounding.
    init(of points: Matrix, about shift: [Float], threads: Int) {
        let columns = points.columns
        let block = max(64, min(2048, (1 << 21) / columns))
        let blocks = (points.rows + block - 1) / block
        // Shifted rows go into their product while the second-level cache holds them: three quarters of a MiB.
        let slice = max(64, min(block, (3 << 16) / columns))
        // A thread that is held up may be overtaken by eight blocks before others wait for it; by fewer where products are large.
        let rooms = threads == 1 ? 1 : max(1, min(threads + 8, blocks, (1 << 26) / (columns * columns)))
        let shifted = UnsafeMutableBufferPointer<Float>.allocate(capacity: rooms * slice * columns)
        let blockProducts = UnsafeMutableBufferPointer<Float>.allocate(capacity: rooms * columns * columns)
        let blockSums = UnsafeMutableBufferPointer<Double>.allocate(capacity: rooms * columns)
        defer {
            shifted.deallocate()
            blockProducts.deallocate()
            blockSums.deallocate()
        }
        sums = [Double](repeating: 0, count: columns)
        products = [Double](repeating: 0, count: columns * columns)
        let places = (DisjointSlices(shifted), DisjointSlices(blockProducts), DisjointSlices(blockSums))
        sums.withUnsafeMutableBufferPointer { sums in
            products.withUnsafeMutableBufferPointer { products in
                let totals = (DisjointSlices(sums), DisjointSlices(products))
                orderedReduce(blocks, threads: threads, rooms: rooms) { index, room in
                    let shifted = places.0.base + room * slice * columns
                    let product = UnsafeMutableBufferPointer(
                        start: places.1.base + room * columns * columns, count: columns * columns)
                    let sum = places.2.base + room * columns
                    sum.initialize(repeating: 0, count: columns)
                    let end = min(points.rows, (index + 1) * block)
                    for first in stride(from: index * block, to: end, by: slice) {
                        let rows = first..<min(end, first + slice)
                        points.withUnsafeElements { elements in
                            shift.withUnsafeBufferPointer { shift in
                                subtract(
                                    shift, from: elements.baseAddress.unsafelyUnwrapped + rows.lowerBound * columns,
                                    rows: rows.count, into: shifted, addingTo: sum)
                            }
                        }
                        upperGram(
                            UnsafeBufferPointer(start: shifted, count: rows.count * columns), count: rows.count,
                            columns: columns, keeping: first == index * block ? 0 : 1, into: product)
                    }
                } take: { room in
                    let sum = places.2.base + room * columns
                    for column in 0..<columns { totals.0[column] += sum[column] }
                    let product = places.1.base + room * columns * columns
                    for part in CentredPoints.upperTriangle(size: columns) {
                        for index in part { totals.1[index] += Double(product[index]) }
                    }
                }
            }
        }
    }
}

/// Rows from which a point is taken off, and the sums of what remains, in double precision.
///
/// One row after the other, as they lie in memory: several at a time are fetched more slowly than their sums are kept.
private func subtract(
    _ shift: UnsafeBufferPointer<Float>, from rows: UnsafePointer<Float>, rows count: Int,
    into shifted: UnsafeMutablePointer<Float>, addingTo sums: UnsafeMutablePointer<Double>
) {
    let columns = shift.count
    let whole = columns / 4 * 4
    guard let shift = shift.baseAddress else { return }
    for row in 0..<count {
        let source = rows + row * columns
        let target = shifted + row * columns
        for column in stride(from: 0, to: whole, by: 4) {
            let value =
                UnsafeRawPointer(source + column).loadUnaligned(as: SIMD4<Float>.self)
                - UnsafeRawPointer(shift + column).loadUnaligned(as: SIMD4<Float>.self)
            UnsafeMutableRawPointer(target + column).storeBytes(of: value, as: SIMD4<Float>.self)
            let sum = UnsafeRawPointer(sums + column).loadUnaligned(as: SIMD4<Double>.self) + SIMD4<Double>(value)
            UnsafeMutableRawPointer(sums + column).storeBytes(of: sum, as: SIMD4<Double>.self)
        }
        for column in whole..<columns {
            let value = source[column] - shift[column]
            target[column] = value
            sums[column] += Double(value)
        }
    }
}
