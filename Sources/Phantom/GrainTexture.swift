internal import NDArray

/// Correlated noise on a torus, mean 0 and standard deviation 1: read with two different periods it never seems to repeat.
struct GrainTexture: Sendable {
    let side: Int
    let values: [Float]

    /// White noise smoothed by three box filters along both axes.
    ///
    /// - Parameter sizePx: standard deviation of the smoothing in pixels; 0 leaves the noise white.
    init(side: Int, sizePx: Double, generator: inout SeededGenerator) {
        precondition(side > 0, "A texture needs a side.")
        self.side = side
        var field = (0..<side * side).map { _ in
            // Sum of four uniforms: near enough to normal, and without transcendental functions.
            Float(generator.uniform() + generator.uniform() + generator.uniform() + generator.uniform() - 2)
        }
        // Three boxes of width w have the variance (w² − 1) / 4.
        let width = Int((4 * sizePx * sizePx + 1).squareRoot().rounded())
        for _ in 0..<3 where width > 1 {
            field = boxed(field, side: side, width: width, stride: 1, line: side)
            field = boxed(field, side: side, width: width, stride: side, line: 1)
        }
        let mean = field.reduce(0, +) / Float(field.count)
        let square = field.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(field.count)
        let scale = square > 0 ? 1 / square.squareRoot() : 0
        values = field.map { ($0 - mean) * scale }
    }
}

/// Running mean of `width` along one axis of a torus.
private func boxed(_ field: [Float], side: Int, width: Int, stride: Int, line: Int) -> [Float] {
    var result = field
    for start in 0..<side {
        for place in 0..<side {
            var sum: Float = 0
            for offset in 0..<width {
                sum += field[start * line + (place + offset - width / 2 + side) % side * stride]
            }
            result[start * line + place * stride] = sum / Float(width)
        }
    }
    return result
}
