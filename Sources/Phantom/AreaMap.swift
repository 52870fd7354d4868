internal import NDArray

/// Which area each place of the species' cortex belongs to: a Voronoi map of centres on the hull of the right hemisphere with
/// wavy borders; the left is its mirror image.
struct AreaMap: Sendable {
    /// Centres of the areas on the hull, in mm, right hemisphere.
    let centresMm: [PointMm]
    private let waves: [WaveNoise]
    /// The same centres, eight side by side.
    private let eights: [EightPoints]

    /// Places the centres evenly: k-means over the given points of the hull.
    ///
    /// - Parameter hull: points spread evenly over the hull of the right hemisphere.
    init(hull: [PointMm], count: Int, generator: inout SeededGenerator) {
        waves = (0..<3).map { _ in WaveNoise(wavelengthMm: 13, bandwidth: 0.4, waves: 16, generator: &generator) }
        // Farthest points first, so that no centre starts in another's place.
        var centres: [PointMm] = hull.isEmpty ? [] : [hull[generator.index(below: hull.count)]]
        while centres.count < min(count, hull.count) {
            let next = hull.max { left, right in
                (centres.map { left.square(to: $0) }.min() ?? 0) < (centres.map { right.square(to: $0) }.min() ?? 0)
            }
            if let next { centres.append(next) }
        }
        for _ in 0..<12 {
            var sums = [SIMD4<Double>](repeating: .zero, count: centres.count)
            for point in hull {
                let owner = nearest(centres, to: point)
                sums[owner] += SIMD4(Double(point.plane), Double(point.row), Double(point.column), 1)
            }
            for (index, sum) in sums.enumerated() where sum[3] > 0 {
                centres[index] = PointMm(
                    plane: Float(sum[0] / sum[3]), row: Float(sum[1] / sum[3]), column: Float(sum[2] / sum[3]))
            }
        }
        // From front to back, so that a name says about where an area lies.
        let sorted = centres.sorted { ($0.plane, $0.row) > ($1.plane, $1.row) }
        centresMm = sorted
        eights = stride(from: 0, to: sorted.count, by: 8).map { EightPoints(sorted[$0..<min($0 + 8, sorted.count)]) }
    }

    /// A point of the hull in the coordinates that the map is straight in: mirrored to the right, with the borders' waves.
    ///
    /// - Parameter side: −1 left, 1 right.
    func place(onHull point: PointMm, side: Float) -> PointMm {
        let mirrored = PointMm(plane: point.plane, row: point.row, column: point.column * side)
        return PointMm(
            plane: mirrored.plane + 1.3 * waves[0].value(mirrored), row: mirrored.row + 1.3 * waves[1].value(mirrored),
            column: mirrored.column + 1.3 * waves[2].value(mirrored))
    }

    /// The area, 1 … n, of a place.
    func area(at place: PointMm) -> UInt8 {
        var (best, square) = (0, Float.greatestFiniteMagnitude)
        for (group, eight) in eights.enumerated() {
            let squares = eight.squares(to: place)
            for lane in 0..<8 where squares[lane] < square { (best, square) = (8 * group + lane, squares[lane]) }
        }
        return UInt8(best + 1)
    }

    /// The mean of one value an area, by nearness to the areas: the area's own inside, blended over about 2 mm at borders.
    func blended(_ values: [Float], at place: PointMm) -> Float {
        let distances = centresMm.map { $0.square(to: place).squareRoot() }
        let least = distances.min() ?? 0
        var (sum, weights) = (Float(0), Float(0))
        for (value, distance) in zip(values, distances) where distance - least < 8 {
            let weight = Math.expf(-(distance - least) / 1.2)
            sum += weight * value
            weights += weight
        }
        return weights > 0 ? sum / weights : 1
    }
}

extension PointMm {
    /// Square of the distance to another point.
    func square(to other: PointMm) -> Float {
        let (a, b, c) = (plane - other.plane, row - other.row, column - other.column)
        return a * a + b * b + c * c
    }
}

/// Up to eight points side by side; those that are missing are infinitely far.
private struct EightPoints: Sendable {
    private var plane = SIMD8<Float>(repeating: .infinity)
    private var row = SIMD8<Float>(repeating: .infinity)
    private var column = SIMD8<Float>(repeating: .infinity)

    init(_ points: ArraySlice<PointMm>) {
        for (lane, point) in points.enumerated() {
            (plane[lane], row[lane], column[lane]) = (point.plane, point.row, point.column)
        }
    }

    /// Squares of the distances to a point, as `PointMm.square(to:)` has them.
    @inline(__always) func squares(to point: PointMm) -> SIMD8<Float> {
        let (a, b, c) = (plane - point.plane, row - point.row, column - point.column)
        return a * a + b * b + c * c
    }
}

private func nearest(_ centres: [PointMm], to point: PointMm) -> Int {
    var (best, square) = (0, Float.greatestFiniteMagnitude)
    for (index, centre) in centres.enumerated() {
        let here = centre.square(to: point)
        if here < square { (best, square) = (index, here) }
    }
    return best
}
