/// Minimises a smooth function by L-BFGS with a line search that meets the strong Wolfe conditions.
///
/// **Reference**: Nocedal and Wright, Numerical Optimization (2006), algorithms 7.4, 7.5, 3.5 and 3.6.
struct QuasiNewton {
    /// Pairs of steps and gradient changes that are remembered.
    var memory = 10
    var maximumIterations: Int
    /// Stops where no element of the gradient is larger.
    var gradientTolerance: Double
    /// Stops where the value falls by less than this part of itself, three times in a row.
    var valueTolerance: Double

    struct Result {
        var point: [Double]
        var value: Double
        var iterations: Int
        /// False where the iterations ran out first.
        var converged: Bool
    }

    private struct Probe {
        var step: Double
        var value: Double
        var slope: Double
        var gradient: [Double]
    }

    func minimum(from start: [Double], _ function: ([Double]) -> (value: Double, gradient: [Double])) -> Result {
        var point = start
        var (value, gradient) = function(point)
        var steps: [[Double]] = []
        var changes: [[Double]] = []
        var flat = 0
        for iteration in 0..<maximumIterations {
            if gradient.allSatisfy({ abs($0) <= gradientTolerance }) {
                return Result(point: point, value: value, iterations: iteration, converged: true)
            }
            var direction = self.direction(gradient, steps, changes)
            var slope = dot(direction, gradient)
            if !(slope < 0) {
                // Curvature lost to rounding: go down the gradient.
                steps = []
                changes = []
                direction = gradient.map { -$0 }
                slope = dot(direction, gradient)
            }
            let first = steps.isEmpty ? min(1, 1 / max(dot(gradient, gradient).squareRoot(), 1e-300)) : 1
            let here = Probe(step: 0, value: value, slope: slope, gradient: gradient)
            let probe = lineSearch(here, first: first) { step in
                let (value, gradient) = function(moved(point, direction, step))
                return Probe(step: step, value: value, slope: dot(direction, gradient), gradient: gradient)
            }
            guard let probe, probe.value <= value else {
                // No lower point along a falling direction: what is left is rounding.
                if steps.isEmpty { return Result(point: point, value: value, iterations: iteration, converged: true) }
                steps = []
                changes = []
                continue
            }
            let step = direction.map { $0 * probe.step }
            let change = zip(probe.gradient, gradient).map { $0 - $1 }
            point = moved(point, direction, probe.step)
            flat = value - probe.value <= valueTolerance * max(abs(value), abs(probe.value)) ? flat + 1 : 0
            value = probe.value
            gradient = probe.gradient
            if flat >= 3 { return Result(point: point, value: value, iterations: iteration + 1, converged: true) }
            if dot(step, change) > 1e-12 * dot(change, change) {
                steps.append(step)
                changes.append(change)
                if steps.count > memory {
                    steps.removeFirst()
                    changes.removeFirst()
                }
            }
        }
        return Result(point: point, value: value, iterations: maximumIterations, converged: false)
    }

    /// −H g by the two-loop recursion (algorithm 7.4).
    private func direction(_ gradient: [Double], _ steps: [[Double]], _ changes: [[Double]]) -> [Double] {
        var result = gradient.map { -$0 }
        var weights = [Double](repeating: 0, count: steps.count)
        for index in steps.indices.reversed() {
            weights[index] = dot(steps[index], result) / dot(steps[index], changes[index])
            result = moved(result, changes[index], -weights[index])
        }
        if let step = steps.last, let change = changes.last {
            let scale = dot(step, change) / dot(change, change)
            for index in result.indices { result[index] *= scale }
        }
        for index in steps.indices {
            let weight = dot(changes[index], result) / dot(steps[index], changes[index])
            result = moved(result, steps[index], weights[index] - weight)
        }
        return result
    }

    /// A step that meets the strong Wolfe conditions (c₁ = 10⁻⁴, c₂ = 0.9), or the lowest probe where rounding hides one.
    private func lineSearch(_ start: Probe, first: Double, _ probe: (Double) -> Probe) -> Probe? {
        var low = start
        var high: Probe?
        var step = first
        var best: Probe?
        for _ in 0..<30 {
            let next = probe(step)
            if next.value.isFinite, next.value <= (best?.value ?? start.value) { best = next }
            if !next.value.isFinite || next.value > start.value + 1e-4 * step * start.slope || next.value >= low.value {
                high = next
            } else {
                if abs(next.slope) <= -0.9 * start.slope { return next }
                if next.slope * ((high?.step ?? .infinity) - low.step) >= 0 { high = low }
                low = next
            }
            guard let high else {
                step = 2 * step
                continue
            }
            if abs(high.step - low.step) <= 1e-12 * abs(low.step) { break }
            step = interpolated(low, high)
        }
        return best
    }

    /// The minimum of the cubic through two probes, kept off the ends of the interval; its middle where the cubic has none.
    private func interpolated(_ low: Probe, _ high: Probe) -> Double {
        let width = high.step - low.step
        let middle = low.step + width / 2
        guard high.value.isFinite, high.slope.isFinite else { return middle }
        let first = low.slope + high.slope - 3 * (low.value - high.value) / (low.step - high.step)
        let radicand = first * first - low.slope * high.slope
        guard radicand >= 0 else { return middle }
        let second = radicand.squareRoot() * (width > 0 ? 1 : -1)
        let step = high.step - width * (high.slope + second - first) / (high.slope - low.slope + 2 * second)
        let fraction = (step - low.step) / width
        return fraction.isFinite && fraction > 0.1 && fraction < 0.9 ? step : middle
    }

    private func dot(_ left: [Double], _ right: [Double]) -> Double {
        var sum = SIMD8<Double>()
        var rest = 0.0
        left.withUnsafeBufferPointer { left in
            right.withUnsafeBufferPointer { right in
                let whole = left.count / 8 * 8
                for start in stride(from: 0, to: whole, by: 8) {
                    for lane in 0..<8 { sum[lane] += left[start + lane] * right[start + lane] }
                }
                for index in whole..<left.count { rest += left[index] * right[index] }
            }
        }
        return sum.sum() + rest
    }

    private func moved(_ point: [Double], _ direction: [Double], _ step: Double) -> [Double] {
        var result = point
        for index in result.indices { result[index] += step * direction[index] }
        return result
    }
}
