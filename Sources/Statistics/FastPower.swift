/// xᵇ of eight positive normal numbers, to 10⁻⁵ of the value: 2^(b log₂ x) with polynomials for both parts.
///
/// The polynomials are Chebyshev fits: log₂(1 + t) / t on [0, 1) of degree 5 (absolute error 9 · 10⁻⁶ in the logarithm) and 2ᶠ on [0, 1) of
/// degree 4 (relative error 4 · 10⁻⁶). Numbers under 10⁻³⁰ are taken for 10⁻³⁰.
@inline(__always) func fastPower(_ x: SIMD8<Float>, _ b: Float) -> SIMD8<Float> {
    let clamped = x.clamped(lowerBound: SIMD8(repeating: 1e-30), upperBound: SIMD8(repeating: 1e30))
    let bits = unsafeBitCast(clamped, to: SIMD8<Int32>.self)
    // An integer put into the mantissa of 2²³ is that integer and 2²³: a conversion without a call for each lane.
    let exponent = unsafeBitCast((bits &>> 23) | 0x4b00_0000, to: SIMD8<Float>.self) - (8_388_608 + 127)
    let one = SIMD8<Float>(repeating: 1)
    let t = unsafeBitCast((bits & 0x007f_ffff) | 0x3f80_0000, to: SIMD8<Float>.self) - one
    var series = t * -0.034_595_69 + 0.146_435_46
    series = series * t + -0.303_392_04
    series = series * t + 0.469_302_96
    series = series * t + -0.720_442_64
    series = series * t + 1.442_683_3
    let power = (exponent + series * t) * b
    let shift = SIMD8<Float>(repeating: 12_582_912)
    let nearest = (power + shift) - shift
    let whole = nearest.replacing(with: nearest - 1, where: nearest .> power)
    let f = power - whole
    var result = f * 0.013_683_99 + 0.051_717_78
    result = result * f + 0.241_621_24
    result = result * f + 0.692_969_6
    result = result * f + 1.000_003_6
    let integer = unsafeBitCast(whole + shift, to: SIMD8<Int32>.self) &- 0x4b40_0000
    let scale = unsafeBitCast((integer &+ 127) &<< 23, to: SIMD8<Float>.self)
    return result * scale
}
