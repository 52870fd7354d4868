/// gain · xᵞ + offset for values in 0 … 1, in place.
///
/// xᵞ = 2^(γ log₂ x), eight values at a time by polynomials: log₂ by the area hyperbolic tangent's series to s⁹ (error below
/// 10⁻⁸ on √½ … √2), 2ᶠ by its Taylor series to f⁶ on ±½ (error below 2·10⁻⁷). Many times the speed of `pow`, and the same bits
/// on every machine.
func raise(_ values: UnsafeMutableBufferPointer<Float>, toPower gamma: Float, gain: Float, offset: Float) {
    typealias Lanes = SIMD8<Float>
    let count = values.count
    var index = 0
    while index < count {
        let filled = min(8, count - index)
        var x = Lanes(repeating: 1)
        if filled == 8 {
            x = UnsafeRawPointer(values.baseAddress.unsafelyUnwrapped + index).loadUnaligned(as: Lanes.self)
        } else {
            for lane in 0..<filled { x[lane] = values[index + lane] }
        }
        let y = power(x, gamma) * gain + offset
        if filled == 8 {
            UnsafeMutableRawPointer(values.baseAddress.unsafelyUnwrapped + index).storeBytes(of: y, as: Lanes.self)
        } else {
            for lane in 0..<filled { values[index + lane] = y[lane] }
        }
        index += 8
    }
}

@inline(__always)
private func power(_ x: SIMD8<Float>, _ gamma: Float) -> SIMD8<Float> {
    // Exponent and mantissa, the mantissa in √½ … √2. Values below 2⁻⁴⁰ count as 2⁻⁴⁰ here and as 0 in the end.
    let smallest: Float = 0x1p-40
    let positive = x.replacing(with: smallest, where: x .< smallest)
    let bits = unsafeBitCast(positive, to: SIMD8<UInt32>.self)
    let half = UInt32(0x3f35_04f3)  // √½
    let shifted = bits &- half
    let exponentBits = shifted & SIMD8<UInt32>(repeating: 0xff80_0000)
    let exponent = SIMD8<Float>(unsafeBitCast(exponentBits, to: SIMD8<Int32>.self) &>> 23)
    let mantissa = unsafeBitCast(bits &- exponentBits, to: SIMD8<Float>.self)
    let s = (mantissa - 1) / (mantissa + 1)
    let q = s * s
    var series = q * Float(1.0 / 9) + Float(1.0 / 7)
    series = series * q + Float(1.0 / 5)
    series = series * q + Float(1.0 / 3)
    series = series * q + 1
    let logarithm = exponent + s * series * Float(2.885_390_081_777_927)  // 2 / ln 2
    // 2^(n + f): adding 1.5 · 2²³ rounds to the whole number n and leaves it in the low bits.
    let t = logarithm * gamma
    let magic: Float = 12_582_912
    let rounded = t + magic
    let f = (t - (rounded - magic)) * Float(0.693_147_180_559_945_3)
    var e = f * Float(1.0 / 720) + Float(1.0 / 120)
    e = e * f + Float(1.0 / 24)
    e = e * f + Float(1.0 / 6)
    e = e * f + Float(0.5)
    e = e * f + 1
    e = e * f + 1
    let whole = unsafeBitCast(rounded, to: SIMD8<UInt32>.self) &- UInt32(0x4b40_0000)
    let scale = unsafeBitCast((whole &+ 127) &<< 23, to: SIMD8<Float>.self)
    return (e * scale).replacing(with: 0, where: x .< smallest)
}
