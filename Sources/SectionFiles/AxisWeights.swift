/// How the pixels of one axis of a new grid are made from those of the old: a weight for each old pixel under a new one.
///
/// A new pixel of `factor` ≥ 1 old ones is their mean over its extent, with exact fractions of the pixels that its ends cut.
/// With `factor` < 1 (enlarging) a new pixel is interpolated linearly between the two old centres beside its own. The new grid
/// starts at the outer edge of the first old pixel; a last new pixel that sticks out is made from what there is.
struct AxisWeights: Sendable, Equatable {
    /// Number of old pixels.
    let oldCount: Int
    /// Number of new pixels.
    let count: Int
    /// First old pixel of each new one.
    let first: [Int]
    /// Where the weights of each new pixel start in `weights`; one more at the end.
    let starts: [Int]
    /// Positive, and of sum 1 for each new pixel.
    let weights: [Float]

    /// - Parameters:
    ///   - oldCount: old pixels, at least 1.
    ///   - factor: old pixels a new one, positive.
    ///   - isFlipped: lay the new grid from the far end, so that flipping the result gives what flipping the old
    ///     pixels first would give. New pixels are still numbered from the near end.
    init(oldCount: Int, factor: Double, isFlipped: Bool = false) {
        precondition(oldCount >= 1 && factor > 0 && factor.isFinite, "\(oldCount) pixels by a factor of \(factor)")
        let length = Double(oldCount)
        // An excess of less than a thousandth of a new pixel is rounding, not a pixel.
        let count = max(1, Int((length / factor - 1e-3).rounded(.up)))
        let shift = isFlipped ? length - Double(count) * factor : 0
        var first: [Int] = []
        var starts = [0]
        var weights: [Float] = []
        for index in 0..<count {
            if factor >= 1 {
                let low = max(0, Double(index) * factor + shift)
                let high = min(length, Double(index + 1) * factor + shift)
                let from = min(Int(low), oldCount - 1)
                let to = max(from + 1, min(Int(high.rounded(.up)), oldCount))
                first.append(from)
                var extent = 0.0
                for old in from..<to { extent += max(0, min(Double(old + 1), high) - max(Double(old), low)) }
                if extent <= 0 { extent = 1 }
                for old in from..<to {
                    weights.append(Float(max(0, min(Double(old + 1), high) - max(Double(old), low)) / extent))
                }
            } else {
                let centre = min(max((Double(index) + 0.5) * factor + shift - 0.5, 0), length - 1)
                let from = min(Int(centre), max(oldCount - 2, 0))
                let fraction = Float(centre - Double(from))
                first.append(from)
                weights.append(1 - fraction)
                if oldCount > 1 { weights.append(fraction) }
            }
            starts.append(weights.count)
        }
        self.oldCount = oldCount
        self.count = count
        self.first = first
        self.starts = starts
        self.weights = weights
    }

    /// Whether every new pixel is the old one of its number.
    var isIdentity: Bool {
        first.elementsEqual(0..<oldCount) && weights.count == count && weights.allSatisfy { $0 == 1 }
    }

    /// The old pixels under a new one.
    func old(_ index: Int) -> Range<Int> {
        first[index]..<first[index] + starts[index + 1] - starts[index]
    }

    /// The new pixels that some old ones have a part in.
    func new(over old: Range<Int>) -> Range<Int> {
        // Both `first` and the ends of the extents grow with the index.
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if self.old(middle).upperBound > old.lowerBound { high = middle } else { low = middle + 1 }
        }
        let start = low
        high = count
        while low < high {
            let middle = (low + high) / 2
            if first[middle] >= old.upperBound { high = middle } else { low = middle + 1 }
        }
        return start..<low
    }

    /// How much of a new pixel some old ones make up, 0 … 1.
    func share(of index: Int, over old: Range<Int>) -> Float {
        let common = self.old(index).clamped(to: old)
        var sum: Float = 0
        for pixel in common { sum += weights[starts[index] + pixel - first[index]] }
        return sum
    }
}
