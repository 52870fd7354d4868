internal import SpatialTransforms

extension AffineTransform {
    /// The map that does `self` first, then `next`.
    func followed(by next: AffineTransform) -> AffineTransform { next.after(self) }

    /// Nil where the map is singular.
    var inverse: AffineTransform? { try? inverted() }

    /// The same scale along every axis, then a shift.
    static func scaling(_ scale: Double, offset: SIMD3<Double>) -> AffineTransform {
        AffineTransform(x: [scale, 0, 0], y: [0, scale, 0], z: [0, 0, scale], translation: offset)
    }
}

extension SIMD3<Float> {
    /// The nearest whole numbers of a point, −4000 and 10⁶ at the outermost.
    ///
    /// A conversion that the compiler turns into one instruction a lane; rounding by rule calls a function.
    @inline(__always)
    var nearestIndex: SIMD3<Int32> {
        func shifted(_ value: Float) -> Int32 { Int32(Swift.min(Swift.max(value, -4000), 1e6) + 4096.5) - 4096 }
        return SIMD3<Int32>(shifted(x), shifted(y), shifted(z))
    }

    /// The whole numbers below a point that is not negative.
    @inline(__always)
    var lowerIndex: SIMD3<Int32> { SIMD3<Int32>(Int32(x), Int32(y), Int32(z)) }
}
