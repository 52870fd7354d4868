import NDArray

/// The brightness of the empty slide all over a section's image: a smooth surface of row and column.
///
/// Light changes over a scan by more than what parts pale white matter from the slide. A quadratic is fitted to the image's border first,
/// then to all that hangs together with it and fits, with a spline around it where light comes in waves; what does not fit
/// (dirt, tissue, white matter through a tear) is left out in turns. The outermost pixels may lie beside the cover slip, whose glass takes light, and do not count.
struct SlideLight {
    private let surface: LightSurface
    /// Standard deviation of the slide's pixels around the surface, from the median of their distances; at least a third of a level.
    let spread: Double
    /// The slide's brightness in the middle.
    let level: Double

    /// How far from the image's border its rim reaches that may lie beside the cover slip, in pixels.
    static func margin(of image: Image<Float>) -> Int { min(min(image.rows, image.columns) / 20, 32) }

    /// - Parameters:
    ///   - image: brightness, blurred by a pixel or so.
    ///   - bright: the pixels brighter than Otsu's threshold, without padding.
    /// - Returns: nil where too little of the border is bright, which says nothing of the slide then, and where the slide is even already.
    init?(_ image: Image<Float>, bright: BitImage) {
        let (rows, columns) = (image.rows, image.columns)
        let depth = max(3, min(rows, columns) / 12)
        guard rows > 2 * depth, columns > 2 * depth else { return nil }
        let ring = bright & ~bright.interior(from: depth)
        let border = 2 * depth * (rows + columns - 2 * depth)
        let covered = bright.interior(from: SlideLight.margin(of: image))
        guard 3 * ring.setCount > border,
            var fit = LightSamples(image, at: ring & covered).surface(rounds: 5)
        else { return nil }
        let components = connectedComponents(of: bright)
        let atBorder = components.atBorder
        let open = components.pixels { atBorder.contains($0) }.eroded(radiusPx: 3) & covered
        for _ in 0..<2 {
            let members = SlideLight.members(
                of: open, in: image, beside: fit.surface, above: -4 * max(fit.spread, 0.5))
            let samples = LightSamples(image, at: members)
            guard let next = samples.surface(rounds: 4) else { break }
            fit = next
            // What explains little of the rest may be anything.
            if let finer = samples.waves(around: fit.surface, rounds: 3), finer.spread < 0.75 * fit.spread {
                fit = finer
            }
        }
        // A slide of one level needs no evening, and its edge in the histogram is sharp.
        let middle = fit.surface.middle
        let fall = fit.surface.corners.map { abs($0 - middle) }.max() ?? 0
        guard fall > 1 || fit.spread > 0.2 else { return nil }
        surface = fit.surface
        level = middle
        spread = max(fit.spread, 1.0 / 3)
    }

    /// A blurred and a raw image with the slide as bright everywhere as in the middle, within 0 … 255; the raw one in nearest levels.
    func flattened(_ blurred: Image<Float>, _ raw: Image<UInt8>) -> (Image<Float>, Image<UInt8>) {
        var (even, levels) = (blurred, raw)
        let (rows, columns) = (blurred.rows, blurred.columns)
        let (surface, level) = (surface, level)
        even.elements.withUnsafeMutableBufferPointer { even in
            levels.elements.withUnsafeMutableBufferPointer { levels in
                withUnsafeTemporaryAllocation(of: Double.self, capacity: columns) { light in
                    for row in 0..<rows {
                        surface.fill(light, row: row)
                        let start = row * columns
                        for column in 0..<columns {
                            let gain = Float(level / max(light[column], 1))
                            even[start + column] = min(even[start + column] * gain, 255)
                            levels[start + column] = nearestLevel(min(Float(levels[start + column]) * gain, 255))
                        }
                    }
                }
            }
        }
        return (even, levels)
    }

    /// The set pixels that are brighter than the surface by more than `least`.
    private static func members(
        of pixels: BitImage, in image: Image<Float>, beside surface: LightSurface, above least: Double
    ) -> BitImage {
        var members = pixels
        withUnsafeTemporaryAllocation(of: Double.self, capacity: image.columns) { light in
            image.elements.withUnsafeBufferPointer { brightness in
                for row in 0..<image.rows {
                    let words = row * pixels.wordsPerRow..<(row + 1) * pixels.wordsPerRow
                    guard pixels.words[words].contains(where: { $0 != 0 }) else { continue }
                    surface.fill(light, row: row)
                    let start = row * image.columns
                    for (place, word) in words.enumerated() {
                        var left = pixels.words[word]
                        while left != 0 {
                            let bit = left & (~left + 1)
                            let column = 64 * place + left.trailingZeroBitCount
                            if Double(brightness[start + column]) - light[column] <= least {
                                members.words[word] &= ~bit
                            }
                            left ^= bit
                        }
                    }
                }
            }
        }
        return members
    }
}

extension BitImage {
    /// The set pixels at least `margin` pixels away from the image's border.
    func interior(from margin: Int) -> BitImage {
        guard rows > 2 * margin, columns > 2 * margin else { return BitImage(rows: rows, columns: columns) }
        var line = BitImage(rows: 1, columns: columns)
        for column in margin..<columns - margin { line[0, column] = true }
        var inner = BitImage(rows: rows, columns: columns)
        for row in margin..<rows - margin {
            for word in 0..<wordsPerRow {
                inner.words[row * wordsPerRow + word] = words[row * wordsPerRow + word] & line.words[word]
            }
        }
        return inner
    }
}
