internal import CTorch

extension Tensor {
    /// The same elements under another shape; one size may be −1 and follows from the others.
    public func reshaped(_ shape: [Int]) throws -> Tensor {
        try produce { result in shape.withInt64 { ct_reshape(handle, $0, $1, &result) } }
    }

    /// The axes in another order: axis i of the result is axis `order[i]`.
    public func permuted(_ order: [Int]) throws -> Tensor {
        try produce { result in order.withInt64 { ct_permute(handle, $0, $1, &result) } }
    }

    /// A matrix with rows and columns exchanged; of a higher rank, the last two axes.
    public func transposed() throws -> Tensor {
        var order = Array(0..<rank)
        guard order.count >= 2 else {
            throw TorchError(.invalid, operation: "transposed()", message: "a tensor of rank \(rank) has no two axes")
        }
        order.swapAt(order.count - 1, order.count - 2)
        return try permuted(order)
    }

    /// Axes of size 1 repeated to the given shape, without a copy.
    public func expanded(_ shape: [Int]) throws -> Tensor {
        try produce { result in shape.withInt64 { ct_expand(handle, $0, $1, &result) } }
    }

    /// A range of one axis, without a copy.
    public func slice(_ range: Range<Int>, axis: Int) throws -> Tensor {
        try produce { ct_slice(handle, Int64(axis), Int64(range.lowerBound), Int64(range.upperBound), &$0) }
    }

    /// Tensors one after another along an axis.
    public static func concatenated(_ tensors: [Tensor], axis: Int) throws -> Tensor {
        let handles = tensors.map { Optional($0.handle) }
        let result = try produce { result in
            handles.withUnsafeBufferPointer { ct_concatenate($0.baseAddress, Int64($0.count), Int64(axis), &result) }
        }
        withExtendedLifetime(tensors) {}
        return result
    }

    /// The entries of an axis that int64 indices name, in their order.
    public func selecting(_ indices: Tensor, axis: Int) throws -> Tensor {
        try produce { ct_index_select(handle, Int64(axis), indices.handle, &$0) }
    }

    /// For each element of `indices` (int64, same rank) the element of this tensor with that index on the axis.
    public func gathering(_ indices: Tensor, axis: Int) throws -> Tensor {
        try produce { ct_gather(handle, Int64(axis), indices.handle, &$0) }
    }
}
