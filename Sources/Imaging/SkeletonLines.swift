internal import NDArray

/// The middle lines of what is set: its skeleton without the spurs that lead into corners, as lines of (row, column) in pixels.
///
/// The skeleton of a ribbon forks at its ends towards the corners. A branch with a free end is such a spur, and goes, when it is
/// not longer than `spurFactor` times the distance from its fork to the nearest unset pixel: a corner of angle α makes 1 / sin(α/2)
/// of it, √2 a right one. What is left is followed from fork to fork and smoothed over `smoothing` pixels to each side, ends kept.
///
/// - Parameters:
///   - spurFactor: 0 keeps every branch.
///   - smoothing: in pixels; takes out the steps of the raster, which would lengthen a slanted line by up to 8 %.
/// - Returns: at least one line for each connected part; a part whose skeleton is one pixel gives a line of one point.
/// - Complexity: O(pixels).
public func skeletonLines(of image: BitImage, spurFactor: Double = 2, smoothing: Int = 5) -> [[SIMD2<Double>]] {
    var graph = SkeletonGraph(skeleton(of: image))
    // A fork whose spurs went may leave a branch with a free end; a few rounds settle even frayed ribbons.
    for _ in 0..<8 where spurFactor > 0 {
        let spurs = graph.branches.filter { branch in
            guard !branch.isLoop, branch.freeEnds == 1, let fork = branch.fork else { return false }
            guard let width = distanceToUnset(from: fork, in: image) else { return false }
            return graph.length(of: branch) <= spurFactor * Double(width)
        }
        guard !spurs.isEmpty else { break }
        graph.remove(spurs)
    }
    return graph.branches.map { branch in
        let line = branch.pixels.map { SIMD2(Double($0 / image.columns), Double($0 % image.columns)) }
        return branch.isLoop ? line : smoothed(line, reach: smoothing)
    }
}

/// Points along a line, `step` apart and as far from both ends; at least one.
///
/// - Returns: ⌊length / step⌋ points, or the middle of a shorter line.
public func pointsAlong(_ line: [SIMD2<Double>], step: Double) -> [SIMD2<Double>] {
    precondition(step > 0, "Points cannot be \(step) apart.")
    guard line.count > 1 else { return line }
    var lengths = [0.0]
    for (first, second) in zip(line, line.dropFirst()) {
        let move = second - first
        lengths.append(lengths[lengths.count - 1] + (move.x * move.x + move.y * move.y).squareRoot())
    }
    let total = lengths[lengths.count - 1]
    let count = max(Int(total / step), 1)
    let margin = (total - Double(count - 1) * step) / 2
    var segment = 0
    return (0..<count).map { index in
        let place = margin + Double(index) * step
        while segment < line.count - 2, lengths[segment + 1] < place { segment += 1 }
        let length = lengths[segment + 1] - lengths[segment]
        let share = length > 0 ? min(max((place - lengths[segment]) / length, 0), 1) : 0
        return line[segment] + (line[segment + 1] - line[segment]) * share
    }
}

/// The mean of each point and as many to each side as there are, at most `reach`.
private func smoothed(_ line: [SIMD2<Double>], reach: Int) -> [SIMD2<Double>] {
    line.indices.map { index in
        let around = min(reach, index, line.count - 1 - index)
        var sum = SIMD2<Double>.zero
        for near in index - around...index + around { sum += line[near] }
        return sum / Double(2 * around + 1)
    }
}

/// The distance of a set pixel to the nearest unset one, as `distanceTransform(of:)` has it; nil where no pixel is unset.
///
/// Rows are looked at from the pixel's own outward, until they are farther than what was found.
private func distanceToUnset(from pixel: Int, in image: BitImage) -> Float? {
    let (row, column) = (pixel / image.columns, pixel % image.columns)
    var best = Int.max
    var away = 0
    while away < image.rows, away * away < best {
        for other in away == 0 ? [row] : [row - away, row + away] where other >= 0 && other < image.rows {
            guard let across = image.columnsToUnset(row: other, column: column) else { continue }
            best = min(best, away * away + across * across)
        }
        away += 1
    }
    return best == .max ? nil : Float(Double(best).squareRoot())
}

extension BitImage {
    /// How many columns lie between a place and the nearest unset pixel of its row; nil where all are set.
    fileprivate func columnsToUnset(row: Int, column: Int) -> Int? {
        let start = row * wordsPerRow
        // Bits beyond the last column are no pixels.
        func unset(_ word: Int) -> UInt64 { ~words[start + word] & (word + 1 < wordsPerRow ? .max : tailMask) }
        let own = column >> 6
        var nearest: Int?
        var (word, bits) = (own, unset(own) & (.max << UInt64(column & 63)))
        while bits == 0, word + 1 < wordsPerRow {
            word += 1
            bits = unset(word)
        }
        if bits != 0 { nearest = word * 64 + bits.trailingZeroBitCount - column }
        (word, bits) = (own, unset(own) & (.max >> UInt64(63 - column & 63)))
        while bits == 0, word > 0, 64 * (own - word) < nearest ?? .max {
            word -= 1
            bits = unset(word)
        }
        if bits != 0 { nearest = min(nearest ?? .max, column - (word * 64 + 63 - bits.leadingZeroBitCount)) }
        return nearest
    }
}

/// A skeleton's pixels with the links between them.
private struct SkeletonGraph {
    struct Branch {
        /// From one end to the other, both included.
        var pixels: [Int]
        var freeEnds: Int
        /// The end that is a fork, where the other is free.
        var fork: Int?
        var isLoop: Bool
    }

    /// What is set.
    private var image: BitImage
    private(set) var branches: [Branch] = []

    init(_ image: BitImage) {
        self.image = image
        branches = traced()
    }

    /// Calls `body` with each neighbour of a pixel. A diagonal one counts only where no third pixel joins the two: a corner is no fork.
    @inline(__always) private func forEachNeighbour(of pixel: Int, _ body: (Int) -> Void) {
        let columns = image.columns
        let (row, column) = (pixel / columns, pixel % columns)
        let (hasAbove, hasBelow) = (row > 0, row + 1 < image.rows)
        let (hasLeft, hasRight) = (column > 0, column + 1 < columns)
        let north = hasAbove && image[row - 1, column]
        let east = hasRight && image[row, column + 1]
        let south = hasBelow && image[row + 1, column]
        let west = hasLeft && image[row, column - 1]
        if north { body(pixel - columns) }
        if east { body(pixel + 1) }
        if south { body(pixel + columns) }
        if west { body(pixel - 1) }
        if hasAbove, hasRight, !north, !east, image[row - 1, column + 1] { body(pixel - columns + 1) }
        if hasBelow, hasRight, !south, !east, image[row + 1, column + 1] { body(pixel + columns + 1) }
        if hasBelow, hasLeft, !south, !west, image[row + 1, column - 1] { body(pixel + columns - 1) }
        if hasAbove, hasLeft, !north, !west, image[row - 1, column - 1] { body(pixel - columns - 1) }
    }

    func length(of branch: Branch) -> Double {
        zip(branch.pixels, branch.pixels.dropFirst()).reduce(0) { sum, pair in
            let step = abs(pair.1 - pair.0)
            return sum + (step == 1 || step == image.columns ? 1 : 2.0.squareRoot())
        }
    }

    /// Takes branches out, their forks left, and follows what remains anew.
    mutating func remove(_ spurs: [Branch]) {
        for spur in spurs {
            for pixel in spur.pixels where pixel != spur.fork {
                image[pixel / image.columns, pixel % image.columns] = false
            }
        }
        branches = traced()
    }

    private func traced() -> [Branch] {
        // Pixels are counted in their order; their number is that of the pixels before their word and of those before them in it.
        var pixels: [Int] = []
        image.forEachSet { pixels.append($0) }
        var before: [Int] = []
        before.reserveCapacity(image.words.count)
        var total = 0
        for word in image.words {
            before.append(total)
            total += word.nonzeroBitCount
        }
        func number(_ pixel: Int) -> Int {
            let (row, column) = (pixel / image.columns, pixel % image.columns)
            let word = row * image.wordsPerRow + column >> 6
            return before[word] + (image.words[word] & ((1 << UInt64(column & 63)) - 1)).nonzeroBitCount
        }
        // A pixel's neighbours are `links[starts[number] ..< starts[number + 1]]`.
        var links: [Int] = []
        var starts = [0]
        links.reserveCapacity(2 * pixels.count)
        starts.reserveCapacity(pixels.count + 1)
        for pixel in pixels {
            forEachNeighbour(of: pixel) { links.append($0) }
            starts.append(links.count)
        }
        func neighbours(_ pixel: Int) -> Range<Int> {
            let number = number(pixel)
            return starts[number]..<starts[number + 1]
        }
        func degree(_ pixel: Int) -> Int { neighbours(pixel).count }
        var branches: [Branch] = []
        var isFollowed = [Bool](repeating: false, count: pixels.count)
        func follow(from start: Int, to next: Int) -> [Int] {
            var line = [start, next]
            var (last, here) = (start, next)
            while here != start {
                let around = neighbours(here)
                guard around.count == 2 else { break }
                let ahead = links[around.lowerBound] != last ? links[around.lowerBound] : links[around.lowerBound + 1]
                isFollowed[number(here)] = true
                line.append(ahead)
                (last, here) = (here, ahead)
            }
            return line
        }
        for (place, pixel) in pixels.enumerated() where starts[place + 1] - starts[place] != 2 {
            if starts[place + 1] == starts[place] {
                branches.append(Branch(pixels: [pixel], freeEnds: 2, fork: nil, isLoop: false))
            }
            for next in links[starts[place]..<starts[place + 1]] {
                let line = follow(from: pixel, to: next)
                let end = line[line.count - 1]
                // Every branch is met from both of its ends; it is kept from the first of them.
                let isBackward = (end, line[line.count - 2]) < (pixel, next)
                guard !isBackward else { continue }
                let ends = [pixel, end]
                let free = ends.count { degree($0) == 1 }
                branches.append(
                    Branch(
                        pixels: line, freeEnds: free, fork: free == 1 ? ends.first { degree($0) > 2 } : nil,
                        isLoop: end == pixel))
            }
        }
        for (place, pixel) in pixels.enumerated()
        where starts[place + 1] - starts[place] == 2 && !isFollowed[place] {
            let line = follow(from: pixel, to: links[starts[place]])
            isFollowed[place] = true
            branches.append(Branch(pixels: line, freeEnds: 0, fork: nil, isLoop: true))
        }
        return branches
    }
}
