internal import CTorch

/// Changes in place, which no gradient sees: what optimizers do. Whoever holds the tensor sees them.
extension Tensor {
    /// Takes the values of a tensor of the same shape.
    public func copy(_ source: Tensor) throws { try check(ct_copy_into(handle, source.handle), "copy(_:)") }

    /// Adds a multiple of a tensor.
    public func add(_ other: Tensor, times factor: Double = 1) throws {
        try check(ct_add_into(handle, other.handle, factor), "add(_:times:)")
    }

    /// Becomes factor · x + offset.
    public func scale(by factor: Double, adding offset: Double = 0) throws {
        try check(ct_affine_into(handle, factor, offset), "scale(by:adding:)")
    }

    /// Becomes x times the one number that a tensor holds, which stays on its device.
    public func scale(by factor: Tensor) throws { try check(ct_scale_into(handle, factor.handle), "scale(by:)") }

    /// Adds factor · a · b, element by element.
    public func add(productOf a: Tensor, _ b: Tensor, times factor: Double) throws {
        try check(ct_addcmul_into(handle, a.handle, b.handle, factor), "add(productOf:_:times:)")
    }

    /// Adds factor · a / b, element by element.
    public func add(quotientOf a: Tensor, _ b: Tensor, times factor: Double) throws {
        try check(ct_addcdiv_into(handle, a.handle, b.handle, factor), "add(quotientOf:_:times:)")
    }
}
