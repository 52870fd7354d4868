internal import NDArray

/// Correlated noise on a torus, mean 0 and standard deviation 1: two of different periods together never seem to repeat.
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
            // Sum of four 16-bit uniforms: near enough to normal, and without transcendental functions.
            let bits = generator.next()
            return Float((bits & 0xffff) + (bits >> 16 & 0xffff) + (bits >> 32 & 0xffff) + (bits >> 48)) / 65535 - 2
        }
        // Three boxes of width w have the variance (w² − 1) / 4.
        let width = min(Int((4 * sizePx * sizePx + 1).squareRoot().rounded()), side)
        for _ in 0..<3 where width > 1 {
            // Turned about, then along the columns, twice: both axes, and the way it was.
            for _ in 0..<2 {
                field = GrainTexture.boxed(GrainTexture.transposed(field, side: side), side: side, width: width)
            }
        }
        let mean = field.reduce(0, +) / Float(field.count)
        let square = field.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(field.count)
        let scale = square > 0 ? 1 / square.squareRoot() : 0
        values = field.map { ($0 - mean) * scale }
    }

    private static func transposed(_ field: [Float], side: Int) -> [Float] {
        [Float](unsafeUninitializedCapacity: side * side) { result, count in
            field.withUnsafeBufferPointer { field in
                for row in 0..<side {
                    for column in 0..<side { result[row &* side &+ column] = field[column &* side &+ row] }
                }
            }
            count = side * side
        }
    }

    /// Running sum of `width` along the columns of a torus, for all columns at once.
    private static func boxed(_ field: [Float], side: Int, width: Int) -> [Float] {
        var sums = [Float](repeating: 0, count: side)
        return [Float](unsafeUninitializedCapacity: side * side) { result, count in
            field.withUnsafeBufferPointer { field in
                sums.withUnsafeMutableBufferPointer { sums in
                    guard let field = field.baseAddress, let result = result.baseAddress else { return }
                    for row in 0..<width {
                        let line = field + row * side
                        for column in 0..<side { sums[column] += line[column] }
                    }
                    for row in 0..<side {
                        let (line, target) = (field + row * side, result + row * side)
                        let ahead = field + (row + width) % side * side
                        for column in 0..<side {
                            target[column] = sums[column]
                            sums[column] += ahead[column] - line[column]
                        }
                    }
                }
            }
            count = side * side
        }
    }
}
