import NDArray

/// Means over the samples in a square window around chosen pixels, and the share of the window that samples fill.
///
/// A window's sum is that of its rows' sums, each added up from left to right and divided by the window's side at once, then added up
/// from above; so it is that of `meanFilter` on the image with zeros in place of what is no sample. Sums are made in chunks of 16 columns, and
/// only where a chosen pixel's window needs them; the rows' sums are kept as long as a window reaches them.
struct SampleMeans {
    private static let chunk = 16

    private let image: Image<Float>
    private let samples: BitImage
    private let side: Int
    private let before: Int
    private let after: Int
    /// Columns, rounded up to whole chunks.
    private let stride: Int
    /// Which rows and chunks have sums: those that stand in a chosen pixel's window.
    private let reached: BitImage
    private let chosen: BitImage
    /// The sums of the latest rows, row r at r % side: of the samples, then of ones in their place.
    private var along: [Float]
    private var padded: [Float]
    private var firstMissing: Int

    /// - Parameters:
    ///   - side: of the window, in pixels; a window of even side reaches one further up and left. Beyond the image it is continued by
    ///     reflection.
    ///   - chosen: where means are asked for.
    ///   - rows: where they are asked for, too.
    init(_ image: Image<Float>, samples: BitImage, side: Int, at chosen: BitImage, rows: Range<Int>) {
        self.image = image
        self.samples = samples
        self.chosen = chosen
        self.side = side
        before = side / 2
        after = side - 1 - side / 2
        stride = (image.columns + Self.chunk - 1) / Self.chunk * Self.chunk
        reached = chosen.smearedDown(by: before, rows: rows)
        along = Array(repeating: 0, count: 2 * side * stride)
        padded = Array(repeating: 0, count: 2 * (stride + side + Self.chunk))
        firstMissing = max(rows.lowerBound - before, 0)
    }

    /// The windows' sums divided by their areas along a row that follows those asked for before; other pixels than the chosen are left as they are.
    ///
    /// - Parameters:
    ///   - sums: `columns` elements, rounded up to whole chunks of 16.
    ///   - shares: as many, the part of each window that samples fill.
    mutating func fill(
        _ sums: UnsafeMutableBufferPointer<Float>, _ shares: UnsafeMutableBufferPointer<Float>, row: Int
    ) {
        while firstMissing < min(row + after + 1, image.rows) {
            addUpRow(firstMissing)
            firstMissing += 1
        }
        let scale = 1 / Float(side)
        along.withUnsafeBytes { along in
            for part in chosen.chunks(ofRow: row) {
                for start in Swift.stride(from: part.lowerBound, to: part.upperBound, by: Self.chunk) {
                    var sum = SIMD16<Float>.zero
                    var share = SIMD16<Float>.zero
                    for line in row - before...row + after {
                        let slot = reflectedIndex(line, count: image.rows) % side
                        let offset = 4 * (2 * slot * stride + start)
                        let (more, moreShare) = (
                            along.loadUnaligned(fromByteOffset: offset, as: SIMD16<Float>.self),
                            along.loadUnaligned(fromByteOffset: offset + 4 * stride, as: SIMD16<Float>.self)
                        )
                        sum += more
                        share += moreShare
                    }
                    UnsafeMutableRawBufferPointer(sums).storeBytes(
                        of: sum * scale, toByteOffset: 4 * start, as: SIMD16<Float>.self)
                    UnsafeMutableRawBufferPointer(shares).storeBytes(
                        of: share * scale, toByteOffset: 4 * start, as: SIMD16<Float>.self)
                }
            }
        }
    }

    /// Adds up a row's windows along it.
    private mutating func addUpRow(_ row: Int) {
        let (columns, side, before, after, stride) = (image.columns, side, before, after, stride)
        let scale = 1 / Float(side)
        let lineLength = padded.count / 2
        let samples = samples
        along.withUnsafeMutableBytes { along in
            padded.withUnsafeMutableBufferPointer { padded in
                image.elements.withUnsafeBufferPointer { pixels in
                    for part in reached.chunks(ofRow: row) {
                        // What the windows reach, the pixels that are samples and ones in their place.
                        let first = max(part.lowerBound - before, 0)
                        let last = min(part.upperBound + after, columns)
                        let bits = samples.words[row * samples.wordsPerRow..<(row + 1) * samples.wordsPerRow]
                        for column in first..<last {
                            let isSample = bits[bits.startIndex + column >> 6] >> UInt64(column & 63) & 1 == 1
                            padded[before + column] = isSample ? pixels[row * columns + column] : 0
                            padded[lineLength + before + column] = isSample ? 1 : 0
                        }
                        let outside = [part.lowerBound - before..<first, last..<min(part.upperBound, columns) + after]
                        for column in outside.joined() {
                            let source = before + reflectedIndex(column, count: columns)
                            padded[before + column] = padded[source]
                            padded[lineLength + before + column] = padded[lineLength + source]
                        }
                        let line = UnsafeRawBufferPointer(padded)
                        for start in Swift.stride(from: part.lowerBound, to: part.upperBound, by: Self.chunk) {
                            var sum = SIMD16<Float>.zero
                            var share = SIMD16<Float>.zero
                            for step in 0..<side {
                                let offset = 4 * (start + step)
                                sum += line.loadUnaligned(fromByteOffset: offset, as: SIMD16<Float>.self)
                                share += line.loadUnaligned(
                                    fromByteOffset: 4 * lineLength + offset, as: SIMD16<Float>.self)
                            }
                            let offset = 4 * (2 * (row % side) * stride + start)
                            along.storeBytes(of: sum * scale, toByteOffset: offset, as: SIMD16<Float>.self)
                            along.storeBytes(
                                of: share * scale, toByteOffset: offset + 4 * stride, as: SIMD16<Float>.self)
                        }
                    }
                }
            }
        }
    }
}

extension BitImage {
    /// Each row together with those at most `reach` above and below it, as far as they are in `rows`.
    fileprivate func smearedDown(by reach: Int, rows chosen: Range<Int>) -> BitImage {
        var result = BitImage(rows: rows, columns: columns)
        result.words.withUnsafeMutableBufferPointer { result in
            words.withUnsafeBufferPointer { words in
                for row in chosen {
                    for target in max(row - reach, 0)...min(row + reach, rows - 1) {
                        for word in 0..<wordsPerRow {
                            result[target * wordsPerRow + word] |= words[row * wordsPerRow + word]
                        }
                    }
                }
            }
        }
        return result
    }

    /// The parts of a row in which pixels are set, in whole chunks of 16 columns that begin at a multiple of 16.
    fileprivate func chunks(ofRow row: Int) -> [Range<Int>] {
        var parts: [Range<Int>] = []
        words.withUnsafeBufferPointer { words in
            for word in 0..<wordsPerRow {
                let bits = words[row * wordsPerRow + word]
                guard bits != 0 else { continue }
                for quarter in 0..<4 where bits >> UInt64(16 * quarter) & 0xffff != 0 {
                    let start = 64 * word + 16 * quarter
                    if let last = parts.last, last.upperBound == start {
                        parts[parts.count - 1] = last.lowerBound..<start + 16
                    } else {
                        parts.append(start..<start + 16)
                    }
                }
            }
        }
        return parts
    }
}
