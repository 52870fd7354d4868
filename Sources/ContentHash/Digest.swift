/// A SHA-256 digest: the name of an artifact's bytes, or of a task's canonical record.
public struct Digest: Hashable, Sendable, Comparable {
    // Four words instead of an array: a digest costs 32 bytes and no allocation, and a plan holds hundreds of thousands.
    let word0: UInt64, word1: UInt64, word2: UInt64, word3: UInt64

    /// The digest whose 32 bytes are given, most significant first; nil for any other count.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Digest.byteCount else { return nil }
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        for (index, byte) in bytes.enumerated() {
            switch index >> 3 {
            case 0: words.0 = words.0 << 8 | UInt64(byte)
            case 1: words.1 = words.1 << 8 | UInt64(byte)
            case 2: words.2 = words.2 << 8 | UInt64(byte)
            default: words.3 = words.3 << 8 | UInt64(byte)
            }
        }
        (word0, word1, word2, word3) = words
    }

    /// The digest whose 32 bytes stand in a buffer, most significant first; nil for any other count. The fast way for bulk loads.
    public init?(rawBytes: UnsafeRawBufferPointer) {
        guard rawBytes.count == Digest.byteCount else { return nil }
        word0 = UInt64(bigEndian: rawBytes.loadUnaligned(fromByteOffset: 0, as: UInt64.self))
        word1 = UInt64(bigEndian: rawBytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        word2 = UInt64(bigEndian: rawBytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
        word3 = UInt64(bigEndian: rawBytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self))
    }

    /// The digest written as 64 hexadecimal digits (either case); nil for anything else.
    public init?(hex: some StringProtocol) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Digest.byteCount)
        var high: UInt8?
        for character in hex.utf8 {
            guard let digit = Digest.value(ofHexDigit: character) else { return nil }
            if let first = high {
                bytes.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        guard high == nil else { return nil }
        self.init(bytes: bytes)
    }

    /// How many bytes a digest has.
    public static let byteCount = 32

    /// The 32 bytes, most significant first.
    public var bytes: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(Digest.byteCount)
        appendBytes(to: &result)
        return result
    }

    /// 64 lower-case hexadecimal digits.
    public var hex: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(unsafeUninitializedCapacity: 2 * Digest.byteCount) { buffer in
            var position = 0
            for word in [word0, word1, word2, word3] {
                for shift in stride(from: 60, through: 0, by: -4) {
                    buffer[position] = digits[Int(word >> UInt64(shift) & 15)]
                    position += 1
                }
            }
            return position
        }
    }

    /// The first twelve digits: enough to tell artifacts of one store apart on a screen.
    public var shortHex: String { String(hex.prefix(12)) }

    /// The first eight bytes as a number: uniformly spread, so it serves as a hash value.
    public var leadingWord: UInt64 { word0 }

    /// Appends the 32 bytes, most significant first.
    public func appendBytes(to bytes: inout [UInt8]) {
        for word in [word0, word1, word2, word3] {
            withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) }
        }
    }

    /// A digest is spread evenly already: its first word is hash enough.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(word0)
    }

    /// The order of the bytes, which is the order of the hexadecimal digits too.
    public static func < (left: Digest, right: Digest) -> Bool {
        (left.word0, left.word1, left.word2, left.word3) < (right.word0, right.word1, right.word2, right.word3)
    }

    private static func value(ofHexDigit character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}

extension Digest: CustomStringConvertible {
    public var description: String { hex }
}

extension Digest: Codable {
    /// Reads the 64 hexadecimal digits.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let digest = Digest(hex: text) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "'\(text)' is not a SHA-256 digest of 64 hexadecimal digits")
        }
        self = digest
    }

    /// Writes the 64 hexadecimal digits.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(hex)
    }
}
