internal import NDArray

/// Lines on which a sampled field is zero, by marching squares with linear interpolation along the edges of the grid.
///
/// Each line runs with the positive side on its left hand (row down, column right); a closed one ends where it began. In
/// a square with two crossings the mean of the corners decides which are joined.
///
/// - Parameters:
///   - values: row-major on the grid.
///   - rectangle: the squares to look at, by their first corner.
/// - Returns: points (row, column) in elements of the grid.
///
/// **Reference**: Lorensen and Cline 1987, DOI 10.1145/37401.37422, in the plane.
func isoLines(
    of values: UnsafeBufferPointer<Float>, columns: Int, rows rowRange: Range<Int>, columns columnRange: Range<Int>
) -> [[SIMD2<Double>]] {
    // An edge is named by its first corner: 2i to the right of element i, 2i + 1 below it.
    var next: [Int: Int] = [:]
    var starts: [Int] = []
    guard !columnRange.isEmpty else { return [] }
    for row in rowRange {
        // The left corners of a square are the right ones of the one before it.
        var (upper, lower) = (
            values[row * columns + columnRange.lowerBound] > 0, values[(row + 1) * columns + columnRange.lowerBound] > 0
        )
        for column in columnRange {
            let index = row * columns + column
            let corners = (upper, values[index + 1] > 0, values[index + columns + 1] > 0, lower)
            (upper, lower) = (corners.1, corners.2)
            let code = (corners.0 ? 1 : 0) | (corners.1 ? 2 : 0) | (corners.2 ? 4 : 0) | (corners.3 ? 8 : 0)
            if code == 0 || code == 15 { continue }
            let (top, left) = (2 * index, 2 * index + 1)
            let (bottom, right) = (2 * (index + columns), 2 * (index + 1) + 1)
            func join(_ from: Int, _ to: Int) {
                next[from] = to
                starts.append(from)
            }
            let mean = values[index] + values[index + 1] + values[index + columns + 1] + values[index + columns]
            switch code {
            case 1: join(top, left)
            case 2: join(right, top)
            case 3: join(right, left)
            case 4: join(bottom, right)
            case 6: join(bottom, top)
            case 7: join(bottom, left)
            case 8: join(left, bottom)
            case 9: join(top, bottom)
            case 11: join(right, bottom)
            case 12: join(left, right)
            case 13: join(top, right)
            case 14: join(left, top)
            case 5:
                if mean > 0 {
                    join(top, right)
                    join(bottom, left)
                } else {
                    join(top, left)
                    join(bottom, right)
                }
            default:
                if mean > 0 {
                    join(left, top)
                    join(right, bottom)
                } else {
                    join(right, top)
                    join(left, bottom)
                }
            }
        }
    }
    func point(_ edge: Int) -> SIMD2<Double> {
        let index = edge / 2
        let (row, column) = (Double(index / columns), Double(index % columns))
        let isDown = edge % 2 == 1
        let (one, two) = (Double(values[index]), Double(values[isDown ? index + columns : index + 1]))
        let share = one / (one - two)
        return isDown ? SIMD2(row + share, column) : SIMD2(row, column + share)
    }
    // Open lines begin where no other segment ends; what is left are loops.
    let ends = Set(next.values)
    var lines: [[SIMD2<Double>]] = []
    for first in starts.filter({ !ends.contains($0) }) + starts {
        guard next[first] != nil else { continue }
        var line = [point(first)]
        var edge = first
        while let following = next.removeValue(forKey: edge) {
            line.append(point(following))
            edge = following
        }
        lines.append(line)
    }
    return lines
}

/// The line with points at most `step` apart, evenly between its ends; the corners between them are cut.
func resampled(_ line: [SIMD2<Double>], step: Double) -> [SIMD2<Double>] {
    guard let first = line.first, line.count > 1 else { return line }
    var lengths = [0.0]
    for (from, to) in zip(line, line.dropFirst()) {
        let along = to - from
        lengths.append(lengths[lengths.count - 1] + (along * along).sum().squareRoot())
    }
    let total = lengths[lengths.count - 1]
    guard total > 0 else { return [first] }
    let count = max(Int((total / step).rounded(.up)), 1)
    var result: [SIMD2<Double>] = []
    var segment = 0
    for index in 0...count {
        let place = total * Double(index) / Double(count)
        while segment < line.count - 2, lengths[segment + 1] < place { segment += 1 }
        let length = lengths[segment + 1] - lengths[segment]
        let share = length > 0 ? (place - lengths[segment]) / length : 0
        result.append(line[segment] + share * (line[segment + 1] - line[segment]))
    }
    return result
}

/// The line without points that lie within `tolerance` of the straight line that replaces them.
func simplified(_ line: [SIMD2<Double>], tolerance: Double) -> [SIMD2<Double>] {
    guard line.count > 2 else { return line }
    var result = [line[0]]
    var anchor = 0
    var end = 2
    while end < line.count {
        let along = line[end] - line[anchor]
        let length = max((along * along).sum().squareRoot(), 1e-9)
        // No chord of more than 40 points, so that the work stays linear.
        let fits =
            end - anchor < 40
            && (anchor + 1..<end).allSatisfy { middle in
                let off = line[middle] - line[anchor]
                return abs(along.x * off.y - along.y * off.x) / length <= tolerance
            }
        if !fits {
            anchor = end - 1
            result.append(line[anchor])
        }
        end += 1
    }
    result.append(line[line.count - 1])
    return result
}
