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
    let distance = distanceTransform(of: image)
    var graph = SkeletonGraph(skeleton(of: image))
    // A fork whose spurs went may leave a branch with a free end; a few rounds settle even frayed ribbons.
    for _ in 0..<8 where spurFactor > 0 {
        let spurs = graph.branches.filter { branch in
            guard !branch.isLoop, branch.freeEnds == 1, let fork = branch.fork else { return false }
            let width = Double(distance.elements[fork])
            return width.isFinite && graph.length(of: branch) <= spurFactor * width
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

    private let rows: Int
    private let columns: Int
    private var isSet: [Bool]
    /// What is set, ascending.
    private var pixels: [Int] = []
    private(set) var branches: [Branch] = []

    init(_ image: BitImage) {
        (rows, columns) = (image.rows, image.columns)
        isSet = [Bool](repeating: false, count: rows * columns)
        image.forEachSet {
            isSet[$0] = true
            pixels.append($0)
        }
        branches = traced()
    }

    /// Neighbours of a pixel. A diagonal one counts only where no third pixel joins the two: a corner is no fork.
    private func neighbours(_ pixel: Int) -> [Int] {
        let (row, column) = (pixel / columns, pixel % columns)
        func has(_ down: Int, _ right: Int) -> Bool {
            let (r, c) = (row + down, column + right)
            return r >= 0 && c >= 0 && r < rows && c < columns && isSet[r * columns + c]
        }
        var found: [Int] = []
        for (down, right) in [(-1, 0), (0, 1), (1, 0), (0, -1)] where has(down, right) {
            found.append(pixel + down * columns + right)
        }
        for (down, right) in [(-1, 1), (1, 1), (1, -1), (-1, -1)]
        where has(down, right) && !has(down, 0) && !has(0, right) {
            found.append(pixel + down * columns + right)
        }
        return found
    }

    func length(of branch: Branch) -> Double {
        zip(branch.pixels, branch.pixels.dropFirst()).reduce(0) { sum, pair in
            let step = abs(pair.1 - pair.0)
            return sum + (step == 1 || step == columns ? 1 : 2.0.squareRoot())
        }
    }

    /// Takes branches out, their forks left, and follows what remains anew.
    mutating func remove(_ spurs: [Branch]) {
        for spur in spurs {
            for pixel in spur.pixels where pixel != spur.fork { isSet[pixel] = false }
        }
        pixels.removeAll { !isSet[$0] }
        branches = traced()
    }

    private func traced() -> [Branch] {
        let links = pixels.reduce(into: [Int: [Int]]()) { $0[$1] = neighbours($1) }
        func degree(_ pixel: Int) -> Int { links[pixel]?.count ?? 0 }
        var branches: [Branch] = []
        var isFollowed = Set<Int>()
        func follow(from start: Int, to next: Int) -> [Int] {
            var line = [start, next]
            var (last, here) = (start, next)
            while here != start, degree(here) == 2, let ahead = links[here]?.first(where: { $0 != last }) {
                isFollowed.insert(here)
                line.append(ahead)
                (last, here) = (here, ahead)
            }
            return line
        }
        for pixel in pixels where degree(pixel) != 2 {
            if degree(pixel) == 0 { branches.append(Branch(pixels: [pixel], freeEnds: 2, fork: nil, isLoop: false)) }
            for next in links[pixel] ?? [] {
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
        for pixel in pixels where degree(pixel) == 2 && !isFollowed.contains(pixel) {
            guard let next = links[pixel]?.first else { continue }
            let line = follow(from: pixel, to: next)
            isFollowed.insert(pixel)
            branches.append(Branch(pixels: line, freeEnds: 0, fork: nil, isLoop: true))
        }
        return branches
    }
}
