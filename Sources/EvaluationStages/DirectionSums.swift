internal import StageKit
internal import Statistics

/// Sums of the points' directions (features of length 1) by brain and group: all that mean cosine similarities need.
///
/// The mean of the cosines of all pairs of two groups is the product of their mean directions, so that no pair is ever formed:
/// O(points · features) in time, O(brains · groups · features) in memory.
struct DirectionSums {
    private let width: Int
    private let groupCount: Int
    private let brainCount: Int
    private var sums: [Double]
    private var counts: [Int]

    init(_ table: FeatureTable, groups: AreaGroups, progress: (Double) -> Void = { _ in }) throws {
        let points = table.points
        (width, groupCount, brainCount) = (table.width, groups.keys.count, points.brains.count)
        sums = [Double](repeating: 0, count: brainCount * groupCount * width)
        counts = [Int](repeating: 0, count: brainCount * groupCount)
        try table.forEachBlock { range, block in
            for row in range where groups.group[row] >= 0 {
                let values = block.row(row - range.lowerBound)
                var square = 0.0
                for (column, value) in values.enumerated() {
                    guard value.isFinite else { throw table.notFinite(row, column, value) }
                    square += Double(value) * Double(value)
                }
                // A point without direction is alike to none, not even to itself.
                guard square > 0 else { continue }
                let scale = 1 / square.squareRoot()
                let place = Int(points.brain[row]) * groupCount + Int(groups.group[row])
                counts[place] += 1
                for (column, value) in values.enumerated() { sums[place * width + column] += Double(value) * scale }
            }
            progress(Double(range.upperBound) / Double(points.count))
        }
    }

    func pointCount(_ group: Int) -> Int {
        (0..<brainCount).reduce(0) { $0 + counts[$1 * groupCount + group] }
    }

    /// Mean cosine similarity of the points of two groups, `groups × groups`, a point's similarity to itself left out; NaN for groups of
    /// fewer than `leastPoints`.
    ///
    /// - Parameter brain: one, or all together.
    func similarity(brain: Int?, leastPoints: Int) -> [Double] {
        var total = [Double](repeating: 0, count: groupCount * width)
        var number = [Int](repeating: 0, count: groupCount)
        for index in brain.map({ [$0] }) ?? Array(0..<brainCount) {
            for group in 0..<groupCount {
                number[group] += counts[index * groupCount + group]
                for column in 0..<width {
                    total[group * width + column] += sums[(index * groupCount + group) * width + column]
                }
            }
        }
        var result = [Double](repeating: .nan, count: groupCount * groupCount)
        for first in 0..<groupCount where number[first] >= leastPoints {
            for second in first..<groupCount where number[second] >= leastPoints {
                var product = 0.0
                for column in 0..<width { product += total[first * width + column] * total[second * width + column] }
                let n = Double(number[first])
                let mean =
                    first == second ? (product - n) / (n * (n - 1)) : product / (n * Double(number[second]))
                result[first * groupCount + second] = mean
                result[second * groupCount + first] = mean
            }
        }
        return result
    }
}

/// How far a similarity matrix is made of blocks.
struct BlockContrast {
    /// Mean over the areas of the similarity of their own points.
    let within: Double
    /// Mean over the areas of the similarity of their left and right points.
    let acrossHemispheres: Double
    /// Mean over pairs of different areas.
    let between: Double

    init(_ similarity: [Double], groups: AreaGroups) {
        var (own, across, other): ([Double], [Double], [Double]) = ([], [], [])
        let count = groups.keys.count
        for first in 0..<count {
            for second in first..<count {
                let value = similarity[first * count + second]
                guard value.isFinite else { continue }
                if first == second {
                    own.append(value)
                } else if groups.keys[first].label == groups.keys[second].label {
                    across.append(value)
                } else {
                    other.append(value)
                }
            }
        }
        within = MeanAndDeviation(own).mean
        acrossHemispheres = MeanAndDeviation(across).mean
        between = MeanAndDeviation(other).mean
    }
}
