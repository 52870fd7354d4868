internal import NDArray

/// The angles of four vectors, atan2(y, x), each the single-precision number next to what the C library gives in double precision.
///
/// A polynomial tells an angle to 10⁻¹². Where the numbers that far to either side of it are rounded alike, so is the library's; where
/// not, which is one angle in ten thousand, the library is asked.
///
/// A function of its own as most of a keypoint's orientation went into the library's.
@inline(__always)
package func arcTangents(_ y: SIMD4<Float>, _ x: SIMD4<Float>) -> SIMD4<Float> {
    let (ys, xs) = (SIMD4<Double>(y), SIMD4<Double>(x))
    let (high, wide) = (ArcTangent.magnitude(ys), ArcTangent.magnitude(xs))
    let isSteep = signs(wide - high)
    let short = selected(wide, where: isSteep, else: high)
    let long = selected(high, where: isSteep, else: wide)
    // From tan(π/8) on, the angle to the diagonal is the smaller one.
    let isDiagonal = signs(long * 0.41421356 - short)
    let over = selected(short - long, where: isDiagonal, else: short)
    let under = selected(short + long, where: isDiagonal, else: long)
    var angle = ArcTangent.ofSmall(over / (under + .leastNormalMagnitude))
    angle = selected(angle + .pi / 4, where: isDiagonal, else: angle)
    angle = selected(.pi / 2 - angle, where: isSteep, else: angle)
    angle = selected(.pi - angle, where: signs(xs), else: angle)
    angle = ArcTangent.withSign(of: ys, angle)
    let (low, upper) = (SIMD4<Float>(angle * (1 - 0x1p-38)), SIMD4<Float>(angle * (1 + 0x1p-38)))
    if all(low .== upper) { return low }
    var exact = low
    for lane in 0..<4 where low[lane] != upper[lane] { exact[lane] = Float(Math.atan2(ys[lane], xs[lane])) }
    return exact
}

private enum ArcTangent {
    private static let signBit: UInt64 = 1 << 63

    @inline(__always) static func magnitude(_ values: SIMD4<Double>) -> SIMD4<Double> {
        unsafeBitCast(unsafeBitCast(values, to: SIMD4<UInt64>.self) & ~signBit, to: SIMD4<Double>.self)
    }

    @inline(__always) static func withSign(of signs: SIMD4<Double>, _ values: SIMD4<Double>) -> SIMD4<Double> {
        let sign = unsafeBitCast(signs, to: SIMD4<UInt64>.self) & signBit
        return unsafeBitCast(unsafeBitCast(values, to: SIMD4<UInt64>.self) | sign, to: SIMD4<Double>.self)
    }

    /// The arc tangent of −tan(π/8) … tan(π/8), to 7.3 · 10⁻¹³ of itself: a Chebyshev fit of atan(z)/z in z².
    @inline(__always) static func ofSmall(_ z: SIMD4<Double>) -> SIMD4<Double> {
        let square = z * z
        var sum = SIMD4<Double>(repeating: -0.037701657245926674)
        sum = sum * square + 0.06977000572584023
        sum = sum * square - 0.08993216217103708
        sum = sum * square + 0.11103534795062843
        sum = sum * square - 0.14285391252248725
        sum = sum * square + 0.19999993188680104
        sum = sum * square - 0.33333333278382155
        sum = sum * square + 0.999999999999271
        return z * sum
    }
}
