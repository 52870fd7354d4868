internal import Imaging
internal import NDArray

/// Where a point ends that is pushed to the middle of the cortex, in pixels of the section.
struct PushedPoint: Sendable {
    var position: SIMD2<Double>
    /// Whether it came to the skeleton; a point that did not is where it was, or where gray matter begins.
    var isCentred: Bool
}

extension SectionCortex {
    /// Pushes a point to the middle of the cortex along the gradient of the Laplace fields.
    ///
    /// A point beside gray matter first goes back to it: inward from background, outward from white matter. Then it climbs the field to
    /// the skeleton, and last is centred between pixels, where pia and white matter are equally far.
    ///
    /// - Parameters:
    ///   - point: (row, column) in pixels of the section.
    ///   - outward: direction to the pia within the section, in any length; 0 where it is unknown.
    ///   - limitPx: the longest push.
    ///   - plausibleThicknessPx: where the section shows the cortex thicker than this it is cut along the sheet, and its middle
    ///     is not the middle of the sheet: the point stays.
    ///   - isWhite: whether a pixel of the section is white matter.
    /// - Returns: nil where there is no gray matter within reach.
    func pushed(
        _ point: SIMD2<Double>, outward: SIMD2<Double>, limitPx: Double, plausibleThicknessPx: Double = .infinity,
        isWhite: (Int, Int) -> Bool
    ) -> PushedPoint? {
        let origin = SIMD2(Double(first.row), Double(first.column))
        let start = point - origin
        guard var place = entered(start, outward: outward, limitPx: limitPx, isWhite: isWhite, origin: origin) else {
            return nil
        }
        let entry = place
        var way = length(place - start)
        let step = 0.5
        while way < limitPx {
            if sample(field, place) > 0.97 || abs(sample(imbalance, place)) < 1 {
                let centre = centred(place)
                guard length(centre - start) <= limitPx, sample(thickness, centre) <= plausibleThicknessPx else {
                    break
                }
                return PushedPoint(position: centre + origin, isCentred: true)
            }
            let slope = gradient(field, place)
            let size = length(slope)
            guard size > 1e-4 else { break }
            // Half a step ahead the direction is truer than here.
            let ahead = gradient(field, place + slope * (step / 2 / size))
            let aheadSize = length(ahead)
            let direction = aheadSize > 1e-4 ? ahead / aheadSize : slope / size
            let next = place + direction * step
            guard isGray(next) else { break }
            place = next
            way += step
        }
        return PushedPoint(position: entry + origin, isCentred: false)
    }

    /// The point itself in gray matter, else where gray matter begins: along the normal, then in any direction.
    private func entered(
        _ start: SIMD2<Double>, outward: SIMD2<Double>, limitPx: Double, isWhite: (Int, Int) -> Bool,
        origin: SIMD2<Double>
    ) -> SIMD2<Double>? {
        if isGray(start) { return start }
        let size = length(outward)
        if size > 0.2 {
            let whole = start + origin
            let white = isWhite(Int(whole.x.rounded()), Int(whole.y.rounded()))
            let direction = outward / size * (white ? 1 : -1)
            var way = 0.5
            while way <= limitPx {
                if isGray(start + direction * way) { return start + direction * min(way + 0.5, limitPx) }
                way += 0.5
            }
        }
        var way = 0.5
        while way <= limitPx {
            for turn in 0..<32 {
                let angle = Double(turn) * Double.pi / 16
                let place = start + SIMD2(Math.cos(angle), Math.sin(angle)) * way
                if isGray(place) { return place }
            }
            way += 0.5
        }
        return nil
    }

    /// The nearest place at which pia and white matter are equally far, by Newton's method along the gradient.
    private func centred(_ start: SIMD2<Double>) -> SIMD2<Double> {
        var place = start
        var best = start
        var least = abs(sample(imbalance, start))
        for _ in 0..<6 {
            let slope = gradient(imbalance, place)
            let squared = (slope * slope).sum()
            // Less than this, and pia and white matter do not lie opposite each other (2 where they do).
            guard squared > 0.5 else { break }
            var move = slope * (-sample(imbalance, place) / squared)
            let size = length(move)
            if size > 1 { move *= 1 / size }
            place += move
            guard isGray(place) else { break }
            let left = abs(sample(imbalance, place))
            if left < least { (best, least) = (place, left) }
            if left < 0.02 { break }
        }
        return best
    }

    /// The median of the cortex's thickness along the skeleton, in pixels.
    var medianThicknessPx: Double {
        var found: [Float] = []
        thickness.elements.withUnsafeBufferPointer { thickness in
            skeleton.elements.withUnsafeBufferPointer { skeleton in
                for pixel in skeleton.indices where skeleton[pixel] == 1 { found.append(thickness[pixel]) }
            }
        }
        return found.isEmpty ? .infinity : Double(found.orderStatistic(found.count / 2))
    }

    func isGray(_ place: SIMD2<Double>) -> Bool {
        let (row, column) = (Int(place.x.rounded()), Int(place.y.rounded()))
        guard row >= 0, row < rows, column >= 0, column < columns else { return false }
        return gray.elements.withUnsafeBufferPointer { $0[row * columns + column] == 1 }
    }

    /// Bilinear; beyond the box the nearest pixel's.
    private func sample(_ image: Image<Float>, _ place: SIMD2<Double>) -> Double {
        let row = min(max(place.x, 0), Double(rows - 1))
        let column = min(max(place.y, 0), Double(columns - 1))
        let (r, c) = (min(Int(row), rows - 2), min(Int(column), columns - 2))
        let (dr, dc) = (row - Double(r), column - Double(c))
        let at = r * columns + c
        return image.elements.withUnsafeBufferPointer { elements in
            let upper = Double(elements[at]) * (1 - dc) + Double(elements[at + 1]) * dc
            let lower = Double(elements[at + columns]) * (1 - dc) + Double(elements[at + columns + 1]) * dc
            return upper * (1 - dr) + lower * dr
        }
    }

    /// Central differences of a pixel to both sides.
    private func gradient(_ image: Image<Float>, _ place: SIMD2<Double>) -> SIMD2<Double> {
        SIMD2(
            sample(image, place + SIMD2(1, 0)) - sample(image, place - SIMD2(1, 0)),
            sample(image, place + SIMD2(0, 1)) - sample(image, place - SIMD2(0, 1))) / 2
    }
}

@inline(__always) func length(_ vector: SIMD2<Double>) -> Double { (vector * vector).sum().squareRoot() }
