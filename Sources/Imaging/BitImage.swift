public import NDArray

/// A binary image with one bit a pixel, 64 pixels a word: morphology on it moves 64 pixels with one instruction.
public struct BitImage: Sendable, Equatable {
    public let rows: Int
    public let columns: Int
    /// Words of one row; the last one's bits beyond `columns` are always 0.
    public let wordsPerRow: Int
    /// Bit `column % 64` of word `row * wordsPerRow + column / 64` is the pixel.
    public internal(set) var words: [UInt64]

    /// An image of zeros or ones.
    public init(rows: Int, columns: Int, filledWith value: Bool = false) {
        precondition(rows >= 0 && columns >= 0, "An image cannot have a negative side: \(rows) × \(columns).")
        self.rows = rows
        self.columns = columns
        wordsPerRow = (columns + 63) / 64
        words = Array(repeating: value ? .max : 0, count: rows * wordsPerRow)
        if value { clearTails() }
    }

    /// The pixels of an image for which `isSet` holds.
    @inlinable
    public init<Element>(_ image: Image<Element>, where isSet: (Element) -> Bool) {
        let wordsPerRow = (image.columns + 63) / 64
        let words = [UInt64](unsafeUninitializedCapacity: image.rows * wordsPerRow) { words, initialised in
            image.elements.withUnsafeBufferPointer { pixels in
                withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 64) { flags in
                    for row in 0..<image.rows {
                        for word in 0..<wordsPerRow {
                            let start = row * image.columns + word * 64
                            let count = min(64, image.columns - word * 64)
                            if count < 64 { flags.update(repeating: 0) }
                            for bit in 0..<count { flags[bit] = isSet(pixels[start + bit]) ? 1 : 0 }
                            words[row * wordsPerRow + word] = BitImage.packed(UnsafeRawBufferPointer(flags))
                        }
                    }
                }
            }
            initialised = image.rows * wordsPerRow
        }
        self.init(rows: image.rows, columns: image.columns, words: words)
    }

    /// An image of words that are filled already, the tails with zeros.
    @usableFromInline init(rows: Int, columns: Int, words: [UInt64]) {
        self.rows = rows
        self.columns = columns
        wordsPerRow = (columns + 63) / 64
        self.words = words
    }

    /// The word whose bits are 64 bytes of 0 or 1.
    @inlinable static func packed(_ flags: UnsafeRawBufferPointer) -> UInt64 {
        var bits: UInt64 = 0
        for byte in 0..<8 {
            // Eight bytes' lowest bits come to stand side by side in the product's uppermost byte.
            let eight = UInt64(littleEndian: flags.loadUnaligned(fromByteOffset: 8 * byte, as: UInt64.self))
            bits |= ((eight &* 0x0102_0408_1020_4080) >> 56) << UInt64(8 * byte)
        }
        return bits
    }

    /// The pixels that are not zero.
    public init(_ image: Image<UInt8>) {
        self.init(image) { $0 != 0 }
    }

    public subscript(row: Int, column: Int) -> Bool {
        get { words[row * wordsPerRow + column >> 6] >> UInt64(column & 63) & 1 == 1 }
        set {
            let bit: UInt64 = 1 << UInt64(column & 63)
            if newValue {
                words[row * wordsPerRow + column >> 6] |= bit
            } else {
                words[row * wordsPerRow + column >> 6] &= ~bit
            }
        }
    }

    /// How many pixels are set.
    public var setCount: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    public var isEmpty: Bool { words.allSatisfy { $0 == 0 } }

    /// Calls `body` with the index `row * columns + column` of every set pixel, in order.
    @inlinable
    public func forEachSet(_ body: (Int) throws -> Void) rethrows {
        try words.withUnsafeBufferPointer { words in
            for row in 0..<rows {
                for word in 0..<wordsPerRow {
                    var bits = words[row * wordsPerRow + word]
                    let start = row * columns + word * 64
                    while bits != 0 {
                        try body(start + bits.trailingZeroBitCount)
                        bits &= bits - 1
                    }
                }
            }
        }
    }

    /// The image with one byte a pixel: `value` where set, 0 elsewhere.
    public func bytes(value: UInt8 = 1) -> Image<UInt8> {
        var image = Image<UInt8>(rows: rows, columns: columns, filledWith: 0)
        image.elements.withUnsafeMutableBufferPointer { pixels in forEachSet { pixels[$0] = value } }
        return image
    }

    /// Whether the image holds a set pixel in its outermost rows or columns.
    public var touchesBorder: Bool {
        guard rows > 0, columns > 0 else { return false }
        for column in 0..<columns where self[0, column] || self[rows - 1, column] { return true }
        for row in 0..<rows where self[row, 0] || self[row, columns - 1] { return true }
        return false
    }

    public static prefix func ~ (image: BitImage) -> BitImage {
        var result = image
        result.words.withUnsafeMutableBufferPointer { words in
            for index in words.indices { words[index] = ~words[index] }
        }
        result.clearTails()
        return result
    }

    public static func & (left: BitImage, right: BitImage) -> BitImage { combine(left, right) { $0 & $1 } }
    public static func | (left: BitImage, right: BitImage) -> BitImage { combine(left, right) { $0 | $1 } }
    public static func ^ (left: BitImage, right: BitImage) -> BitImage { combine(left, right) { $0 ^ $1 } }

    @inline(__always)
    private static func combine(
        _ left: BitImage, _ right: BitImage, _ operation: (UInt64, UInt64) -> UInt64
    ) -> BitImage {
        precondition(
            left.rows == right.rows && left.columns == right.columns,
            "Binary images differ in size: \(left.rows) × \(left.columns) and \(right.rows) × \(right.columns).")
        let words = [UInt64](unsafeUninitializedCapacity: left.words.count) { words, initialised in
            left.words.withUnsafeBufferPointer { left in
                right.words.withUnsafeBufferPointer { right in
                    for index in 0..<left.count { words[index] = operation(left[index], right[index]) }
                }
            }
            initialised = left.words.count
        }
        return BitImage(rows: left.rows, columns: left.columns, words: words)
    }

    /// The bits of the last word of a row that belong to pixels.
    var tailMask: UInt64 { columns % 64 == 0 ? .max : (1 << UInt64(columns % 64)) - 1 }

    mutating func clearTails() {
        guard columns % 64 != 0 else { return }
        for row in 0..<rows { words[(row + 1) * wordsPerRow - 1] &= tailMask }
    }
}
