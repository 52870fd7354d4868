package import NDArray

extension Image<UInt8> {
    /// The same levels as real numbers.
    package var asFloat: Image<Float> {
        let numbers = [Float](unsafeUninitializedCapacity: count) { numbers, initialised in
            elements.withUnsafeBufferPointer { levels in
                for index in levels.indices { numbers[index] = Float(levels[index]) }
            }
            initialised = count
        }
        return Image<Float>(rows: rows, columns: columns, elements: numbers)
    }
}

/// The nearest whole number, halves away from zero; what lies beyond 0 … 255 is clamped.
@inline(__always) func nearestLevel(_ number: Float) -> UInt8 {
    let value = min(max(number, 0), 255)
    // At 2²³ a number's unit in the last place is 1: the sum's low bits are the nearest whole number, of two the even one.
    let shifted = value + 0x1p23
    let half: UInt32 = value - (shifted - 0x1p23) >= 0.5 ? 1 : 0
    return UInt8(truncatingIfNeeded: shifted.bitPattern &+ half)
}

extension Image<Float> {
    /// The nearest 8-bit level of each pixel times `scale`, halves away from zero; what lies beyond 0 … 255 is clamped.
    func levels(scale: Float = 1) -> Image<UInt8> {
        let levels = [UInt8](unsafeUninitializedCapacity: count) { levels, initialised in
            elements.withUnsafeBufferPointer { pixels in
                for index in pixels.indices { levels[index] = nearestLevel(pixels[index] * scale) }
            }
            initialised = count
        }
        return Image<UInt8>(rows: rows, columns: columns, elements: levels)
    }
}

extension BitImage {
    /// The image's elements inside this mask, `other` outside it.
    func select<Element: BitwiseCopyable & Sendable>(
        _ image: Image<Element>, otherwise other: Element, threads: Int = 1
    ) -> Image<Element> {
        guard image.count > 0 else { return image }
        let elements = [Element](unsafeUninitializedCapacity: image.count) { buffer, initialised in
            let output = DisjointSlices(buffer)
            parallelBands(rows, band: 64, threads: threads) { band in
                image.elements.withUnsafeBufferPointer { source in
                    words.withUnsafeBufferPointer { words in
                        guard let source = source.baseAddress else { return }
                        for row in band {
                            for word in 0..<wordsPerRow {
                                let start = row * columns + word * 64
                                let count = min(64, columns - word * 64)
                                let target = output.base + start
                                let bits = words[row * wordsPerRow + word]
                                // Most words are of one kind.
                                if bits == 0 {
                                    target.update(repeating: other, count: count)
                                } else if bits == .max {
                                    target.update(from: source + start, count: count)
                                } else {
                                    for bit in 0..<count {
                                        target[bit] = bits >> UInt64(bit) & 1 == 1 ? source[start + bit] : other
                                    }
                                }
                            }
                        }
                    }
                }
            }
            initialised = image.count
        }
        return Image(rows: rows, columns: columns, elements: elements)
    }

    /// The columns from the first to the last set pixel of a row; empty where there is none.
    func extent(ofRow row: Int) -> Range<Int> {
        let line = words[row * wordsPerRow..<(row + 1) * wordsPerRow]
        guard let first = line.firstIndex(where: { $0 != 0 }), let last = line.lastIndex(where: { $0 != 0 }) else {
            return 0..<0
        }
        let start = (first - line.startIndex) * 64 + line[first].trailingZeroBitCount
        return start..<(last - line.startIndex) * 64 + 64 - line[last].leadingZeroBitCount
    }
}
