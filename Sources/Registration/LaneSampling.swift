/// Whole numbers below four numbers, and the rest, without a call or a check for each: valid below 2⁵⁰.
///
/// Adding 1.5 · 2⁵² leaves no room for a fraction: what comes back is the nearest whole number, one too many where the rest is negative.
@inline(__always)
func floored(_ values: SIMD4<Double>) -> SIMD4<Double> {
    let nearest = (values + FourPlaces.shift) - FourPlaces.shift
    return nearest - selected(SIMD4(repeating: 1), where: signs(values - nearest), else: .zero)
}

/// All bits where the sign bit is set, none elsewhere: what chooses between lanes without a branch.
@inline(__always)
func signs(_ values: SIMD4<Double>) -> SIMD4<UInt64> {
    SIMD4(repeating: 0) &- (unsafeBitCast(values, to: SIMD4<UInt64>.self) &>> 63)
}

/// The lanes of `values` where all bits of `mask` are set, those of `others` where none is.
@inline(__always)
func selected(
    _ values: SIMD4<Double>, where mask: SIMD4<UInt64>, else others: SIMD4<Double>
) -> SIMD4<Double> {
    let (ours, theirs) = (
        unsafeBitCast(values, to: SIMD4<UInt64>.self), unsafeBitCast(others, to: SIMD4<UInt64>.self)
    )
    return unsafeBitCast((ours & mask) | (theirs & ~mask), to: SIMD4<Double>.self)
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
