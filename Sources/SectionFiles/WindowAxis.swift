/// Where the pixels of a window come from along one axis of a level: runs of old pixels with weights, or one old pixel each.
///
/// Old pixels are counted on an endless line: outside the image it continues by reflection about its outer edges
/// (d c b a | a b c d | d c b a). A new pixel of `factor` > 1 old ones is their mean with exact fractions; with `factor` < 1 it is
/// interpolated between two old centres. Where old pixels are not larger than new ones the window's edge is moved to the
/// nearest edge of an old pixel, so that pixels of the same size are taken as they are.
struct WindowAxis: Sendable {
    /// New pixels.
    let side: Int
    /// First old pixel on the endless line, and how many there are.
    let start: Int
    let count: Int
    /// First old pixel of each new one, from `start`.
    let first: [Int32]
    /// Where the weights of each new pixel start; one more at the end. Empty where every new pixel is one old one.
    let starts: [Int32]
    let weights: [Float]

    var isCopy: Bool { starts.isEmpty }

    /// - Parameters:
    ///   - centre: the window's centre in old pixels from the outer edge of the first one.
    ///   - side: new pixels.
    ///   - factor: old pixels a new one, positive.
    init(centre: Double, side: Int, factor asked: Double) {
        // A tenth of an old pixel over the whole window is rounding of the file's resolution, not a scale.
        let whole = asked.rounded()
        let factor = whole >= 1 && abs(asked - whole) * Double(side) < 0.1 ? whole : asked
        let edge = centre - Double(side) / 2 * factor
        self.side = side
        if factor >= 1 {
            let low = (edge + 0.5).rounded(.down)
            start = Int(low)
            if factor == 1 {
                count = side
                (first, starts, weights) = ([], [], [])
                return
            }
            count = Int((Double(side) * factor - 1e-9).rounded(.up))
        } else {
            start = Int((edge + 0.5 * factor - 0.5).rounded(.down))
            let last = Int((edge + (Double(side) - 0.5) * factor - 0.5).rounded(.down)) + 1
            count = last - start + 1
        }
        var first: [Int32] = []
        var starts: [Int32] = [0]
        var weights: [Float] = []
        for index in 0..<side {
            if factor >= 1 {
                let low = Double(index) * factor
                let high = low + factor
                let from = Int(low)
                let to = min(max(from + 1, Int((high - 1e-9).rounded(.up))), count)
                first.append(Int32(from))
                for old in from..<to {
                    weights.append(Float((min(Double(old + 1), high) - max(Double(old), low)) / factor))
                }
            } else {
                let place = edge + (Double(index) + 0.5) * factor - 0.5
                let from = place.rounded(.down)
                let fraction = Float(place - from)
                first.append(Int32(Int(from) - start))
                weights += [1 - fraction, fraction]
            }
            starts.append(Int32(weights.count))
        }
        (self.first, self.starts, self.weights) = (first, starts, weights)
    }

    /// The pixel inside `0 ..< length` that one of the endless line stands for.
    @inline(__always) static func reflected(_ index: Int, length: Int) -> Int {
        if index >= 0 && index < length { return index }
        let period = 2 * length
        let folded = ((index % period) + period) % period
        return folded < length ? folded : period - 1 - folded
    }

    /// The new pixels that may have a part of some old ones, which are counted from `start`.
    func new(over old: Range<Int>, factor: Double) -> Range<Int> {
        let first = min(max(Int((Double(old.lowerBound - 1) / factor).rounded(.down)) - 1, 0), side - 1)
        let last = min(max(Int((Double(old.upperBound + 1) / factor).rounded(.up)) + 1, first + 1), side)
        return first..<last
    }

    /// Whether no old pixel is a reflected one.
    func isInside(length: Int) -> Bool { start >= 0 && start + count <= length }

    /// The old pixels inside an image of a length that are needed.
    func needed(length: Int) -> Range<Int> {
        if isInside(length: length) { return start..<start + count }
        var (low, high) = (length - 1, 0)
        for index in start..<start + count {
            let place = WindowAxis.reflected(index, length: length)
            low = min(low, place)
            high = max(high, place)
        }
        return low..<high + 1
    }
}
