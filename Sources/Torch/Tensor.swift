internal import CTorch

/// An array of any rank that libtorch computes with, and that may remember how it came about.
///
/// A tensor is a reference: in-place operations (`copy`, `add(_:times:)` …) are seen by everyone who holds it. It belongs to
/// one thread at a time. Layouts follow libtorch: images are (sample, channel, row, column).
///
/// ```swift
/// let x = try Tensor([1, 2, 3] as [Float], shape: [3]).requiringGradient()
/// try (x * x).sum().backward()
/// try x.gradient?.array(of: Float.self)    // [2, 4, 6]
/// ```
public final class Tensor {
    let handle: OpaquePointer

    init(owning handle: OpaquePointer) {
        self.handle = handle
    }

    deinit {
        ct_free(handle)
    }

    /// A tensor on the CPU with a copy of the elements, the last axis fastest.
    ///
    /// - Throws: `TorchError` where the shape does not hold as many elements, or memory is short.
    public convenience init<Element: TensorElement>(_ elements: [Element], shape: [Int]) throws {
        let count = shape.reduce(1, *)
        guard shape.allSatisfy({ $0 >= 0 }), count == elements.count else {
            throw TorchError(
                .invalid, operation: "Tensor(_:shape:)",
                message: "\(elements.count) elements do not fill the shape \(shape)")
        }
        var made: OpaquePointer?
        let status = elements.withUnsafeBytes { bytes in
            shape.withInt64 { ct_from_data(bytes.baseAddress, Element.elementType.rawValue, $0, $1, &made) }
        }
        try check(status, "Tensor(_:shape:)")
        guard let made else { throw TorchError(.failed, operation: "Tensor(_:shape:)", message: "no tensor came back") }
        self.init(owning: made)
    }

    /// One number, rank 0.
    public convenience init<Element: TensorElement>(_ number: Element) throws {
        try self.init([number], shape: [])
    }

    /// A tensor on the CPU of one value.
    public static func full(_ value: Double, shape: [Int], type: ElementType = .float32) throws -> Tensor {
        try produce { result in shape.withInt64 { ct_full(value, type.rawValue, $0, $1, &result) } }
    }

    /// A tensor on the CPU of zeros.
    public static func zeros(shape: [Int], type: ElementType = .float32) throws -> Tensor {
        try full(0, shape: shape, type: type)
    }

    /// A tensor on the CPU of any values: to be written to before it is read. Takes no memory until then.
    public static func uninitialised(shape: [Int], type: ElementType = .float32) throws -> Tensor {
        try produce { result in shape.withInt64 { ct_empty(type.rawValue, $0, $1, &result) } }
    }

    /// Standard normal numbers (float32) from libtorch's own generator, which `Torch.seed` sets.
    public static func normal(shape: [Int]) throws -> Tensor {
        try produce { result in shape.withInt64 { ct_normal($0, $1, &result) } }
    }

    /// 0, 1, … `count − 1` as int64.
    public static func indices(_ count: Int) throws -> Tensor {
        try produce { ct_arange(Int64(count), &$0) }
    }

    /// The number of axes.
    public var rank: Int {
        var rank: Int64 = 0
        _ = ct_rank(handle, &rank)
        return Int(rank)
    }

    /// The size of each axis.
    public var shape: [Int] {
        var sizes = [Int64](repeating: 0, count: rank)
        _ = ct_sizes(handle, &sizes, Int64(sizes.count))
        return sizes.map { Int($0) }
    }

    /// The number of elements.
    public var count: Int { shape.reduce(1, *) }

    /// What the elements are.
    public var type: ElementType {
        get throws {
            var code: Int32 = 0
            try check(ct_type(handle, &code), "Tensor.type")
            guard let type = ElementType(rawValue: code) else {
                throw TorchError(.failed, operation: "Tensor.type", message: "no element type has the code \(code)")
            }
            return type
        }
    }

    /// Where the elements lie.
    public var device: Device {
        var kind: Int32 = 0
        var index: Int64 = 0
        _ = ct_device(handle, &kind, &index)
        return kind == Int32(ct_cuda) ? .cuda(Int(index)) : .cpu
    }

    /// A copy of the elements, the last axis fastest, wherever they lie.
    ///
    /// - Throws: `TorchError` where the elements are of another type; `converted(to:)` first.
    public func array<Element: TensorElement>(of type: Element.Type) throws -> [Element] {
        guard try self.type == Element.elementType else {
            throw TorchError(
                .invalid, operation: "array(of:)",
                message: "the tensor holds \(try self.type), not \(Element.elementType); use converted(to:) first")
        }
        var elements = [Element](repeating: .zero, count: count)
        let status = elements.withUnsafeMutableBytes { ct_copy_to_host(handle, $0.baseAddress, Int64($0.count)) }
        try check(status, "array(of:)")
        return elements
    }

    /// The one number that the tensor holds, as a Double.
    public func number() throws -> Double {
        let elements = try converted(to: .float64).array(of: Double.self)
        guard elements.count == 1 else {
            throw TorchError(.invalid, operation: "number()", message: "a tensor of shape \(shape) is not one number")
        }
        return elements[0]
    }

    /// The same values as another element type; itself where it has that type already.
    public func converted(to type: ElementType) throws -> Tensor {
        try produce { ct_to_type(handle, type.rawValue, &$0) }
    }

    /// The same values on another device; itself where it is there already.
    public func moved(to device: Device) throws -> Tensor {
        try produce { ct_to_device(handle, device.kind, device.index, &$0) }
    }

    /// The same values with a pixel's channels side by side in memory, which convolutions like best. The shape stays.
    public func channelsLast() throws -> Tensor {
        try produce { ct_contiguous(handle, 1, &$0) }
    }

    /// The same values with the last axis fastest in memory.
    public func contiguous() throws -> Tensor {
        try produce { ct_contiguous(handle, 0, &$0) }
    }

    /// Whether a pixel's channels lie side by side in memory.
    public var isChannelsLast: Bool {
        var answer: Int32 = 0
        _ = ct_is_channels_last(handle, &answer)
        return answer != 0
    }

    /// Whether no element is infinite or not a number.
    public func isFinite() throws -> Bool {
        var answer: Int32 = 0
        try check(ct_all_finite(handle, &answer), "isFinite()")
        return answer != 0
    }
}
