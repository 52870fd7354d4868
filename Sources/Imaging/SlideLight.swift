import LinearAlgebra
import NDArray

/// The brightness of the empty slide all over a section's image: a quadratic of row and column.
///
/// Light falls off towards a scan's edges, by more than what parts pale white matter from the slide. The quadratic is fitted to the image's border first,
/// then to all that hangs together with it and fits; what does not fit (dirt, tissue, white matter through a tear) is left out in turns.
struct SlideLight {
    /// Of 1, r, c, r², c², r c, with r and c from −½ to ½ across the image.
    private let coefficients: [Double]
    /// Standard deviation of the slide's pixels around the quadratic, from the median of their distances; at least a third of a level.
    let spread: Double
    /// The slide's brightness in the middle.
    var level: Double { coefficients[0] }

    /// - Parameters:
    ///   - image: brightness, blurred by a pixel or so.
    ///   - bright: the pixels brighter than Otsu's threshold, without padding.
    /// - Returns: nil where too little of the border is bright, which says nothing of the slide then, and where the slide is even already.
    init?(_ image: Image<Float>, bright: BitImage) {
        let (rows, columns) = (image.rows, image.columns)
        // Deeper than a cover slip's rim, which is darker and left out as what does not fit.
        let depth = max(3, min(rows, columns) / 12)
        guard rows > 2 * depth, columns > 2 * depth else { return nil }
        var ring: [Int] = []
        for row in 0..<rows {
            let isFull = row < depth || row >= rows - depth
            for column in 0..<columns where isFull || column < depth || column >= columns - depth {
                if bright[row, column] { ring.append(row * columns + column) }
            }
        }
        let border = 2 * depth * (rows + columns - 2 * depth)
        guard 3 * ring.count > border, var fit = Fit(image, at: ring, rounds: 5) else { return nil }
        let components = connectedComponents(of: bright)
        let atBorder = components.atBorder
        let open = components.pixels { atBorder.contains($0) }.eroded(radiusPx: 3)
        for _ in 0..<2 {
            var members: [Int] = []
            let least = -4 * max(fit.spread, 0.5)
            open.forEachSet { pixel in
                if Double(image.elements[pixel]) - fit.value(at: pixel, rows: rows, columns: columns) > least {
                    members.append(pixel)
                }
            }
            guard let next = Fit(image, at: members, rounds: 4) else { break }
            fit = next
        }
        // A slide of one level needs no evening, and its edge in the histogram is sharp.
        let corners = [0, columns - 1, (rows - 1) * columns, rows * columns - 1].map {
            fit.value(at: $0, rows: rows, columns: columns)
        }
        let fall = corners.map { abs($0 - fit.coefficients[0]) }.max() ?? 0
        guard fall > 1 || fit.spread > 0.2 else { return nil }
        coefficients = fit.coefficients
        spread = max(fit.spread, 1.0 / 3)
    }

    /// The image with the slide as bright everywhere as in the middle, within 0 … 255.
    func flattened(_ image: Image<Float>) -> Image<Float> {
        var result = image
        let (rows, columns) = (image.rows, image.columns)
        result.elements.withUnsafeMutableBufferPointer { pixels in
            for row in 0..<rows {
                for column in 0..<columns {
                    let pixel = row * columns + column
                    let light = Fit.value(coefficients, at: pixel, rows: rows, columns: columns)
                    pixels[pixel] = min(pixels[pixel] * Float(level / max(light, 1)), 255)
                }
            }
        }
        return result
    }

    /// A quadratic through some of an image's pixels.
    private struct Fit {
        var coefficients: [Double]
        var spread: Double

        /// Least squares, each round without what lies farther than 2.5 deviations from the round before.
        init?(_ image: Image<Float>, at pixels: [Int], rounds: Int) {
            // Some twenty thousand pixels say as much as all of them.
            let stride = max(1, pixels.count / 20_000)
            let chosen = Swift.stride(from: 0, to: pixels.count, by: stride).map { pixels[$0] }
            guard chosen.count >= 60 else { return nil }
            let (rows, columns) = (image.rows, image.columns)
            var kept = chosen
            (coefficients, spread) = ([], 0)
            for _ in 0..<rounds {
                var normal = [Double](repeating: 0, count: 36)
                var right = [Double](repeating: 0, count: 6)
                for pixel in kept {
                    let terms = Fit.terms(at: pixel, rows: rows, columns: columns)
                    for one in 0..<6 {
                        right[one] += terms[one] * Double(image.elements[pixel])
                        for other in one..<6 { normal[6 * one + other] += terms[one] * terms[other] }
                    }
                }
                guard let solution = solveSymmetricPositive(normal, right) else { return nil }
                coefficients = solution
                let away = chosen.map {
                    abs(Double(image.elements[$0]) - Fit.value(solution, at: $0, rows: rows, columns: columns))
                }
                let sorted = away.sorted()
                spread = 1.4826 * sorted[sorted.count / 2]
                kept = zip(chosen, away).filter { $0.1 <= 2.5 * spread + 1e-3 }.map(\.0)
                guard kept.count >= 60 else { return nil }
            }
        }

        func value(at pixel: Int, rows: Int, columns: Int) -> Double {
            Fit.value(coefficients, at: pixel, rows: rows, columns: columns)
        }

        static func value(_ coefficients: [Double], at pixel: Int, rows: Int, columns: Int) -> Double {
            let terms = terms(at: pixel, rows: rows, columns: columns)
            var sum = 0.0
            for term in 0..<6 { sum += coefficients[term] * terms[term] }
            return sum
        }

        private static func terms(at pixel: Int, rows: Int, columns: Int) -> SIMD8<Double> {
            let row = Double(pixel / columns) / Double(rows) - 0.5
            let column = Double(pixel % columns) / Double(columns) - 0.5
            return SIMD8(1, row, column, row * row, column * column, row * column, 0, 0)
        }
    }
}
