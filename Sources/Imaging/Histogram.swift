public import NDArray

/// How often each gray level 0 … 255 occurs in an image, inside a mask where one is given.
public func histogram(of image: Image<UInt8>, inside mask: BitImage? = nil) -> [Int] {
    var counts = [Int](repeating: 0, count: 256)
    image.elements.withUnsafeBufferPointer { pixels in
        if let mask {
            precondition(mask.rows == image.rows && mask.columns == image.columns, "Mask and image differ in size.")
            mask.forEachSet { counts[Int(pixels[$0])] += 1 }
        } else {
            // Four tables, so that runs of one level do not wait for their own counter.
            var tables = [UInt32](repeating: 0, count: 1024)
            tables.withUnsafeMutableBufferPointer { tables in
                var index = 0
                while index < pixels.count {
                    // 32-bit counters hold four billion; a block is far below.
                    let end = min(pixels.count, index + (1 << 30))
                    while index + 4 <= end {
                        tables[Int(pixels[index])] &+= 1
                        tables[256 + Int(pixels[index + 1])] &+= 1
                        tables[512 + Int(pixels[index + 2])] &+= 1
                        tables[768 + Int(pixels[index + 3])] &+= 1
                        index += 4
                    }
                    while index < end {
                        tables[Int(pixels[index])] &+= 1
                        index += 1
                    }
                    for level in 0..<256 {
                        counts[level] +=
                            Int(tables[level]) + Int(tables[256 + level]) + Int(tables[512 + level])
                            + Int(tables[768 + level])
                    }
                    tables.update(repeating: 0)
                }
            }
        }
    }
    return counts
}

/// The histogram smoothed by a median and then a mean along its levels; beyond its ends it goes on by reflection.
///
/// The paper's choice (Methods 3.2) is a median of 3 and a mean of 5. Single spikes go (a drawing's pure black, a
/// saturated level), and the minima that are left are those of the distribution rather than of its noise.
public func smoothedHistogram(_ counts: [Int], medianSize: Int = 3, meanSize: Int = 5) -> [Double] {
    precondition(medianSize >= 1 && meanSize >= 1, "A histogram is smoothed over at least one level.")
    guard !counts.isEmpty else { return [] }
    let medians = counts.indices.map { centre -> Double in
        let first = centre - medianSize / 2
        let window = (first..<first + medianSize).map { counts[reflectedIndex($0, count: counts.count)] }.sorted()
        return Double(window[medianSize / 2])
    }
    return medians.indices.map { centre -> Double in
        let first = centre - meanSize / 2
        let window = (first..<first + meanSize).map { medians[reflectedIndex($0, count: medians.count)] }
        return window.reduce(0, +) / Double(meanSize)
    }
}

/// The levels at which a curve has a local minimum; of a flat valley floor its middle level (the lower of two).
public func localMinima(of curve: [Double]) -> [Int] {
    var minima: [Int] = []
    var start = 1
    while start < curve.count - 1 {
        var end = start
        while end + 1 < curve.count && curve[end + 1] == curve[start] { end += 1 }
        if curve[start - 1] > curve[start], end + 1 < curve.count, curve[end + 1] > curve[start] {
            minima.append((start + end) / 2)
        }
        start = end + 1
    }
    return minima
}

/// How deep a minimum lies below the lower of the peaks that it parts, as a share of that peak: 0 for none, 1 for a
/// valley floor of zero.
///
/// A peak belongs to the minimum as far as the curve does not fall below the minimum on the way to it.
public func valleyDepth(of curve: [Double], at minimum: Int) -> Double {
    func peak(_ levels: some Sequence<Int>) -> Double {
        var highest = curve[minimum]
        for level in levels {
            if curve[level] < curve[minimum] { break }
            highest = max(highest, curve[level])
        }
        return highest
    }
    let lower = min(peak(stride(from: minimum, through: 0, by: -1)), peak(minimum..<curve.count))
    return lower > 0 ? 1 - curve[minimum] / lower : 0
}
