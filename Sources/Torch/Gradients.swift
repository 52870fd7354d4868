internal import CTorch

extension Tensor {
    /// This tensor, marked as one whose gradient is wanted: a parameter, or an input under test.
    @discardableResult
    public func requiringGradient(_ on: Bool = true) throws -> Tensor {
        try check(ct_set_requires_grad(handle, on ? 1 : 0), "requiringGradient(_:)")
        return self
    }

    /// Whether a gradient flows through this tensor.
    public var requiresGradient: Bool {
        var answer: Int32 = 0
        _ = ct_requires_grad(handle, &answer)
        return answer != 0
    }

    /// The same values, cut off from how they came about.
    public func detached() throws -> Tensor { try produce { ct_detach(handle, &$0) } }

    /// Adds the gradient of this one number to the `gradient` of every marked tensor that it depends on.
    public func backward() throws { try check(ct_backward(handle), "backward()") }

    /// What `backward` has added up here; nil before.
    public var gradient: Tensor? {
        var result: OpaquePointer?
        guard ct_grad(handle, &result) == 0, let result else { return nil }
        return Tensor(owning: result)
    }

    /// Forgets the gradient.
    public func clearGradient() throws { try check(ct_clear_grad(handle), "clearGradient()") }
}

/// Runs a body on this thread without keeping what gradients would need.
public func withoutGradients<Result>(_ body: () throws -> Result) throws -> Result {
    var before: Int32 = 0
    try check(ct_set_grad_mode(0, &before), "withoutGradients(_:)")
    defer { _ = ct_set_grad_mode(before, &before) }
    return try body()
}

/// Runs a body on this thread with matrix products and convolutions in bfloat16 (automatic mixed precision).
///
/// libtorch chooses the precision of each operation: products in bfloat16, sums that need it in float32. Parameters stay
/// float32. `backward` belongs outside of the body. Off (`on: false`) it runs the body as it is.
public func withMixedPrecision<Result>(
    _ on: Bool = true, on device: Device = .cpu, _ body: () throws -> Result
) throws -> Result {
    var onBefore: Int32 = 0
    var typeBefore: Int32 = 0
    let status = ct_set_autocast(device.kind, on ? 1 : 0, ElementType.bfloat16.rawValue, &onBefore, &typeBefore)
    try check(status, "withMixedPrecision(_:on:_:)")
    let restored = (on: onBefore, type: typeBefore)
    defer { _ = ct_set_autocast(device.kind, restored.on, restored.type, &onBefore, &typeBefore) }
    return try body()
}
