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
        var band = mask.dilated(radiusPx: bandPx) & ~mask.eroded(radiusPx: bandPx)
        if let within { band = band & within }
        let (inner, outer) = (mean(of: inside, in: image), mean(of: outside, in: image))
        var result = mask
        band.forEachSet { pixel in
            let (one, other) = (inner.at(pixel), outer.at(pixel))
            guard min(one.share, other.share) >= leastShare, one.mean != other.mean else { return }
            let level = image.elements[pixel]
            let isInside = abs(level - one.mean) < abs(level - other.mean)
            result[pixel / mask.columns, pixel % mask.columns] = isInside
        }
        return result
    }

    private func mean(of side: Side, in image: Image<Float>) -> LocalMean {
        switch side {
        case .level(let level): return LocalMean(level: level, sums: nil, shares: nil)
        case .samples(let samples):
            let ones = Image<Float>(rows: image.rows, columns: image.columns, filledWith: 1)
            return LocalMean(
                level: 0,
                sums: meanFilter(
                    samples.select(image, otherwise: 0, threads: threads), size: windowPx, threads: threads),
                shares: meanFilter(
                    samples.select(ones, otherwise: 0, threads: threads), size: windowPx, threads: threads))
        }
    }
}

/// The mean brightness of samples in the window around each pixel.
private struct LocalMean {
    let level: Float
    let sums: Image<Float>?
    let shares: Image<Float>?

    func at(_ pixel: Int) -> (mean: Float, share: Float) {
        guard let sums, let shares else { return (level, 1) }
        let share = shares.elements[pixel]
        return (share > 0 ? sums.elements[pixel] / share : 0, share)
    }
}
