internal import Torch

/// A convolution without bias, as batch normalisation follows.
struct Convolution {
    let weight: Tensor
    let stride: Int
    let padding: Int

    init(_ scope: ParameterStore.Scope, inputs: Int, outputs: Int, kernel: Int, stride: Int = 1) throws {
        weight = try scope.add(
            "weight", [outputs, inputs, kernel, kernel], .weight, .he(outputs: outputs, kernel: kernel))
        self.stride = stride
        padding = kernel / 2
    }

    func callAsFunction(_ x: Tensor) throws -> Tensor {
        try x.convolved(with: weight, stride: stride, padding: padding)
    }
}

/// Batch normalisation with running statistics (Ioffe, Szegedy 2015, arXiv 1502.03167), over all axes but the second.
struct BatchNormalisation {
    let weight: Tensor
    let bias: Tensor
    let runningMean: Tensor
    let runningVariance: Tensor

    init(_ scope: ParameterStore.Scope, channels: Int) throws {
        weight = try scope.add("weight", [channels], .bias, .constant(1))
        bias = try scope.add("bias", [channels], .bias, .constant(0))
        runningMean = try scope.add("running_mean", [channels], .statistic, .constant(0))
        runningVariance = try scope.add("running_var", [channels], .statistic, .constant(1))
    }

    func callAsFunction(_ x: Tensor, _ pass: ForwardPass) throws -> Tensor {
        let keeps = pass.updatesStatistics || !pass.usesBatchStatistics
        if let group = pass.group, pass.usesBatchStatistics {
            return try x.batchNormalised(
                over: group, weight: weight, bias: bias, runningMean: keeps ? runningMean : nil,
                runningVariance: keeps ? runningVariance : nil)
        }
        return try x.batchNormalised(
            weight: weight, bias: bias, runningMean: keeps ? runningMean : nil,
            runningVariance: keeps ? runningVariance : nil, training: pass.usesBatchStatistics)
    }
}

/// x Wᵀ + b over the last axis.
struct Linear {
    let weight: Tensor
    let bias: Tensor

    /// First values uniform in ± 1/√inputs as in PyTorch, or normal with a given standard deviation and zero bias.
    init(_ scope: ParameterStore.Scope, inputs: Int, outputs: Int, sd: Double? = nil) throws {
        let bound = 1 / Double(inputs).squareRoot()
        let first: FirstValues = sd.map { .normal(sd: $0, truncated: true) } ?? .uniform(bound: bound)
        weight = try scope.add("weight", [outputs, inputs], .weight, first)
        bias = try scope.add("bias", [outputs], .bias, sd == nil ? .uniform(bound: bound) : .constant(0))
    }

    func callAsFunction(_ x: Tensor) throws -> Tensor { try x.linear(weight: weight, bias: bias) }
}

/// Layer normalisation over the last axis (Ba et al. 2016, arXiv 1607.06450).
struct LayerNormalisation {
    let weight: Tensor
    let bias: Tensor

    init(_ scope: ParameterStore.Scope, width: Int) throws {
        weight = try scope.add("weight", [width], .bias, .constant(1))
        bias = try scope.add("bias", [width], .bias, .constant(0))
    }

    func callAsFunction(_ x: Tensor) throws -> Tensor {
        try x.layerNormalised(weight: weight, bias: bias, epsilon: 1e-6)
    }
}
