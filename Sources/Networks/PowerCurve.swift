/// gain · xᵞ + offset for values in 0 … 1 and γ up to 3, in place.
///
/// xᵞ = 2^(γ log₂ x), eight values at a time by polynomials: log₂ by the area hyperbolic tangent's series to s⁹ (error below
/// 10⁻⁸ on √½ … √2), 2ᶠ by its Taylor series to f⁶ on ±½ (error below 2·10⁻⁷). Many times the speed of `pow`, and the same bits
/// on every machine.
///
/// A value goes through some forty operations that wait for each other. Three passes over a short line, in the nearest cache, keep many
/// values on the way at once, where one pass would leave the processor waiting.
struct PowerCurve {
    private typealias Lanes = SIMD8<Float>
    /// Values that go through the three passes together.
    private static let line = 256
    /// Values below this count as this in the logarithm, and give 0 in the end.
    private static let smallest: Float = 0x1p-40

    private let gamma: Float
    private let gain: Float
    private let offset: Float
    /// s, then γ log₂ x; exponents; the last values of a line that are fewer than eight.
    private let scratch: UnsafeMutablePointer<Float>
    private let exponents: UnsafeMutablePointer<Float>
    private let rest: UnsafeMutablePointer<Float>

    /// Floats that a curve writes to while it works.
    static let scratchCount = 2 * line + 8

    /// - Parameter scratch: room for `scratchCount`, which outlives the curve.
    init(gamma: Float, gain: Float, offset: Float, scratch: UnsafeMutablePointer<Float>) {
        (self.gamma, self.gain, self.offset) = (gamma, gain, offset)
        self.scratch = scratch
        exponents = scratch + PowerCurve.line
        rest = exponents + PowerCurve.line
    }

    /// Replaces values by what they become.
    func apply(to values: UnsafeMutablePointer<Float>, count: Int) {
        let whole = count & ~7
        for start in stride(from: 0, to: whole, by: PowerCurve.line) {
            applyToEights(values + start, count: min(PowerCurve.line, whole - start))
        }
        guard whole < count else { return }
        rest.update(repeating: 1, count: 8)
        rest.update(from: values + whole, count: count - whole)
        applyToEights(rest, count: 8)
        (values + whole).update(from: rest, count: count - whole)
    }

    /// - Parameter count: a multiple of 8, at most `line`.
    private func applyToEights(_ values: UnsafeMutablePointer<Float>, count: Int) {
        split(values, count: count)
        raiseLogarithms(count: count)
        finish(values, count: count)
    }

    /// Values into the exponent and s = (m − 1) / (m + 1) of the mantissa m in √½ … √2.
    private func split(_ values: UnsafePointer<Float>, count: Int) {
        for index in stride(from: 0, to: count, by: 8) {
            let x = PowerCurve.load(values + index)
            let positive = x.replacing(with: PowerCurve.smallest, where: x .< PowerCurve.smallest)
            let bits = unsafeBitCast(positive, to: SIMD8<UInt32>.self)
            let half = UInt32(0x3f35_04f3)  // √½
            let exponentBits = (bits &- half) & SIMD8<UInt32>(repeating: 0xff80_0000)
            let mantissa = unsafeBitCast(bits &- exponentBits, to: Lanes.self)
            PowerCurve.store((mantissa - 1) / (mantissa + 1), at: scratch + index)
            // By halves, which the compiler takes in line.
            let whole = unsafeBitCast(exponentBits, to: SIMD8<Int32>.self) &>> 23
            let exponent = Lanes(lowHalf: SIMD4<Float>(whole.lowHalf), highHalf: SIMD4<Float>(whole.highHalf))
            PowerCurve.store(exponent, at: exponents + index)
        }
    }

    /// γ log₂ x from both.
    private func raiseLogarithms(count: Int) {
        for index in stride(from: 0, to: count, by: 8) {
            let s = PowerCurve.load(scratch + index)
            let q = s * s
            var series = q * Float(1.0 / 9) + Float(1.0 / 7)
            series = series * q + Float(1.0 / 5)
            series = series * q + Float(1.0 / 3)
            series = series * q + 1
            let logarithm = PowerCurve.load(exponents + index) + s * series * Float(2.885_390_081_777_927)  // 2 / ln 2
            PowerCurve.store(logarithm * gamma, at: scratch + index)
        }
    }

    /// gain · 2ᵗ + offset, 2^(n + f): adding 1.5 · 2²³ rounds to the whole number n and leaves it in the low bits.
    private func finish(_ values: UnsafeMutablePointer<Float>, count: Int) {
        let magic: Float = 12_582_912
        for index in stride(from: 0, to: count, by: 8) {
            let t = PowerCurve.load(scratch + index)
            let rounded = t + magic
            let f = (t - (rounded - magic)) * Float(0.693_147_180_559_945_3)
            var e = f * Float(1.0 / 720) + Float(1.0 / 120)
            e = e * f + Float(1.0 / 24)
            e = e * f + Float(1.0 / 6)
            e = e * f + Float(0.5)
            e = e * f + 1
            e = e * f + 1
            // n is added to the exponent; what is above the low bits of `rounded` leaves on the left.
            let power = unsafeBitCast(
                unsafeBitCast(e, to: SIMD8<UInt32>.self) &+ unsafeBitCast(rounded, to: SIMD8<UInt32>.self) &<< 23,
                to: Lanes.self)
            let x = PowerCurve.load(values + index)
            let y = power.replacing(with: 0, where: x .< PowerCurve.smallest) * gain + offset
            PowerCurve.store(y, at: values + index)
        }
    }

    @inline(__always) private static func load(_ place: UnsafePointer<Float>) -> Lanes {
        UnsafeRawPointer(place).loadUnaligned(as: Lanes.self)
    }

    @inline(__always) private static func store(_ lanes: Lanes, at place: UnsafeMutablePointer<Float>) {
        UnsafeMutableRawPointer(place).storeBytes(of: lanes, as: Lanes.self)
    }
}
