public import NDArray

/// Gray values at even distances along a line of an image, both ends included.
///
/// - Parameters:
///   - pathPx: (row, column) of the line's corners, px; at least two.
///   - count: number of values, at least 2.
///   - widthPx: the mean is taken over a band so wide across the line, sampled each pixel; 1 is the line alone.
/// - Returns: `count` values, bilinear between pixels; nil where the line has no length or leaves the image.
///
/// **Reference**: the paper, Methods 3.7: "200 equidistant intensity values sampled along a 1-pixel wide line perpendicular to the
/// cortical surface, extending from the pial boundary to the gray–white matter interface".
public func intensityProfile(
    _ image: Image<Float>, along pathPx: [SIMD2<Double>], count: Int, widthPx: Double = 1
) -> [Float]? {
    precondition(count >= 2, "A profile needs two values at least.")
    precondition(widthPx >= 1, "A line is one pixel wide at least.")
    var starts = [0.0]
    for index in 1..<max(pathPx.count, 1) {
        let piece = pathPx[index] - pathPx[index - 1]
        starts.append(starts[index - 1] + (piece * piece).sum().squareRoot())
    }
    guard let whole = starts.last, whole > 0, whole.isFinite else { return nil }
    let lanes = max(1, Int(widthPx.rounded()))
    var profile = [Float](repeating: 0, count: count)
    var piece = 0
    for index in 0..<count {
        let target = whole * Double(index) / Double(count - 1)
        while piece + 2 < pathPx.count, starts[piece + 1] <= target { piece += 1 }
        let size = starts[piece + 1] - starts[piece]
        let heading = pathPx[piece + 1] - pathPx[piece]
        let place = pathPx[piece] + heading * (size > 0 ? min((target - starts[piece]) / size, 1) : 0)
        let across = size > 0 ? SIMD2(-heading.y, heading.x) / size : SIMD2(0, 0)
        var sum: Float = 0
        for lane in 0..<lanes {
            let shift = Double(lane) - Double(lanes - 1) / 2
            guard let value = image.bilinear(at: place + across * shift) else { return nil }
            sum += value
        }
        profile[index] = sum / Float(lanes)
    }
    return profile
}

/// Takes the mean away and divides by the standard deviation (of the values, not of a sample: ÷ n).
///
/// - Returns: nil where the values do not vary or one of them is no number.
public func standardScores(_ values: [Float]) -> [Float]? {
    guard !values.isEmpty, values.allSatisfy(\.isFinite) else { return nil }
    let count = Double(values.count)
    let mean = values.reduce(0) { $0 + Double($1) } / count
    let variance = values.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / count
    guard variance > 1e-12 * max(mean * mean, 1) else { return nil }
    let scale = 1 / variance.squareRoot()
    return values.map { Float((Double($0) - mean) * scale) }
}

extension Image where Element == Float {
    /// The value between pixels; a place up to half a pixel off the image has that of its edge, nil beyond.
    func bilinear(at place: SIMD2<Double>) -> Float? {
        guard place.x >= -0.5, place.y >= -0.5, place.x <= Double(rows) - 0.5, place.y <= Double(columns) - 0.5,
            rows > 0, columns > 0
        else { return nil }
        let row = min(max(place.x, 0), Double(rows - 1))
        let column = min(max(place.y, 0), Double(columns - 1))
        let (i, j) = (min(Int(row), max(rows - 2, 0)), min(Int(column), max(columns - 2, 0)))
        let (u, v) = (Float(row - Double(i)), Float(column - Double(j)))
        let (below, right) = (min(i + 1, rows - 1), min(j + 1, columns - 1))
        let upper = self[i, j] + v * (self[i, right] - self[i, j])
        let lower = self[below, j] + v * (self[below, right] - self[below, j])
        return upper + u * (lower - upper)
    }
}
