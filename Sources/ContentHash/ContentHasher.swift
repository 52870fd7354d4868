internal import Crypto

/// SHA-256 over bytes that arrive in pieces.
public struct ContentHasher {
    private var hasher = SHA256()

    /// A hasher that has seen nothing yet.
    public init() {}

    /// Adds the bytes of a buffer.
    public mutating func update(_ bytes: UnsafeRawBufferPointer) {
        hasher.update(bufferPointer: bytes)
    }

    /// Adds the bytes of an array.
    public mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { hasher.update(bufferPointer: $0) }
    }

    /// The digest of everything added so far.
    public consuming func finalize() -> Digest {
        hasher.finalize().withUnsafeBytes { Digest(bytes: $0) } ?? Digest.ofNothing
    }

    /// The digest of one array.
    public static func digest(of bytes: [UInt8]) -> Digest {
        var hasher = ContentHasher()
        hasher.update(bytes)
        return hasher.finalize()
    }
}

extension Digest {
    /// SHA-256 of the empty string (FIPS 180-4).
    public static let ofNothing = Digest(
        word0: 0xe3b0_c442_98fc_1c14, word1: 0x9afb_f4c8_996f_b924,
        word2: 0x27ae_41e4_649b_934c, word3: 0xa495_991b_7852_b855)

    init(word0: UInt64, word1: UInt64, word2: UInt64, word3: UInt64) {
        self.word0 = word0
        self.word1 = word1
        self.word2 = word2
        self.word3 = word3
    }
}
