public import NDArray

/// The thickness of each cortical layer along a line through a section, read from a map of its layers.
///
/// The line is walked from `start` towards the pia while the layers fall (VI to I) and towards white matter while they rise; it must meet the
/// slide (0) beyond layer I and white matter (0) beyond VI. Where a layer I touches that of the next bank, it is cut at the line's
/// own pial end. An oblique cut shows layers wider than they are: the lengths are shortened by the cosine of the angle between
/// the section's plane and the surface's normal.
///
/// - Parameters:
///   - layers: I … VI as 1 … 6, 0 elsewhere.
///   - pathPx: (row, column) from the pia to the white surface in pixels of `layers`.
///   - start: which of its points lies in the cortex.
///   - spacingUm: edge of a pixel.
///   - cosine: of the angle between plane and normal, 1 for a perpendicular cut.
///   - slackPx: how far the line is carried on straight beyond its ends, where the map's borders lie farther out than the line knew.
/// - Returns: µm of layers I … VI, 0 for one that is not there; nil where the line does not lead from slide to white matter.
public func layerThicknesses(
    _ layers: Image<UInt8>, along pathPx: [SIMD2<Double>], start: Int, spacingUm: Double, cosine: Double,
    slackPx: Double
) -> [Double]? {
    precondition(pathPx.indices.contains(start), "The start is one of the line's points.")
    let stepPx = 0.25
    func layer(_ place: SIMD2<Double>) -> UInt8? {
        let (row, column) = (place.x.rounded(), place.y.rounded())
        guard row >= 0, column >= 0, row < Double(layers.rows), column < Double(layers.columns) else { return nil }
        return layers[Int(row), Int(column)]
    }
    guard let own = layer(pathPx[start]), own >= 1, own <= 6 else { return nil }
    var lengths = [Double](repeating: 0, count: 6)
    /// Walks one side; false where the end of the cortex is not met.
    func walk(_ line: [SIMD2<Double>], outward: Bool) -> Bool {
        var current = own
        var walked = 0.0
        var own = 0.0  // the line's own length, without slack
        for index in 1..<max(line.count, 1) { own += norm(line[index] - line[index - 1]) }
        let samples = EvenSamples(line, stepPx: stepPx, beyondPx: slackPx)
        for place in samples.places {
            guard let here = layer(place) else { return false }
            walked += stepPx
            if here == 0 { return outward ? current == 1 : current == 6 }
            if outward ? here > current : here < current {
                // The next bank: its layer I joined this one's.
                guard outward, current == 1 else { return false }
                lengths[0] -= max(0, walked - stepPx - own)
                return lengths[0] > 0
            }
            current = here
            lengths[Int(here) - 1] += stepPx
        }
        return outward && current == 1 && walked > own
    }
    guard walk(pathPx[...start].reversed(), outward: true), walk(Array(pathPx[start...]), outward: false) else {
        return nil
    }
    return lengths.map { $0 * spacingUm * cosine }
}

/// Places at even distances along a line, and straight on beyond its end.
struct EvenSamples {
    private(set) var places: [SIMD2<Double>] = []

    init(_ line: [SIMD2<Double>], stepPx: Double, beyondPx: Double) {
        guard line.count > 1 else { return }
        // The middle of each step.
        var next = stepPx / 2
        var behind = 0.0
        for index in 1..<line.count {
            let piece = line[index] - line[index - 1]
            let size = norm(piece)
            while size > 0, next <= behind + size {
                places.append(line[index - 1] + piece * ((next - behind) / size))
                next += stepPx
            }
            behind += size
        }
        guard beyondPx > 0, let last = line.last, let from = line.dropLast().last(where: { norm(last - $0) > 1e-9 })
        else { return }
        let heading = (last - from) / norm(last - from)
        while next <= behind + beyondPx {
            places.append(last + heading * (next - behind))
            next += stepPx
        }
    }
}

@inline(__always)
private func norm(_ vector: SIMD2<Double>) -> Double { (vector * vector).sum().squareRoot() }
