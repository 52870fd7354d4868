/// Whole numbers below four numbers, and the rest, without a call or a check for each: valid below 2⁵⁰.
///
/// Adding 1.5 · 2⁵² leaves no room for a fraction: what comes back is the nearest whole number, one too many where the rest is negative.
@inline(__always)
func floored(_ values: SIMD4<Double>) -> SIMD4<Double> {
    let nearest = (values + FourPlaces.shift) - FourPlaces.shift
    let isBelow = unsafeBitCast(values - nearest, to: SIMD4<UInt64>.self) &>> 63
    // One where the sign bit is set, zero elsewhere.
    let one = unsafeBitCast(
        (SIMD4<UInt64>(repeating: 0) &- isBelow) & SIMD4(repeating: (1.0).bitPattern), to: SIMD4<Double>.self)
    return nearest - one
}

/// Four whole numbers of 0 … 2³¹ − 1 that are held in double precision, as places in memory.
struct FourPlaces {
    fileprivate static let shift = 0x1.8p52
    private let bits: SIMD4<UInt64>

    @inline(__always) init(_ values: SIMD4<Double>) {
        bits = unsafeBitCast(values + FourPlaces.shift, to: SIMD4<UInt64>.self)
    }

    @inline(__always) subscript(lane: Int) -> Int { Int(UInt32(truncatingIfNeeded: bits[lane])) }
}
