internal import CTorch

/// What a tensor's elements are.
public enum ElementType: Int32, Sendable {
    case float32 = 0
    case float64 = 1
    case bfloat16 = 2
    case int64 = 3
    case uint8 = 4
    case bool = 5

    /// Bytes of one element.
    public var byteCount: Int {
        switch self {
        case .float32: 4
        case .float64, .int64: 8
        case .bfloat16: 2
        case .uint8, .bool: 1
        }
    }
}

/// A Swift type whose arrays become tensors and back.
public protocol TensorElement: BitwiseCopyable {
    /// The element type of its tensors.
    static var elementType: ElementType { get }
    static var zero: Self { get }
}

extension Float: TensorElement { public static var elementType: ElementType { .float32 } }
extension Double: TensorElement { public static var elementType: ElementType { .float64 } }
extension Int64: TensorElement { public static var elementType: ElementType { .int64 } }
extension UInt8: TensorElement { public static var elementType: ElementType { .uint8 } }
