import LinearAlgebra
import NDArray

/// A polynomial of row and column over an image, both from −1 in the middle of the first line to 1 beyond the last one.
struct LightSurface: Sendable {
    let degree: Int
    private let rows: Int
    /// Of the powers row^i column^j with i + j ≤ degree, at `i * (degree + 1) + j`.
    private let coefficients: [Double]
    /// The columns from −1 to 1.
    private let across: [Double]

    fileprivate init(degree: Int, coefficients: [Double], rows: Int, across: [Double]) {
        (self.degree, self.rows, self.coefficients, self.across) = (degree, rows, coefficients, across)
    }

    /// The height in the middle of the image.
    var middle: Double { coefficients[0] }

    /// The heights at the image's four corners.
    var corners: [Double] {
        [0, rows - 1].flatMap { row in
            let line = polynomial(alongRow: LightSurface.place(row, of: rows))
            return [across[0], across[across.count - 1]].map { LightSurface.value(line, at: $0) }
        }
    }

    /// The surface's height along a row of pixels.
    func fill(_ line: UnsafeMutableBufferPointer<Double>, row: Int) {
        let polynomial = polynomial(alongRow: LightSurface.place(row, of: rows))
        across.withUnsafeBufferPointer { across in
            for column in 0..<across.count { line[column] = LightSurface.value(polynomial, at: across[column]) }
        }
    }

    fileprivate static func place(_ index: Int, of count: Int) -> Double { 2 * Double(index) / Double(count) - 1 }

    /// The polynomial of the column that is left in one row, its constant first; at most of the fourth degree.
    fileprivate func polynomial(alongRow row: Double) -> SIMD8<Double> {
        var line = SIMD8<Double>.zero
        for column in 0...degree {
            // Horner's scheme over the row's powers.
            var sum = 0.0
            for power in (0...degree - column).reversed() {
                sum = sum * row + coefficients[power * (degree + 1) + column]
            }
            line[column] = sum
        }
        return line
    }

    @inline(__always) fileprivate static func value(_ line: SIMD8<Double>, at column: Double) -> Double {
        (((line[4] * column + line[3]) * column + line[2]) * column + line[1]) * column + line[0]
    }
}

/// Some of an image's pixels, through which surfaces are laid.
struct LightSamples {
    private let rows: Int
    private let across: [Double]
    /// Each row's place and samples.
    private var lines: [(row: Double, samples: Range<Int>)] = []
    private var columns: [Double] = []
    private var levels: [Double] = []

    /// Every so manieth of the set pixels: some twenty thousand say as much as all of them.
    init(_ image: Image<Float>, at pixels: BitImage) {
        rows = image.rows
        across = (0..<image.columns).map { LightSurface.place($0, of: image.columns) }
        let step = max(1, pixels.setCount / 20_000)
        let capacity = pixels.setCount / step + 1
        columns.reserveCapacity(capacity)
        levels.reserveCapacity(capacity)
        var left = 0
        var latest = -1
        image.elements.withUnsafeBufferPointer { brightness in
            pixels.forEachSet { pixel in
                if left == 0 {
                    let row = pixel / image.columns
                    if row != latest {
                        lines.append((LightSurface.place(row, of: rows), levels.count..<levels.count))
                        latest = row
                    }
                    columns.append(across[pixel % image.columns])
                    levels.append(Double(brightness[pixel]))
                    lines[lines.count - 1].samples = lines[lines.count - 1].samples.lowerBound..<levels.count
                    left = step
                }
                left -= 1
            }
        }
    }

    /// The polynomial of least squares, each round without what lies farther than 2.5 deviations from the round before.
    ///
    /// What is above the second degree is held towards zero a little, so that it does not swing where there are no samples.
    ///
    /// - Parameter degree: at most 4.
    /// - Returns: the surface and the standard deviation around it, from the median of the distances; nil where the samples do not
    ///   determine it.
    func surface(degree: Int, rounds: Int) -> (surface: LightSurface, spread: Double)? {
        precondition(1...4 ~= degree && rounds > 0, "A polynomial of degree \(degree) in \(rounds) rounds.")
        guard levels.count >= 60 else { return nil }
        var isKept = [Bool](repeating: true, count: levels.count)
        var found: (surface: LightSurface, spread: Double)?
        for _ in 0..<rounds {
            guard let coefficients = solution(degree: degree, isKept) else { return nil }
            let surface = LightSurface(degree: degree, coefficients: coefficients, rows: rows, across: across)
            let away = distances(to: surface)
            var sorted = away
            let spread = 1.4826 * sorted.orderStatistic(sorted.count / 2)
            let limit = 2.5 * spread + 1e-3
            isKept = away.map { $0 <= limit }
            guard isKept.count(where: { $0 }) >= 60 else { return nil }
            found = (surface, spread)
        }
        return found
    }

    private func distances(to surface: LightSurface) -> [Double] {
        [Double](unsafeUninitializedCapacity: levels.count) { away, initialised in
            for line in lines {
                let polynomial = surface.polynomial(alongRow: line.row)
                for index in line.samples {
                    away[index] = abs(levels[index] - LightSurface.value(polynomial, at: columns[index]))
                }
            }
            initialised = levels.count
        }
    }

    /// The coefficients as `LightSurface` holds them.
    private func solution(degree: Int, _ isKept: [Bool]) -> [Double]? {
        // Sums of row^i column^j over the samples, and of the brightness times such.
        var moments = [Double](repeating: 0, count: 81)
        var weighted = [Double](repeating: 0, count: 25)
        for line in lines {
            var (powers, brightness, eighth) = (SIMD8<Double>.zero, SIMD8<Double>.zero, 0.0)
            for index in line.samples where isKept[index] {
                let column = columns[index]
                let (square, cube) = (column * column, column * column * column)
                let fourth = square * square
                let here = SIMD8(1, column, square, cube, fourth, fourth * column, fourth * square, fourth * cube)
                powers += here
                brightness += here * levels[index]
                eighth += fourth * fourth
            }
            var factor = 1.0
            for row in 0...8 {
                for column in 0..<min(8, 9 - row) { moments[9 * row + column] += factor * powers[column] }
                if row == 0 { moments[8] += eighth }
                if row < 5 { for column in 0..<5 { weighted[5 * row + column] += factor * brightness[column] } }
                factor *= line.row
            }
        }
        let powers = (0...degree).flatMap { row in (0...degree - row).map { (row, $0) } }
        var normal = [Double](repeating: 0, count: powers.count * powers.count)
        for (one, first) in powers.enumerated() {
            for (other, second) in powers.enumerated().dropFirst(one) {
                normal[powers.count * one + other] = moments[9 * (first.0 + second.0) + first.1 + second.1]
            }
            if first.0 + first.1 > 2 { normal[powers.count * one + one] += 2e-3 * moments[0] }
        }
        guard let solved = solveSymmetricPositive(normal, powers.map { weighted[5 * $0.0 + $0.1] }) else { return nil }
        var coefficients = [Double](repeating: 0, count: (degree + 1) * (degree + 1))
        for (power, value) in zip(powers, solved) { coefficients[(degree + 1) * power.0 + power.1] = value }
        return coefficients
    }
}
