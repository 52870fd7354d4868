/// The sum of squares of some elements, in 16 sums side by side.
@inline(__always) func squaredLength(_ row: UnsafePointer<Float>, _ count: Int) -> Float {
    var sums = SIMD16<Float>()
    let whole = count / 16 * 16
    for start in stride(from: 0, to: whole, by: 16) {
        let piece = UnsafeRawPointer(row + start).loadUnaligned(as: SIMD16<Float>.self)
        sums += piece * piece
    }
    var sum = sums.sum()
    for index in whole..<count { sum += row[index] * row[index] }
    return sum
}

/// The squared Euclidean distance of two rows, by differences.
@inline(__always) func squaredDistance(
    _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, _ count: Int
) -> Float {
    var sums = SIMD16<Float>()
    let whole = count / 16 * 16
    for start in stride(from: 0, to: whole, by: 16) {
        let piece =
            UnsafeRawPointer(left + start).loadUnaligned(as: SIMD16<Float>.self)
            - UnsafeRawPointer(right + start).loadUnaligned(as: SIMD16<Float>.self)
        sums += piece * piece
    }
    var sum = sums.sum()
    for index in whole..<count { sum += (left[index] - right[index]) * (left[index] - right[index]) }
    return sum
}

/// The squared Euclidean distance of two rows, or nil as soon as it is found to be over `bound`.
@inline(__always) func squaredDistance(
    _ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, _ count: Int, below bound: Float
) -> Float? {
    var sum: Float = 0
    var start = 0
    while start < count {
        let piece = min(128, count - start)
        sum += squaredDistance(left + start, right + start, piece)
        if sum > bound { return nil }
        start += piece
    }
    return sum
}

/// The inner product of two rows.
@inline(__always) func innerProduct(_ left: UnsafePointer<Float>, _ right: UnsafePointer<Float>, _ count: Int) -> Float
{
    var sums = SIMD16<Float>()
    let whole = count / 16 * 16
    for start in stride(from: 0, to: whole, by: 16) {
        sums +=
            UnsafeRawPointer(left + start).loadUnaligned(as: SIMD16<Float>.self)
            * UnsafeRawPointer(right + start).loadUnaligned(as: SIMD16<Float>.self)
    }
    var sum = sums.sum()
    for index in whole..<count { sum += left[index] * right[index] }
    return sum
}
