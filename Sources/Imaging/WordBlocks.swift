/// Four words from a place on.
@inline(__always)
func block(_ words: UnsafeBufferPointer<UInt64>, _ index: Int) -> SIMD4<UInt64> {
    UnsafeRawBufferPointer(words).loadUnaligned(fromByteOffset: 8 * index, as: SIMD4<UInt64>.self)
}

@inline(__always)
func store(_ block: SIMD4<UInt64>, in words: UnsafeMutableBufferPointer<UInt64>, at index: Int) {
    UnsafeMutableRawBufferPointer(words).storeBytes(of: block, toByteOffset: 8 * index, as: SIMD4<UInt64>.self)
}

/// Each pixel's left neighbour, at the pixel's place, of four words.
@inline(__always)
func blockTowardsHigher(_ words: UnsafeBufferPointer<UInt64>, _ index: Int) -> SIMD4<UInt64> {
    block(words, index) &<< 1 | block(words, index - 1) &>> 63
}

/// Each pixel's right neighbour, at the pixel's place, of four words.
@inline(__always)
func blockTowardsLower(_ words: UnsafeBufferPointer<UInt64>, _ index: Int) -> SIMD4<UInt64> {
    block(words, index) &>> 1 | block(words, index + 1) &<< 63
}

/// Each pixel's left neighbour, at the pixel's place.
@inline(__always)
func towardsHigher(_ words: UnsafeBufferPointer<UInt64>, _ index: Int) -> UInt64 {
    words[index] << 1 | words[index - 1] >> 63
}

/// Each pixel's right neighbour, at the pixel's place.
@inline(__always)
func towardsLower(_ words: UnsafeBufferPointer<UInt64>, _ index: Int) -> UInt64 {
    words[index] >> 1 | words[index + 1] << 63
}
