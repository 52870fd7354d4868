internal import CTorch

/// The operations of a network's layers, by libtorch's own kernels.
extension Tensor {
    /// The matrix product over the last two axes; the axes before are a batch.
    public func matmul(_ other: Tensor) throws -> Tensor { try produce { ct_matmul(handle, other.handle, &$0) } }

    /// x Wᵀ + b over the last axis.
    ///
    /// - Parameters:
    ///   - weight: (outputs, inputs).
    ///   - bias: (outputs).
    public func linear(weight: Tensor, bias: Tensor?) throws -> Tensor {
        try produce { ct_linear(handle, weight.handle, bias?.handle, &$0) }
    }

    /// Cross-correlation of (sample, channel, row, column) with (output, channel, row, column), zeros around.
    public func convolved(with weight: Tensor, stride: Int, padding: Int) throws -> Tensor {
        try produce { ct_conv2d(handle, weight.handle, nil, Int64(stride), Int64(padding), &$0) }
    }

    /// The greatest element of each window.
    public func maxPooled(window: Int, stride: Int) throws -> Tensor {
        try produce { ct_max_pool2d(handle, Int64(window), Int64(stride), &$0) }
    }

    /// Batch normalisation over all axes but the second.
    ///
    /// - Parameters:
    ///   - runningMean: updated in place while training, unless both running tensors are nil; used otherwise.
    ///   - runningVariance: likewise, with the unbiased variance.
    ///   - momentum: the share of the new statistics in the running ones.
    public func batchNormalised(
        weight: Tensor, bias: Tensor, runningMean: Tensor?, runningVariance: Tensor?, training: Bool,
        momentum: Double = 0.1, epsilon: Double = 1e-5
    ) throws -> Tensor {
        try produce {
            ct_batch_norm(
                handle, weight.handle, bias.handle, runningMean?.handle, runningVariance?.handle, training ? 1 : 0,
                momentum, epsilon, &$0)
        }
    }

    /// Layer normalisation over the last axes, as many as the weight has.
    public func layerNormalised(weight: Tensor, bias: Tensor, epsilon: Double) throws -> Tensor {
        try produce { ct_layer_norm(handle, weight.handle, bias.handle, epsilon, &$0) }
    }

    /// softmax(q kᵀ / √d) v, this tensor being q; all (sample, head, token, d). Fused where libtorch can.
    public func attending(to key: Tensor, values: Tensor) throws -> Tensor {
        try produce { ct_attention(handle, key.handle, values.handle, &$0) }
    }
}
