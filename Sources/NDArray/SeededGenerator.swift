/// Random numbers that a seed decides: SplitMix64 (Steele, Lea, Flood 2014, DOI 10.1145/2660193.2660195).
///
/// Streams are split by name (`SeededGenerator(seed: 7, stream: "vessels", 12)`), so that one consumer's draws never shift
/// another's, and results do not depend on the order in which threads run.
@frozen public struct SeededGenerator: RandomNumberGenerator, Sendable {
    @usableFromInline var state: UInt64

    /// The generator of a seed.
    @inlinable public init(seed: UInt64) {
        state = seed
    }

    /// The generator of one named, numbered stream of a seed.
    public init(seed: UInt64, stream: String, _ numbers: Int...) {
        // FNV-1a over the name, then one SplitMix64 round for each number.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in stream.utf8 { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
        state = seed ^ hash
        for number in numbers { state = next() ^ UInt64(bitPattern: Int64(number)) }
        state = next()
    }

    @inlinable public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// Uniform in [0, 1), 53 random bits.
    @inlinable public mutating func uniform() -> Double {
        Double(next() >> 11) * 0x1p-53
    }

    /// Uniform in `0 ..< bound`; the bias is below 2⁻³² for every bound under 2³² (Lemire 2019).
    @inlinable public mutating func index(below bound: Int) -> Int {
        Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// Standard normal (Box–Muller, one of the pair).
    public mutating func normal() -> Double {
        let radius = (-2 * Math.log(1 - uniform())).squareRoot()
        return radius * Math.cos(2 * Double.pi * uniform())
    }
}
