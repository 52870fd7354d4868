/// The whole part of a number from 0 to below 2²².
///
/// Without the checks of `Int(_:)`: a loop that calls it runs in vector registers.
@inline(__always) func wholePart(_ number: Float) -> UInt32 {
    // 2²³ leaves no bits for the fraction: the nearest whole number, which may be one too many.
    let nearest = number + 8_388_608
    return (nearest.bitPattern & 0x7f_ffff) &- (nearest - 8_388_608 > number ? 1 : 0)
}

/// The whole parts of numbers from 0 to below 2²².
@inline(__always) func wholeParts(_ numbers: SIMD4<Float>) -> SIMD4<Int32> {
    let nearest = numbers + 8_388_608
    let whole = unsafeBitCast(nearest, to: SIMD4<Int32>.self) & 0x7f_ffff
    return whole &- SIMD4<Int32>.zero.replacing(with: 1, where: nearest - 8_388_608 .> numbers)
}
