internal import Torch

/// Stochastic gradient descent with Nesterov momentum.
///
/// g ← g + λw; v ← m v + g; w ← w − lr (g + m v). Biases, scales and shifts have no decay.
///
/// **Reference** Sutskever et al. 2013 (ICML, PMLR 28:1139), as PyTorch's `SGD(nesterov=True)` has it; Methods 3.5.
public final class NesterovSGD: Optimizer {
    private let parameters: [NamedTensor]
    private let momentum: Double
    private let weightDecay: Double
    private var velocities: StateTensors

    /// - Parameters:
    ///   - parameters: the store whose trained tensors are moved.
    ///   - momentum: the paper's is 0.9; 0 for none.
    ///   - weightDecay: λ; the paper's is 0.0001.
    public init(_ parameters: ParameterStore, momentum: Double = 0.9, weightDecay: Double = 1e-4) {
        self.parameters = parameters.trained
        self.momentum = momentum
        self.weightDecay = weightDecay
        velocities = StateTensors("momentum", count: self.parameters.count)
    }

    public func step(learningRate: Double) throws {
        try withoutGradients {
            for (index, parameter) in parameters.enumerated() {
                guard let gradient = parameter.tensor.gradient else { continue }
                let weight = parameter.tensor
                let direction = parameter.role == .weight ? try gradient + weight * weightDecay : gradient
                let velocity = try velocities.tensor(index, like: weight)
                try velocity.scale(by: momentum)
                try velocity.add(direction)
                try weight.add(direction, times: -learningRate)
                try weight.add(velocity, times: -learningRate * momentum)
            }
        }
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
