internal import NDArray

/// Which area each place of the species' cortex belongs to: a Voronoi map of centres on the hull of the right hemisphere with
/// wavy borders; the left is its mirror image.
struct AreaMap: Sendable {
    /// Centres of the areas on the hull, in mm, right hemisphere.
    let centresMm: [PointMm]
    private let waves: [WaveNoise]

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
        centresMm = centres.sorted { ($0.plane, $0.row) > ($1.plane, $1.row) }
    }

    /// The area, 1 … n, of a point of the hull; of a left point that of its mirror image.
    func area(onHull point: PointMm) -> UInt8 {
        var place = PointMm(plane: point.plane, row: point.row, column: abs(point.column))
        let wave = (waves[0].value(place), waves[1].value(place), waves[2].value(place))
        place.plane += 1.3 * wave.0
        place.row += 1.3 * wave.1
        place.column += 1.3 * wave.2
        return UInt8(nearest(centresMm, to: place) + 1)
    }
}

extension PointMm {
    /// Square of the distance to another point.
    func square(to other: PointMm) -> Float {
        let (a, b, c) = (plane - other.plane, row - other.row, column - other.column)
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
