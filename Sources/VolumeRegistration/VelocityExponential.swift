internal import NDArray

/// Where a steady velocity field carries each cell in one unit of time, as displacements.
///
/// The flow of a smooth velocity field is a smooth map with a smooth inverse, the flow of its negative. It is found by
/// scaling and squaring: a very short time is a small step, and doing a map twice doubles the time.
///
/// - Parameters:
///   - velocity: in cells.
///   - scale: what the velocity is multiplied with: 1 there, −1 back, ½ half the way.
/// - Returns: displacements in cells.
///
/// **Reference** Arsigny et al. 2006, DOI 10.1007/11866565_113.
package func exponential(
    of velocity: [SIMD4<Float>], scale: Float, size: SIMD3<Int>, threads: Int
) -> [SIMD4<Float>] {
    var fastest: Float = 0
    for value in velocity { fastest = max(fastest, (value * value).sum()) }
    fastest = fastest.squareRoot() * abs(scale)
    // A first step of an eighth of a cell is as good as exact for fields that bend over several cells.
    var doublings = 0
    while fastest > 0.125, doublings < 24 {
        fastest *= 0.5
        doublings += 1
    }
    let first = scale / Float(1 << doublings)
    var field = velocity.map { $0 * first }
    var next = field
    for _ in 0..<doublings {
        compose(field, field, size: size, into: &next, threads: threads)
        swap(&field, &next)
    }
    return field
}

/// The displacement of doing `first`, then `second`.
func compose(
    _ first: [SIMD4<Float>], _ second: [SIMD4<Float>], size: SIMD3<Int>, into result: inout [SIMD4<Float>],
    threads: Int
) {
    let lanes = SIMD3<Int32>(truncatingIfNeeded: size)
    result.withUnsafeMutableBufferPointer { buffer in
        let slices = DisjointSlices(buffer)
        first.withUnsafeBufferPointer { first in
            second.withUnsafeBufferPointer { second in
                let (one, other) = (SharedBuffer(first), SharedBuffer(second))
                parallelFor(size.z, threads: threads) { plane in
                    for row in 0..<size.y {
                        let start = (plane * size.y + row) * size.x
                        for column in 0..<size.x {
                            let step = one[start + column]
                            let point =
                                SIMD3(Float(column), Float(row), Float(plane)) + SIMD3(step.x, step.y, step.z)
                            slices[start + column] = step + sample(other.buffer, at: point, size: lanes)
                        }
                    }
                }
            }
        }
    }
}
