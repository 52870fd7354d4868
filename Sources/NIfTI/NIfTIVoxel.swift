/// Type of the voxels in a file; the raw value is NIfTI's `datatype` code.
public enum NIfTIElement: Int16, Sendable, CaseIterable {
    case uint8 = 2
    case int16 = 4
    case int32 = 8
    case float32 = 16
    case float64 = 64
    case int8 = 256
    case uint16 = 512
    case uint32 = 768
    case int64 = 1024
    case uint64 = 1280

    /// Bytes of a voxel.
    public var byteCount: Int {
        switch self {
        case .uint8, .int8: 1
        case .int16, .uint16: 2
        case .int32, .uint32, .float32: 4
        case .float64, .int64, .uint64: 8
        }
    }

    /// The code's name for messages, also of codes that are not read here.
    static func name(ofCode code: Int) -> String {
        switch code {
        case 1: "1-bit"
        case 32: "complex64"
        case 128: "RGB"
        case 1536: "float128"
        case 1792: "complex128"
        case 2048: "complex256"
        case 2304: "RGBA"
        default: NIfTIElement(rawValue: Int16(clamping: code)).map { "\($0)" } ?? "of the unknown type \(code)"
        }
    }
}

/// A Swift number type that voxels are read as and written from.
public protocol NIfTIVoxel: BitwiseCopyable, Sendable {
    /// The same type in a file.
    static var niftiElement: NIfTIElement { get }
    static var zero: Self { get }
    /// Not a number; never for integers.
    var isNaN: Bool { get }
    /// Turns stored voxels, in this machine's byte order, into `slope · stored + intercept`.
    ///
    /// - Returns: the index of the first value that this type cannot hold; nil where all fit.
    static func decode(
        _ bytes: UnsafeRawBufferPointer, of element: NIfTIElement, slope: Double, intercept: Double,
        into target: UnsafeMutableBufferPointer<Self>
    ) -> Int?
}

/// Source types: every stored number has a value as Double.
protocol StoredVoxel: BitwiseCopyable {
    var asDouble: Double { get }
}

extension UInt8: StoredVoxel { var asDouble: Double { Double(self) } }
extension Int8: StoredVoxel { var asDouble: Double { Double(self) } }
extension UInt16: StoredVoxel { var asDouble: Double { Double(self) } }
extension Int16: StoredVoxel { var asDouble: Double { Double(self) } }
extension UInt32: StoredVoxel { var asDouble: Double { Double(self) } }
extension Int32: StoredVoxel { var asDouble: Double { Double(self) } }
extension UInt64: StoredVoxel { var asDouble: Double { Double(self) } }
extension Int64: StoredVoxel { var asDouble: Double { Double(self) } }
extension Float: StoredVoxel { var asDouble: Double { Double(self) } }
extension Double: StoredVoxel { var asDouble: Double { self } }

@inline(__always)
private func dispatch<Target: BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer, of element: NIfTIElement, slope: Double, intercept: Double,
    into target: UnsafeMutableBufferPointer<Target>, convert: (Double) -> Target?
) -> Int? {
    switch element {
    case .uint8: loop(bytes, UInt8.self, slope, intercept, target, convert)
    case .int8: loop(bytes, Int8.self, slope, intercept, target, convert)
    case .uint16: loop(bytes, UInt16.self, slope, intercept, target, convert)
    case .int16: loop(bytes, Int16.self, slope, intercept, target, convert)
    case .uint32: loop(bytes, UInt32.self, slope, intercept, target, convert)
    case .int32: loop(bytes, Int32.self, slope, intercept, target, convert)
    case .uint64: loop(bytes, UInt64.self, slope, intercept, target, convert)
    case .int64: loop(bytes, Int64.self, slope, intercept, target, convert)
    case .float32: loop(bytes, Float.self, slope, intercept, target, convert)
    case .float64: loop(bytes, Double.self, slope, intercept, target, convert)
    }
}

@inline(__always)
private func loop<Source: StoredVoxel, Target: BitwiseCopyable>(
    _ bytes: UnsafeRawBufferPointer, _ source: Source.Type, _ slope: Double, _ intercept: Double,
    _ target: UnsafeMutableBufferPointer<Target>, _ convert: (Double) -> Target?
) -> Int? {
    let stored = bytes.bindMemory(to: Source.self)
    precondition(stored.count == target.count, "\(target.count) voxels do not fill \(bytes.count) bytes.")
    for index in 0..<stored.count {
        guard let value = convert(slope * stored[index].asDouble + intercept) else { return index }
        target[index] = value
    }
    return nil
}

extension NIfTIVoxel where Self: FixedWidthInteger {
    public var isNaN: Bool { false }
}

/// One line a type, so that every loop is compiled for its own two types.
extension UInt8: NIfTIVoxel {
    public static var niftiElement: NIfTIElement { .uint8 }
    public static func decode(
        _ bytes: UnsafeRawBufferPointer, of element: NIfTIElement, slope: Double, intercept: Double,
        into target: UnsafeMutableBufferPointer<UInt8>
    ) -> Int? {
        dispatch(bytes, of: element, slope: slope, intercept: intercept, into: target) { UInt8(exactly: $0) }
    }
}
extension Int8: NIfTIVoxel {
    public static var niftiElement: NIfTIElement { .int8 }
    public static func decode(
        _ bytes: UnsafeRawBufferPointer, of element: NIfTIElement, slope: Double, intercept: Double,
        into target: UnsafeMutableBufferPointer<Int8>
    ) -> Int? {
        dispatch(bytes, of: element, slope: slope, intercept: intercept, into: target) { Int8(exactly: $0) }
    }
}
extension UInt16: NIfTIVoxel {
    public static var niftiElement: NIfTIElement { .uint16 }
    public static func decode(
        _ bytes: UnsafeRawBufferPointer, of element: NIfTIElement, slope: Double, intercept: Double,
        into target: UnsafeMutableBufferPointer<UInt16>
    ) -> Int? {
        dispatch(bytes, of: element, slope: slope, intercept: intercept, into: target) { UInt16(exactly: $0) }
    }
}
extension Int16: NIfTIVoxel {
    public static var niftiElement: NIfTIElement { .int16 }
    public static func decode(
        _ bytes: UnsafeRawBufferPointer, of element: NIfTIElement, slope: Double, intercept: Double,
        into target: UnsafeMutableBufferPointer<Int16>
    ) -> Int? {
        dispatch(bytes, of: element, slope: slope, intercept: intercept, into: target) { Int16(exactly: $0) }
    }
}
extension UInt32: NIfTIVoxel {
    public static var niftiElement: NIfTIElement { .uint32 }
    public static func decode(
        _ bytes: UnsafeRawBufferPointer, of element: NIfTIElement, slope: Double, intercept: Double,
        into target: UnsafeMutableBufferPointer<UInt32>
    ) -> Int? {
        dispatch(bytes, of: element, slope: slope, intercept: intercept, into: target) { UInt32(exactly: $0) }
    }
}
extension Int32: NIfTIVoxel {
    public static var niftiElement: NIfTIElement { .int32 }
    public static func decode(
        _ bytes: UnsafeRawBufferPointer, of element: NIfTIElement, slope: Double, intercept: Double,
        into target: UnsafeMutableBufferPointer<Int32>
    ) -> Int? {
        dispatch(bytes, of: element, slope: slope, intercept: intercept, into: target) { Int32(exactly: $0) }
    }
}
extension UInt64: NIfTIVoxel {
    public static var niftiElement: NIfTIElement { .uint64 }
    public static func decode(
        _ bytes: UnsafeRawBufferPointer, of element: NIfTIElement, slope: Double, intercept: Double,
        into target: UnsafeMutableBufferPointer<UInt64>
    ) -> Int? {
        dispatch(bytes, of: element, slope: slope, intercept: intercept, into: target) { UInt64(exactly: $0) }
    }
}
extension Int64: NIfTIVoxel {
    public static var niftiElement: NIfTIElement { .int64 }
    public static func decode(
        _ bytes: UnsafeRawBufferPointer, of element: NIfTIElement, slope: Double, intercept: Double,
        into target: UnsafeMutableBufferPointer<Int64>
    ) -> Int? {
        dispatch(bytes, of: element, slope: slope, intercept: intercept, into: target) { Int64(exactly: $0) }
    }
}
extension Float: NIfTIVoxel {
    public static var niftiElement: NIfTIElement { .float32 }
    public static func decode(
        _ bytes: UnsafeRawBufferPointer, of element: NIfTIElement, slope: Double, intercept: Double,
        into target: UnsafeMutableBufferPointer<Float>
    ) -> Int? {
        dispatch(bytes, of: element, slope: slope, intercept: intercept, into: target) { Float($0) }
    }
}
extension Double: NIfTIVoxel {
    public static var niftiElement: NIfTIElement { .float64 }
    public static func decode(
        _ bytes: UnsafeRawBufferPointer, of element: NIfTIElement, slope: Double, intercept: Double,
        into target: UnsafeMutableBufferPointer<Double>
    ) -> Int? {
        dispatch(bytes, of: element, slope: slope, intercept: intercept, into: target) { $0 }
    }
}
