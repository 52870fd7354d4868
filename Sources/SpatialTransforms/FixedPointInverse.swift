/// The point y with y + u(y) = target, by fixed-point iteration y ← target − u(y).
///
/// Converges where u is a contraction (its derivatives below 1), which holds for smooth fields without folds; where an iteration
/// would make the remaining error grow, its step is halved.
///
/// **Reference.** Chen, Lu, Chen, Ruan, Med. Phys. 35(1), 2008, DOI 10.1118/1.2816107.
///
/// - Parameters:
///   - displacement: u, defined everywhere.
///   - toleranceMm: largest |y + u(y) − target|.
/// - Returns: nil where the tolerance is not reached in `iterations` (the field folds there).
func fixedPointInverse(
    of target: SIMD3<Double>, toleranceMm: Double = 1e-6, iterations: Int = 200,
    displacement: (SIMD3<Double>) -> SIMD3<Double>
) -> SIMD3<Double>? {
    var point = target - displacement(target)
    var error = target - point - displacement(point)
    var length = (error * error).sum()
    var step = 1.0
    for _ in 0..<iterations {
        guard length > toleranceMm * toleranceMm else { return point }
        let next = point + error * step
        let nextError = target - next - displacement(next)
        let nextLength = (nextError * nextError).sum()
        if nextLength < length {
            (point, error, length) = (next, nextError, nextLength)
            step = min(1, step * 2)
        } else {
            step /= 2
            if step < 1e-6 || !nextLength.isFinite { return nil }
        }
    }
    return length <= toleranceMm * toleranceMm ? point : nil
}
