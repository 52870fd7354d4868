public import NDArray

extension BitImage {
    /// The pixels whose value times `sign` is above zero.
    public init(_ image: Image<Float>, sign: Float) {
        self.init(rows: image.rows, columns: image.columns)
        let powers = SIMD16<Int32>((0..<16).map { 1 << $0 })
        image.elements.withUnsafeBytes { values in
            for row in 0..<rows {
                for word in 0..<wordsPerRow {
                    let start = row * columns + word * 64
                    let count = min(64, columns - word * 64)
                    var bits: UInt64 = 0
                    var done = 0
                    while done + 16 <= count {
                        let lanes = values.loadUnaligned(fromByteOffset: 4 * (start + done), as: SIMD16<Float>.self)
                        let set = SIMD16<Int32>(repeating: 0).replacing(with: powers, where: lanes * sign .> 0)
                        bits |= UInt64(UInt32(bitPattern: set.wrappedSum())) << UInt64(done)
                        done += 16
                    }
                    while done < count {
                        let value = values.loadUnaligned(fromByteOffset: 4 * (start + done), as: Float.self)
                        if value * sign > 0 { bits |= 1 << UInt64(done) }
                        done += 1
                    }
                    words[row * wordsPerRow + word] = bits
                }
            }
        }
    }

    /// Calls `body` with the columns of every run of set pixels in a row, from left to right.
    public func forEachRun(inRow row: Int, _ body: (Range<Int>) -> Void) {
        var start: Int?
        for word in 0..<wordsPerRow {
            let bits = words[row * wordsPerRow + word]
            var place = 0
            while place < 64 {
                let rest = (start == nil ? bits : ~bits) >> UInt64(place)
                guard rest != 0 else { break }
                place += rest.trailingZeroBitCount
                if let first = start {
                    body(first..<word * 64 + place)
                    start = nil
                } else {
                    start = word * 64 + place
                }
            }
        }
        if let first = start { body(first..<columns) }
    }

    /// Whether a pixel of a row is set in a range of columns.
    public func isAnySet(inRow row: Int, _ range: Range<Int>) -> Bool {
        guard !range.isEmpty else { return false }
        let first = range.lowerBound >> 6
        let last = (range.upperBound - 1) >> 6
        for word in first...last {
            var bits = words[row * wordsPerRow + word]
            if word == first { bits &= .max << UInt64(range.lowerBound & 63) }
            if word == last { bits &= .max >> UInt64(63 - (range.upperBound - 1) & 63) }
            if bits != 0 { return true }
        }
        return false
    }
}
