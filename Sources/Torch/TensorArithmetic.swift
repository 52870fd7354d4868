internal import CTorch

/// Arithmetic, element by element; axes of size 1 are repeated to fit (broadcasting).
extension Tensor {
    public static func + (a: Tensor, b: Tensor) throws -> Tensor { try produce { ct_add(a.handle, b.handle, 1, &$0) } }
    public static func - (a: Tensor, b: Tensor) throws -> Tensor { try produce { ct_add(a.handle, b.handle, -1, &$0) } }
    public static func * (a: Tensor, b: Tensor) throws -> Tensor {
        try produce { ct_multiply(a.handle, b.handle, &$0) }
    }
    public static func / (a: Tensor, b: Tensor) throws -> Tensor { try produce { ct_divide(a.handle, b.handle, &$0) } }
    public static func + (a: Tensor, b: Double) throws -> Tensor { try produce { ct_affine(a.handle, 1, b, &$0) } }
    public static func - (a: Tensor, b: Double) throws -> Tensor { try produce { ct_affine(a.handle, 1, -b, &$0) } }
    public static func * (a: Tensor, b: Double) throws -> Tensor { try produce { ct_affine(a.handle, b, 0, &$0) } }
    public static func / (a: Tensor, b: Double) throws -> Tensor { try produce { ct_affine(a.handle, 1 / b, 0, &$0) } }
    public static prefix func - (a: Tensor) throws -> Tensor { try produce { ct_affine(a.handle, -1, 0, &$0) } }

    /// True (as `.bool`) where two tensors are equal.
    public func isEqual(to other: Tensor) throws -> Tensor { try produce { ct_equal(handle, other.handle, &$0) } }
    /// True (as `.bool`) where the element is greater than a number.
    public func isGreater(than number: Double) throws -> Tensor { try produce { ct_greater(handle, number, &$0) } }
    /// This tensor's element where the condition (`.bool`) holds, and the other's elsewhere.
    public func chosen(where condition: Tensor, else other: Tensor) throws -> Tensor {
        try produce { ct_where(condition.handle, handle, other.handle, &$0) }
    }
    /// A number where the mask (`.bool`) holds.
    public func filled(with value: Double, where mask: Tensor) throws -> Tensor {
        try produce { ct_masked_fill(handle, mask.handle, value, &$0) }
    }

    public func power(_ exponent: Double) throws -> Tensor { try produce { ct_power(handle, exponent, &$0) } }
    public func exponential() throws -> Tensor { try produce { ct_exp(handle, &$0) } }
    public func logarithm() throws -> Tensor { try produce { ct_log(handle, &$0) } }
    public func squareRoot() throws -> Tensor { try produce { ct_sqrt(handle, &$0) } }
    public func magnitude() throws -> Tensor { try produce { ct_absolute(handle, &$0) } }
    /// max(x, 0).
    public func relu() throws -> Tensor { try produce { ct_relu(handle, &$0) } }
    /// x Φ(x), with the exact normal distribution function Φ (Hendrycks, Gimpel 2016, arXiv 1606.08415).
    public func gelu() throws -> Tensor { try produce { ct_gelu(handle, &$0) } }
}

/// Reductions. No axes means all of them; axes that are kept have size 1.
extension Tensor {
    public func sum(_ axes: [Int] = [], keepingAxes: Bool = false) throws -> Tensor {
        try produce { result in axes.withInt64 { ct_sum(handle, $0, $1, keepingAxes ? 1 : 0, &result) } }
    }
    public func mean(_ axes: [Int] = [], keepingAxes: Bool = false) throws -> Tensor {
        try produce { result in axes.withInt64 { ct_mean(handle, $0, $1, keepingAxes ? 1 : 0, &result) } }
    }
    /// The greatest element along an axis.
    public func maximum(axis: Int, keepingAxes: Bool = false) throws -> Tensor {
        try produce { ct_maximum(handle, Int64(axis), keepingAxes ? 1 : 0, &$0) }
    }
    /// The index (int64) of the greatest element along an axis.
    public func indexOfMaximum(axis: Int) throws -> Tensor { try produce { ct_argmax(handle, Int64(axis), &$0) } }
    /// exp(x) / Σ exp(x) along an axis, without overflow.
    public func softmax(axis: Int) throws -> Tensor { try produce { ct_softmax(handle, Int64(axis), &$0) } }
    /// x − log Σ exp(x) along an axis, without overflow.
    public func logSoftmax(axis: Int) throws -> Tensor { try produce { ct_log_softmax(handle, Int64(axis), &$0) } }
    /// The Euclidean norm of all elements, as a tensor of rank 0.
    public func norm() throws -> Tensor { try produce { ct_norm(handle, &$0) } }
}
