public import NDArray

/// Moves the edge of a mask to where the brightness is half-way between that of its two sides.
///
/// One threshold for a whole section lies half-way at no edge in particular: the one that keeps pale white matter apart from the
/// slide lies near the slide's level, and a dark cortex then reaches a pixel or two out into the blur of its edge, which closes
/// narrow sulci. So each pixel beside the edge is judged anew, by the mean brightness of both sides in a window around it; the
/// pixels next to the edge, which blur has mixed, do not count for the means.
///
/// Reference: S. Lankton, A. Tannenbaum, IEEE Trans. Image Process. 17, 2029 (2008), doi:10.1109/TIP.2008.2004611, the localised
/// means energy. Differs: only pixels near the edge can change, and the means leave out the edge's blur.
public struct HalfWayEdge: Sendable {
    /// What one side looks like.
    public enum Side: Sendable {
        /// As bright as these pixels are on average, in the window.
        case samples(BitImage)
        /// The same everywhere.
        case level(Float)
    }

    /// Side of the window in which the means are taken, in pixels.
    public var windowPx: Int
    /// How far a pixel may lie from the edge to be judged.
    public var bandPx: Double
    /// Share of the window that samples must fill; with less of them a pixel stays what it is.
    public var leastShare: Float
    public var threads: Int

    public init(windowPx: Int, bandPx: Double = 3, leastShare: Float = 0.02, threads: Int = 1) {
        precondition(
            windowPx >= 1 && bandPx >= 0, "A window of \(windowPx) pixels and a band of \(bandPx) hold nothing.")
        self.windowPx = windowPx
        self.bandPx = bandPx
        self.leastShare = leastShare
        self.threads = threads
    }

    /// The mask with its edge moved once.
    ///
    /// - Parameters:
    ///   - mask: its edge is near the right place already.
    ///   - image: brightness, at most slightly blurred.
    ///   - within: nothing outside changes; nil lets all of it.
    public func moved(
        _ mask: BitImage, in image: Image<Float>, inside: Side, outside: Side, within: BitImage? = nil
    ) -> BitImage {
        guard !mask.isEmpty else { return mask }
        let nearEdge = mask.dilated(radiusPx: bandPx) & ~mask.eroded(radiusPx: bandPx)
        let band = within.map { nearEdge & $0 } ?? nearEdge
        guard image.count > 0 else { return mask }
        var result = mask
        result.words.withUnsafeMutableBufferPointer { words in
            let words = DisjointSlices(words)
            // At a part's edges the rows' sums are made twice: a part is tall against the window.
            parallelBands(image.rows, band: max(128, 4 * windowPx), threads: threads) { rows in
                var inner = LocalMean(inside, image, side: windowPx, at: band, rows: rows)
                var outer = LocalMean(outside, image, side: windowPx, at: band, rows: rows)
                for row in rows {
                    let line = row * band.wordsPerRow..<(row + 1) * band.wordsPerRow
                    guard band.words[line].contains(where: { $0 != 0 }) else { continue }
                    inner.move(to: row)
                    outer.move(to: row)
                    for (index, bits) in zip(line, band.words[line]) {
                        var left = bits
                        while left != 0 {
                            let bit = left.trailingZeroBitCount
                            left &= left - 1
                            let column = (index - line.lowerBound) * 64 + bit
                            let (one, other) = (inner.at(column), outer.at(column))
                            guard min(one.share, other.share) >= leastShare, one.mean != other.mean else { continue }
                            let level = image.elements[row * image.columns + column]
                            if abs(level - one.mean) < abs(level - other.mean) {
                                words[index] |= 1 << UInt64(bit)
                            } else {
                                words[index] &= ~(1 << UInt64(bit))
                            }
                        }
                    }
                }
            }
        }
        return result
    }
}

/// The mean brightness of one side in the windows around a row's pixels.
private struct LocalMean {
    private let level: Float
    private var means: SampleMeans?
    private var sums: [Float] = []
    private var shares: [Float] = []

    init(_ side: HalfWayEdge.Side, _ image: Image<Float>, side windowPx: Int, at band: BitImage, rows: Range<Int>) {
        switch side {
        case .level(let level): self.level = level
        case .samples(let samples):
            level = 0
            means = SampleMeans(image, samples: samples, side: windowPx, at: band, rows: rows)
            sums = Array(repeating: 0, count: image.columns + 15)
            shares = sums
        }
    }

    mutating func move(to row: Int) {
        sums.withUnsafeMutableBufferPointer { sums in
            shares.withUnsafeMutableBufferPointer { shares in means?.fill(sums, shares, row: row) }
        }
    }

    func at(_ column: Int) -> (mean: Float, share: Float) {
        guard !shares.isEmpty else { return (level, 1) }
        let share = shares[column]
        return (share > 0 ? sums[column] / share : 0, share)
    }
}
