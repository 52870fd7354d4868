/// A colour of three 8-bit channels (sRGB), three bytes in memory: `Image<RGB>` is what picture files hold.
@frozen public struct RGB: Hashable, Sendable, BitwiseCopyable {
    public var red: UInt8
    public var green: UInt8
    public var blue: UInt8

    @inlinable public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    /// The gray of a value.
    @inlinable public init(gray: UInt8) {
        self.init(gray, gray, gray)
    }
}

/// A colour with opacity (not premultiplied), four bytes in memory.
@frozen public struct RGBA: Hashable, Sendable, BitwiseCopyable {
    public var red: UInt8
    public var green: UInt8
    public var blue: UInt8
    /// 0 clear … 255 opaque.
    public var alpha: UInt8

    @inlinable public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8, _ alpha: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
        self.alpha = alpha
    }
}
