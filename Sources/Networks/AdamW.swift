internal import Foundation
internal import Torch

/// Adam with weight decay apart from the gradient.
///
/// w ← (1 − lr λ) w; m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²; w ← w − lr · m̂ / (√v̂ + ε) with m̂ = m/(1 − β₁ᵗ), v̂ = v/(1 − β₂ᵗ).
/// Biases, scales and shifts have no decay.
///
/// **Reference** Loshchilov, Hutter 2019, arXiv 1711.05101.
public final class AdamW: Optimizer {
    private let parameters: [NamedTensor]
    private let betas: (Double, Double)
    private let epsilon: Double
    private let weightDecay: Double
    private var means: StateTensors
    private var squares: StateTensors
    private var steps = 0

    /// - Parameters:
    ///   - parameters: the store whose trained tensors are moved.
    ///   - weightDecay: λ.
    public init(
        _ parameters: ParameterStore, betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8,
        weightDecay: Double = 0.01
    ) {
        self.parameters = parameters.trained
        self.betas = betas
        self.epsilon = epsilon
        self.weightDecay = weightDecay
        means = StateTensors("mean", count: self.parameters.count)
        squares = StateTensors("square", count: self.parameters.count)
    }

    public func step(learningRate: Double) throws {
        steps += 1
        let correction = (1 - pow(betas.0, Double(steps)), 1 - pow(betas.1, Double(steps)))
        try withoutGradients {
            for (index, parameter) in parameters.enumerated() {
                guard let gradient = parameter.tensor.gradient else { continue }
                let weight = parameter.tensor
                if parameter.role == .weight { try weight.scale(by: 1 - learningRate * weightDecay) }
                let mean = try means.tensor(index, like: weight)
                let square = try squares.tensor(index, like: weight)
                try mean.scale(by: betas.0)
                try mean.add(gradient, times: 1 - betas.0)
                try square.scale(by: betas.1)
                try square.add(productOf: gradient, gradient, times: 1 - betas.1)
                let spread = try square.squareRoot()
                try spread.scale(by: 1 / correction.1.squareRoot(), adding: epsilon)
                try weight.add(quotientOf: mean, spread, times: -learningRate / correction.0)
            }
        }
    }

    public var state: [NamedState] {
        get throws {
            steps == 0
                ? []
                : try means.named(parameters) + squares.named(parameters)
                    // A float holds every step below 2²⁴ exactly.
                    + [NamedState(name: "steps", values: [Float(steps)])]
        }
    }

    public func restore(_ state: [NamedState]) throws {
        guard !state.isEmpty else { return }
        let values = try byName(state)
        guard let count = values["steps"]?.first, count >= 1, let steps = Int(exactly: count) else {
            throw NetworkError(.mismatch, "The optimizer's state has no number of 'steps': it is not one of AdamW.")
        }
        let taken = try means.restore(values, parameters) + squares.restore(values, parameters) + 1
        guard taken == state.count else {
            throw NetworkError(
                .mismatch, "\(state.count - taken) tensors of the optimizer's state are not this network's.")
        }
        self.steps = steps
    }
}
