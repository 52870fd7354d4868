/// What is not cortex in MNI space, by simple shapes: good to about a centimetre, enough to keep it out of a midsurface.
enum MniParts {
    /// - Parameter point: RAS mm.
    static func part(_ point: SIMD3<Float>) -> BrainPart {
        let (x, y, z) = (point.x, point.y, point.z)
        // Basal ganglia, thalamus, ventricles: inside of the insula, below the callosum.
        let deep = square(x / 30.5) + square((y + 6) / 35) + square((z - 5) / 20)
        // Striatum, up to a few millimetres from the insula.
        let side = square((abs(x) - 19) / 12.5) + square((y - 8) / 20) + square((z - 3) / 14)
        if deep < 1 || side < 1 { return .subcortex }
        // A rod from the midbrain down and back.
        if z < -5 {
            let radius: Float = z > -22 ? 13 : 17
            let along = y + 20 - 0.35 * (z + 10)
            if square(x) + square(along) < square(radius) { return .brainstem }
        }
        // Below the tentorium, which is highest in the middle and falls to the sides and behind.
        let behind = max(-(y + 62), 0)
        let ahead = max(y + 48, 0)
        let tent = -9 - 0.0085 * square(x) - 0.016 * square(behind) - 0.03 * square(ahead)
        if y < -28, y > -105, z < tent { return .cerebellum }
        return .cerebrum
    }

    private static func square(_ value: Float) -> Float { value * value }
}
