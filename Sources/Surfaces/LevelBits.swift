internal import NDArray

/// Which voxels of a field lie above a level, a bit each: a word tells of 64 voxels at a time whether the surface passes between them.
struct LevelBits: Sendable {
    private let planes: Int
    private let rows: Int
    private let wordsPerRow: Int
    /// Set where a value is above the level.
    private let above: [UInt64]
    /// Set where a value is NaN, and beyond the last column.
    private let unknown: [UInt64]

    init(
        _ values: UnsafeShared<Float>, level: Float, planes: Int, rows: Int, columns: Int, threads: Int
    ) {
        let wordsPerRow = (columns + 63) / 64
        (self.planes, self.rows, self.wordsPerRow) = (planes, rows, wordsPerRow)
        let count = planes * rows * wordsPerRow
        var above = [UInt64](repeating: 0, count: count)
        var unknown = [UInt64](repeating: 0, count: count)
        above.withUnsafeMutableBufferPointer { above in
            unknown.withUnsafeMutableBufferPointer { unknown in
                let (above, unknown) = (DisjointSlices(above), DisjointSlices(unknown))
                parallelFor(planes, threads: threads) { plane in
                    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 128) { flags in
                        for row in plane * rows..<(plane + 1) * rows {
                            for word in 0..<wordsPerRow {
                                let start = values.base + row * columns + word * 64
                                let width = min(64, columns - word * 64)
                                for bit in 0..<width {
                                    flags[bit] = start[bit] > level ? 1 : 0
                                    flags[64 + bit] = start[bit].isNaN ? 1 : 0
                                }
                                for bit in width..<max(width, 64) { (flags[bit], flags[64 + bit]) = (0, 1) }
                                above[row * wordsPerRow + word] = Self.packed(flags, 0)
                                unknown[row * wordsPerRow + word] = Self.packed(flags, 64)
                            }
                        }
                    }
                }
            }
        }
        self.above = above
        self.unknown = unknown
    }

    /// The word whose bits are 64 bytes of 0 or 1.
    @inline(__always) private static func packed(_ flags: UnsafeMutableBufferPointer<UInt8>, _ first: Int) -> UInt64 {
        let bytes = UnsafeRawBufferPointer(flags)
        var bits: UInt64 = 0
        for byte in 0..<8 {
            // Eight bytes' lowest bits come to stand side by side in the product's uppermost byte.
            let eight = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: first + 8 * byte, as: UInt64.self))
            bits |= ((eight &* 0x0102_0408_1020_4080) >> 56) << UInt64(8 * byte)
        }
        return bits
    }

    /// The words of a row at one place, and shifted by a column.
    @inline(__always) private func words(_ row: Int, _ word: Int) -> (above: UInt64, unknown: UInt64) {
        (above[row * wordsPerRow + word], unknown[row * wordsPerRow + word])
    }

    @inline(__always) private func shifted(_ row: Int, _ word: Int) -> (above: UInt64, unknown: UInt64) {
        let (here, last) = (words(row, word), word + 1 == wordsPerRow)
        let next = last ? (above: 0, unknown: 1) : words(row, word + 1)
        return (here.above >> 1 | next.above << 63, here.unknown >> 1 | next.unknown << 63)
    }

    /// For 64 voxels of a row whether the surface crosses the edges that start at them, along planes, rows and columns.
    @inline(__always) private func crossings(_ plane: Int, _ row: Int, _ word: Int) -> (UInt64, UInt64, UInt64) {
        let line = plane * rows + row
        let here = words(line, word)
        @inline(__always) func crossed(_ other: (above: UInt64, unknown: UInt64)) -> UInt64 {
            (here.above ^ other.above) & ~(here.unknown | other.unknown)
        }
        return (
            plane + 1 < planes ? crossed(words(line + rows, word)) : 0,
            row + 1 < rows ? crossed(words(line + 1, word)) : 0, crossed(shifted(line, word))
        )
    }

    /// How many edges that start in a plane are crossed.
    func crossingCount(_ plane: Int) -> Int {
        var count = 0
        for row in 0..<rows {
            for word in 0..<wordsPerRow {
                let found = crossings(plane, row, word)
                count += found.0.nonzeroBitCount + found.1.nonzeroBitCount + found.2.nonzeroBitCount
            }
        }
        return count
    }

    /// Calls `body(row, column, axis)` for each crossing on the edges that start in a plane, in the order of the grid.
    @inline(__always) func forEachCrossing(_ plane: Int, _ body: (Int, Int, Int) -> Void) {
        for row in 0..<rows {
            for word in 0..<wordsPerRow {
                let found = crossings(plane, row, word)
                var left = found.0 | found.1 | found.2
                while left != 0 {
                    let bit = left.trailingZeroBitCount
                    left &= left - 1
                    if found.0 >> bit & 1 == 1 { body(row, 64 * word + bit, 0) }
                    if found.1 >> bit & 1 == 1 { body(row, 64 * word + bit, 1) }
                    if found.2 >> bit & 1 == 1 { body(row, 64 * word + bit, 2) }
                }
            }
        }
    }

    /// Calls `body(row, column, signs)` for each cell between a plane and the next one that the surface passes through: a bit of `signs` for each
    /// corner above the level, corner 4 · plane + 2 · row + column.
    @inline(__always) func forEachCell(_ plane: Int, _ body: (Int, Int, Int) -> Void) {
        for row in 0..<rows - 1 {
            let line = plane * rows + row
            for word in 0..<wordsPerRow {
                let near = (words(line, word), words(line + 1, word))
                let far = (words(line + rows, word), words(line + rows + 1, word))
                let any = near.0.above | near.1.above | far.0.above | far.1.above
                let all = near.0.above & near.1.above & far.0.above & far.1.above
                let next = (shifted(line, word), shifted(line + 1, word))
                let nextFar = (shifted(line + rows, word), shifted(line + rows + 1, word))
                let some = any | next.0.above | next.1.above | nextFar.0.above | nextFar.1.above
                let every = all & next.0.above & next.1.above & nextFar.0.above & nextFar.1.above
                let known =
                    ~(near.0.unknown | near.1.unknown | far.0.unknown | far.1.unknown)
                    & ~(next.0.unknown | next.1.unknown | nextFar.0.unknown | nextFar.1.unknown)
                var left = some & ~every & known
                while left != 0 {
                    let bit = left.trailingZeroBitCount
                    left &= left - 1
                    @inline(__always) func pair(_ here: UInt64, _ next: UInt64) -> UInt64 {
                        here >> bit & 1 | (next >> bit & 1) << 1
                    }
                    let signs =
                        pair(near.0.above, next.0.above) | pair(near.1.above, next.1.above) << 2
                        | pair(far.0.above, nextFar.0.above) << 4 | pair(far.1.above, nextFar.1.above) << 6
                    body(row, 64 * word + bit, Int(signs))
                }
            }
        }
    }
}
