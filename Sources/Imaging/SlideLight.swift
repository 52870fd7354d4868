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
        let ring = SlideLight.ring(of: bright, depth: depth)
        let border = 2 * depth * (rows + columns - 2 * depth)
        guard 3 * ring.setCount > border, var fit = Fit(image, at: ring, rounds: 5) else { return nil }
        let components = connectedComponents(of: bright)
        let atBorder = components.atBorder
        let open = components.pixels { atBorder.contains($0) }.eroded(radiusPx: 3)
        for _ in 0..<2 {
            let members = fit.members(of: open, in: image, above: -4 * max(fit.spread, 0.5))
            guard let next = Fit(image, at: members, rounds: 4) else { break }
            fit = next
        }
        // A slide of one level needs no evening, and its edge in the histogram is sharp.
        let corners = [0, rows - 1].flatMap { row in
            [0, columns - 1].map { fit.value(row: row, column: $0) }
        }
        let fall = corners.map { abs($0 - fit.coefficients[0]) }.max() ?? 0
        guard fall > 1 || fit.spread > 0.2 else { return nil }
        coefficients = fit.coefficients
        spread = max(fit.spread, 1.0 / 3)
    }

    /// A blurred and a raw image with the slide as bright everywhere as in the middle, within 0 … 255; the raw one in nearest levels.
    func flattened(_ blurred: Image<Float>, _ raw: Image<UInt8>) -> (Image<Float>, Image<UInt8>) {
        var (even, levels) = (blurred, raw)
        let (rows, columns) = (blurred.rows, blurred.columns)
        let surface = QuadraticSurface(coefficients, rows: rows, columns: columns)
        let level = level
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

    /// The set pixels at most `depth` from the border.
    private static func ring(of image: BitImage, depth: Int) -> BitImage {
        var inner = BitImage(rows: 1, columns: image.columns)
        for column in depth..<image.columns - depth { inner[0, column] = true }
        var ring = image
        for row in depth..<image.rows - depth {
            for word in 0..<image.wordsPerRow { ring.words[row * image.wordsPerRow + word] &= ~inner.words[word] }
        }
        return ring
    }

    /// A quadratic through some of an image's pixels.
    private struct Fit {
        var coefficients: [Double]
        var spread: Double
        private let surface: QuadraticSurface

        /// Least squares, each round without what lies farther than 2.5 deviations from the round before.
        init?(_ image: Image<Float>, at pixels: BitImage, rounds: Int) {
            let surface = QuadraticSurface([], rows: image.rows, columns: image.columns)
            // Some twenty thousand pixels say as much as all of them.
            let step = max(1, pixels.setCount / 20_000)
            var samples: [SIMD4<Double>] = []
            samples.reserveCapacity(pixels.setCount / step + 1)
            var counter = 0
            image.elements.withUnsafeBufferPointer { brightness in
                pixels.forEachSet { pixel in
                    if counter == 0 {
                        let place = surface.place(row: pixel / image.columns, column: pixel % image.columns)
                        samples.append(SIMD4(place.row, place.column, Double(brightness[pixel]), 0))
                        counter = step
                    }
                    counter -= 1
                }
            }
            guard samples.count >= 60 else { return nil }
            var isKept = [Bool](repeating: true, count: samples.count)
            (coefficients, spread) = ([], 0)
            for _ in 0..<rounds {
                guard let solution = Fit.solution(samples, isKept) else { return nil }
                coefficients = solution
                let away = samples.map { abs($0.z - QuadraticSurface.value(solution, row: $0.x, column: $0.y)) }
                var sorted = away
                spread = 1.4826 * sorted.orderStatistic(sorted.count / 2)
                let limit = 2.5 * spread + 1e-3
                isKept = away.map { $0 <= limit }
                guard isKept.count(where: { $0 }) >= 60 else { return nil }
            }
            self.surface = QuadraticSurface(coefficients, rows: image.rows, columns: image.columns)
        }

        /// The coefficients with the least sum of squares over the samples that are kept, each of row, column, brightness; nil where those
        /// do not determine them.
        private static func solution(_ samples: [SIMD4<Double>], _ isKept: [Bool]) -> [Double]? {
            var (right, a, b, c, d, e, f) = (
                SIMD8<Double>.zero, SIMD8<Double>.zero, SIMD8<Double>.zero, SIMD8<Double>.zero, SIMD8<Double>.zero,
                SIMD8<Double>.zero, SIMD8<Double>.zero
            )
            for (sample, isKept) in zip(samples, isKept) where isKept {
                let (row, column) = (sample.x, sample.y)
                let terms = SIMD8(1, row, column, row * row, column * column, row * column, 0, 0)
                right += terms * sample.z
                a += terms
                b += terms * terms[1]
                c += terms * terms[2]
                d += terms * terms[3]
                e += terms * terms[4]
                f += terms * terms[5]
            }
            let lines = [a, b, c, d, e, f]
            var normal = [Double](repeating: 0, count: 36)
            for one in 0..<6 {
                for other in one..<6 { normal[6 * one + other] = lines[one][other] }
            }
            return solveSymmetricPositive(normal, (0..<6).map { right[$0] })
        }

        /// The quadratic at a pixel.
        func value(row: Int, column: Int) -> Double {
            let place = surface.place(row: row, column: column)
            return QuadraticSurface.value(coefficients, row: place.row, column: place.column)
        }

        /// The set pixels that are brighter than the quadratic by more than `least`.
        func members(of pixels: BitImage, in image: Image<Float>, above least: Double) -> BitImage {
            let columns = image.columns
            var members = pixels
            withUnsafeTemporaryAllocation(of: Double.self, capacity: columns) { light in
                for row in 0..<image.rows {
                    let words = row * pixels.wordsPerRow..<(row + 1) * pixels.wordsPerRow
                    guard pixels.words[words].contains(where: { $0 != 0 }) else { continue }
                    surface.fill(light, row: row)
                    let line = BitImage(
                        Image(
                            rows: 1, columns: columns,
                            elements: [Bool](unsafeUninitializedCapacity: columns) { isAbove, initialised in
                                image.elements.withUnsafeBufferPointer { brightness in
                                    for column in 0..<columns {
                                        isAbove[column] =
                                            Double(brightness[row * columns + column]) - light[column] > least
                                    }
                                }
                                initialised = columns
                            })
                    ) { $0 }
                    for (word, bits) in zip(words, line.words) { members.words[word] &= bits }
                }
            }
            return members
        }
    }
}

/// A quadratic of row and column over an image, both from −½ to ½ across it.
private struct QuadraticSurface {
    private let coefficients: [Double]
    private let rows: Int
    private let columns: Int
    /// The columns from −½ to ½.
    private let across: [Double]

    init(_ coefficients: [Double], rows: Int, columns: Int) {
        self.coefficients = coefficients
        self.rows = rows
        self.columns = columns
        across = (0..<columns).map { Double($0) / Double(columns) - 0.5 }
    }

    /// A pixel's row and column from −½ to ½.
    func place(row: Int, column: Int) -> (row: Double, column: Double) {
        (Double(row) / Double(rows) - 0.5, across[column])
    }

    /// The height at a place, added up in the order of the terms.
    @inline(__always) static func value(_ coefficients: [Double], row: Double, column: Double) -> Double {
        let first = coefficients[0] + coefficients[1] * row + coefficients[2] * column
        return first + coefficients[3] * (row * row) + coefficients[4] * (column * column)
            + coefficients[5] * (row * column)
    }

    /// The surface's height along a row, added up in the order of the terms.
    func fill(_ line: UnsafeMutableBufferPointer<Double>, row: Int) {
        let row = Double(row) / Double(rows) - 0.5
        let first = coefficients[0] + coefficients[1] * row
        let (second, third) = (coefficients[2], coefficients[3] * (row * row))
        let (fourth, fifth) = (coefficients[4], coefficients[5])
        across.withUnsafeBufferPointer { across in
            for index in 0..<columns {
                let column = across[index]
                line[index] = first + second * column + third + fourth * (column * column) + fifth * (row * column)
            }
        }
    }
}
