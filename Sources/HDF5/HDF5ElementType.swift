/// Type of the elements of a dataset or attribute; the names are those of `stages/types.yaml`.
public enum HDF5ElementType: String, Sendable, CaseIterable {
    case int8, int16, int32, int64, uint8, uint16, uint32, uint64, float32, float64, text

    /// Bytes of an element; 0 for text, whose length is its own.
    public var byteCount: Int {
        switch self {
        case .int8, .uint8: 1
        case .int16, .uint16: 2
        case .int32, .uint32, .float32: 4
        case .int64, .uint64, .float64: 8
        case .text: 0
        }
    }

    /// The number by which `shim.h` knows the type.
    var code: Int32 {
        switch self {
        case .int8: 0
        case .int16: 1
        case .int32: 2
        case .int64: 3
        case .uint8: 4
        case .uint16: 5
        case .uint32: 6
        case .uint64: 7
        case .float32: 8
        case .float64: 9
        case .text: -1
        }
    }

    /// Whether every value of this type is also a value of `other`, so that reading as `other` loses nothing.
    public func widens(to other: HDF5ElementType) -> Bool {
        if self == other { return true }
        switch (self, other) {
        case (.text, _), (_, .text): return false
        case (.float32, .float64): return true
        case (.float64, _), (.float32, _): return false
        case (.int64, _), (.uint64, _): return false
        case (_, .float64): return true
        case (_, .float32): return byteCount <= 2
        default: break
        }
        let signed = rawValue.hasPrefix("i")
        let otherSigned = other.rawValue.hasPrefix("i")
        switch (signed, otherSigned) {
        case (true, true), (false, false), (false, true): return byteCount < other.byteCount
        case (true, false): return false
        }
    }
}

/// A Swift number type that HDF5 datasets and attributes are made of.
public protocol HDF5Element: BitwiseCopyable, Sendable {
    /// The same type under its name in files.
    static var elementType: HDF5ElementType { get }
    /// Zero, to set up memory before it is read into.
    static var zero: Self { get }
}

extension Int8: HDF5Element { public static var elementType: HDF5ElementType { .int8 } }
extension Int16: HDF5Element { public static var elementType: HDF5ElementType { .int16 } }
extension Int32: HDF5Element { public static var elementType: HDF5ElementType { .int32 } }
extension Int64: HDF5Element { public static var elementType: HDF5ElementType { .int64 } }
extension Int: HDF5Element { public static var elementType: HDF5ElementType { .int64 } }
extension UInt8: HDF5Element { public static var elementType: HDF5ElementType { .uint8 } }
extension UInt16: HDF5Element { public static var elementType: HDF5ElementType { .uint16 } }
extension UInt32: HDF5Element { public static var elementType: HDF5ElementType { .uint32 } }
extension UInt64: HDF5Element { public static var elementType: HDF5ElementType { .uint64 } }
extension Float: HDF5Element { public static var elementType: HDF5ElementType { .float32 } }
extension Double: HDF5Element { public static var elementType: HDF5ElementType { .float64 } }
