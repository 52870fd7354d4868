internal import LinearAlgebra
internal import NDArray

/// The objective of logistic regression and its gradient, over parameters scaled for quick descent.
///
/// Parameters are laid out output after output: `features` scaled coefficients, then the intercept where there is one. An output is
/// a class, or with two classes the second alone. Features are centred where there is an intercept to take up the shift. A scaled
/// coefficient is v = w · s with s² the curvature expected along the feature: a quarter of its variance, and the penalty.
struct LogisticLoss {
    private let centred: CentredPoints
    private let outputs: Int
    private let features: Int
    private let intercept: Bool
    private let means: [Double]
    private let scales: [Double]
    /// Each point's class as a column, and its weight over the sum of all weights.
    private let columns: [Int32]
    private let weights: [Float]
    /// 1 / (C · Σ weights).
    private let penalty: Double

    init(
        points: Matrix, labels: [Int], classes: [Int], inversePenalty: Double, intercept: Bool,
        classWeights: LogisticRegression.ClassWeights, pointWeights: [Double]?, threads: Int
    ) throws(StatisticsError) {
        let column = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, Int32($0)) })
        columns = labels.map { column[$0] ?? 0 }
        var counts = [Int](repeating: 0, count: classes.count)
        for column in columns { counts[Int(column)] += 1 }
        let byClass = classes.indices.map { index -> Double in
            switch classWeights {
            case .equal: return 1
            case .balanced: return Double(labels.count) / Double(classes.count * counts[index])
            case .listed(let weights): return weights[classes[index]] ?? 1
            }
        }
        guard byClass.allSatisfy({ $0 >= 0 && $0.isFinite }) else {
            throw StatisticsError(.badSetting, "Class weights are finite and not negative.")
        }
        precondition(pointWeights?.count ?? labels.count == labels.count, "Each point has one weight.")
        guard pointWeights?.allSatisfy({ $0 >= 0 && $0.isFinite }) ?? true else {
            throw StatisticsError(.badSetting, "Point weights are finite and not negative.")
        }
        let each = zip(columns, pointWeights ?? [Double](repeating: 1, count: labels.count)).map { column, weight in
            byClass[Int(column)] * weight
        }
        let total = each.reduce(0, +)
        guard total > 0 else { throw StatisticsError(.badSetting, "The weights of all classes are 0.") }
        weights = each.map { Float($0 / total) }
        penalty = 1 / (inversePenalty * total)
        self.intercept = intercept
        features = points.columns
        outputs = classes.count == 2 ? 1 : classes.count
        means = intercept ? columnMeans(points, threads: threads) : [Double](repeating: 0, count: points.columns)
        centred = CentredPoints(points: points, means: means.map { Float($0) }, threads: threads)
        let features = points.columns
        let squares = centred.summed(size: features) { block, rows, room in
            room.update(repeating: 0)
            for row in 0..<rows.count {
                for column in 0..<features {
                    let value = block[row * features + column]
                    room[column] += value * value
                }
            }
        }
        let penalty = penalty
        scales = squares.map { (0.25 * $0 / Double(points.rows) + penalty).squareRoot() }
    }

    var parameterCount: Int { outputs * width }
    private var width: Int { features + (intercept ? 1 : 0) }

    /// Coefficients (`outputs × features`) and intercepts of centred features.
    private func split(_ parameters: [Double]) -> (coefficients: [Double], intercepts: [Double]) {
        var coefficients: [Double] = []
        coefficients.reserveCapacity(outputs * features)
        var intercepts = [Double](repeating: 0, count: outputs)
        for output in 0..<outputs {
            for feature in 0..<features { coefficients.append(parameters[output * width + feature] / scales[feature]) }
            if intercept { intercepts[output] = parameters[output * width + features] }
        }
        return (coefficients, intercepts)
    }

    /// The coefficients and intercepts of the features as they are, one row for each class.
    func model(of parameters: [Double]) -> (coefficients: [Double], intercepts: [Double]) {
        var (coefficients, intercepts) = split(parameters)
        for output in 0..<outputs {
            for feature in 0..<features {
                intercepts[output] -= coefficients[output * features + feature] * means[feature]
            }
        }
        if outputs == 1 {
            coefficients = [Double](repeating: 0, count: features) + coefficients
            intercepts = [0] + intercepts
        }
        return (coefficients, intercepts)
    }

    /// The weighted mean of −log p plus the penalty, and its gradient.
    func value(at parameters: [Double]) -> (value: Double, gradient: [Double]) {
        let (coefficients, intercepts) = split(parameters)
        let single = coefficients.map { Float($0) }
        let outputs = outputs
        let features = features
        let columns = columns
        let weights = weights
        // Of each block: the gradient of the coefficients, of the intercepts, and the loss in two parts, large and small.
        let size = outputs * features + outputs + 2
        let sums = single.withUnsafeBufferPointer { single in
            // Read only.
            nonisolated(unsafe) let single = single
            return centred.summed(size: size) { block, rows, room in
                withUnsafeTemporaryAllocation(of: Float.self, capacity: rows.count * outputs) { scores in
                    productWithTranspose(
                        block, rows: rows.count, single, rows: outputs, inner: features, into: scores)
                    var loss = 0.0
                    var shifts = [Double](repeating: 0, count: outputs)
                    for (place, row) in rows.enumerated() {
                        let score = UnsafeMutableBufferPointer(
                            rebasing: scores[place * outputs..<(place + 1) * outputs])
                        let weight = Double(weights[row])
                        loss += weight * residuals(score, intercepts, truth: Int(columns[row]), weight: weight)
                        for output in 0..<outputs { shifts[output] += Double(score[output]) }
                    }
                    productOfTranspose(
                        UnsafeBufferPointer(scores), block, rows: outputs, columns: features, inner: rows.count,
                        into: room)
                    for output in 0..<outputs { room[outputs * features + output] = Float(shifts[output]) }
                    room[size - 2] = Float(loss)
                    room[size - 1] = Float(loss - Double(Float(loss)))
                }
            }
        }
        var gradient = [Double](repeating: 0, count: parameters.count)
        var squares = 0.0
        for output in 0..<outputs {
            for feature in 0..<features {
                let coefficient = coefficients[output * features + feature]
                squares += coefficient * coefficient
                gradient[output * width + feature] =
                    (sums[output * features + feature] + penalty * coefficient) / scales[feature]
            }
            if intercept { gradient[output * width + features] = sums[outputs * features + output] }
        }
        return (sums[size - 2] + sums[size - 1] + 0.5 * penalty * squares, gradient)
    }
}

/// −log p of the true class; on return `scores` holds weight · (p − [true]) of each output.
@inline(__always) private func residuals(
    _ scores: UnsafeMutableBufferPointer<Float>, _ intercepts: [Double], truth: Int, weight: Double
) -> Double {
    if scores.count == 1 {
        let score = Double(scores[0]) + intercepts[0]
        let signed = truth == 1 ? -score : score
        // log(1 + eˢ) without overflow.
        let loss = max(signed, 0) + Math.log(1 + Math.exp(-abs(signed)))
        let probability = score >= 0 ? 1 / (1 + Math.exp(-score)) : 1 - 1 / (1 + Math.exp(score))
        scores[0] = Float(weight * (probability - (truth == 1 ? 1 : 0)))
        return loss
    }
    var highest = -Float.infinity
    for output in 0..<scores.count {
        scores[output] += Float(intercepts[output])
        highest = max(highest, scores[output])
    }
    let own = scores[truth]
    var sum: Float = 0
    for output in 0..<scores.count {
        scores[output] = Math.expf(scores[output] - highest)
        sum += scores[output]
    }
    let factor = Float(weight) / sum
    for output in 0..<scores.count { scores[output] *= factor }
    scores[truth] -= Float(weight)
    return Math.log(Double(sum)) + Double(highest - own)
}
