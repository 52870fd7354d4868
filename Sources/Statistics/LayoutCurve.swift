internal import NDArray

/// 1 / (1 + a d^2b): how surely two points of an embedding at distance d belong together.
///
/// a and b are fitted by least squares to a curve that is 1 up to the minimum distance and then falls off exponentially.
///
/// **Reference**: McInnes et al. 2018, section 4.2; umap-learn 0.5, `find_ab_params`.
public struct LayoutCurve: Sendable, Equatable {
    public let a: Double
    public let b: Double

    /// Fits by Levenberg and Marquardt's method from a = b = 1, over 300 distances in [0, 3 · spread].
    public init(minimumDistance: Double, spread: Double) {
        let distances = (0..<300).map { 3 * spread * Double($0) / 299 }
        let wanted = distances.map { $0 < minimumDistance ? 1 : Math.exp(-($0 - minimumDistance) / spread) }
        func errors(_ a: Double, _ b: Double) -> Double {
            zip(distances, wanted).reduce(0) { sum, pair in
                let error = 1 / (1 + a * Math.pow(pair.0, 2 * b)) - pair.1
                return sum + error * error
            }
        }
        var a = 1.0
        var b = 1.0
        var damping = 1e-3
        var error = errors(a, b)
        for _ in 0..<200 {
            var aa = 0.0
            var ab = 0.0
            var bb = 0.0
            var ga = 0.0
            var gb = 0.0
            for (distance, goal) in zip(distances, wanted) where distance > 0 {
                let power = Math.pow(distance, 2 * b)
                let value = 1 / (1 + a * power)
                let byA = -value * value * power
                let byB = -value * value * a * power * 2 * Math.log(distance)
                aa += byA * byA
                ab += byA * byB
                bb += byB * byB
                ga += byA * (value - goal)
                gb += byB * (value - goal)
            }
            let first = aa * (1 + damping)
            let second = bb * (1 + damping)
            let determinant = first * second - ab * ab
            guard determinant > 0 else { break }
            let stepA = -(second * ga - ab * gb) / determinant
            let stepB = -(first * gb - ab * ga) / determinant
            let next = errors(a + stepA, b + stepB)
            if next.isFinite, next <= error, a + stepA > 0, b + stepB > 0 {
                a += stepA
                b += stepB
                damping /= 10
                if error - next <= 1e-15 * error { break }
                error = next
            } else {
                damping *= 10
                if damping > 1e12 { break }
            }
        }
        self.a = a
        self.b = b
    }
}
