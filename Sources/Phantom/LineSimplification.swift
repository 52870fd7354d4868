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
