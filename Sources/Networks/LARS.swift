internal import Torch

/// Stochastic gradient descent with Nesterov momentum and a rate for each tensor by the ratio of its length to its
/// gradient's (LARS).
///
/// g ← trust · ‖w‖ / (‖g‖ + λ‖w‖) · (g + λw); v ← m v + g; w ← w − lr (g + m v). Biases, scales and shifts have neither
/// the ratio nor the decay: g is their gradient.
///
/// **Reference** You, Gitman, Ginsburg 2017, arXiv 1708.03888; Methods 3.4. **Differs** the learning rate multiplies after the
/// momentum and not within it, as PyTorch's SGD does: the same while the rate is constant.
public final class LARS: Optimizer {
    private let parameters: [NamedTensor]
    private let trust: Double
    private let momentum: Double
    private let weightDecay: Double
    private var velocities: StateTensors
    /// 1, where the weights lie: copied there once and not at every step.
    private var one: Tensor?

    /// - Parameters:
    ///   - parameters: the store whose trained tensors are moved.
    ///   - trust: the paper's is 0.02.
    ///   - momentum: the paper's is 0.9; 0 for none.
    ///   - weightDecay: λ; the paper's is 0.0001.
    public init(_ parameters: ParameterStore, trust: Double = 0.02, momentum: Double = 0.9, weightDecay: Double = 1e-4)
    {
        self.parameters = parameters.trained
        self.trust = trust
        self.momentum = momentum
        self.weightDecay = weightDecay
        velocities = StateTensors("momentum", count: self.parameters.count)
    }

    public func step(learningRate: Double) throws {
        try withoutGradients {
            let one = try unit()
            for (index, parameter) in parameters.enumerated() {
                guard let gradient = parameter.tensor.gradient else { continue }
                let weight = parameter.tensor
                var direction = gradient
                if parameter.role == .weight {
                    direction = try gradient + weight * weightDecay
                    let length = try weight.norm()
                    let steepness = try gradient.norm()
                    // A tensor or a gradient of zeros has no ratio: 1, as without LARS.
                    let usable = try (length * steepness).isGreater(than: 0)
                    let ratio = try length * trust / (steepness + length * weightDecay + 1e-8)
                    try direction.scale(by: ratio.chosen(where: usable, else: one))
                }
                let velocity = try velocities.tensor(index, like: weight)
                try velocity.scale(by: momentum)
                try velocity.add(direction)
                try weight.add(direction, times: -learningRate)
                try weight.add(velocity, times: -learningRate * momentum)
            }
        }
    }

    private func unit() throws -> Tensor {
        if let one { return one }
        let type = try parameters.first?.tensor.type ?? .float32
        let made = try Tensor.full(1, shape: [], type: type).moved(to: parameters.first?.tensor.device ?? .cpu)
        one = made
        return made
    }

    public var state: [NamedState] {
        get throws { try velocities.named(parameters) }
    }

    public func restore(_ state: [NamedState]) throws {
        let taken = try velocities.restore(byName(state), parameters)
        guard taken == state.count else {
            throw NetworkError(
                .mismatch, "\(state.count - taken) tensors of the optimizer's state are not this network's.")
        }
    }
}
