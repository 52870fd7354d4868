import LinearAlgebra
import NDArray

/// A quadratic of row and column over an image, and the waves around it.
struct LightSurface: Sendable {
    private let rows: Int
    /// Of 1, column, column², row, row · column, row².
    private let coefficients: [Double]
    /// The columns from −1 in the middle of the first one to 1 beyond the last.
    private let across: [Double]
    fileprivate(set) var waves: LightSpline?

    fileprivate init(coefficients: [Double], rows: Int, across: [Double]) {
        (self.coefficients, self.rows, self.across) = (coefficients, rows, across)
    }

    /// The height in the middle of the image.
    var middle: Double { height(row: rows / 2, column: across.count / 2) }

    /// The heights at the image's four corners.
    var corners: [Double] {
        [0, rows - 1].flatMap { row in [0, across.count - 1].map { height(row: row, column: $0) } }
    }

    private func height(row: Int, column: Int) -> Double {
        let height = LightSurface.value(polynomial(row: row), at: across[column])
        guard let waves else { return height }
        return height + waves.line(row: row).withUnsafeBufferPointer { waves.value($0, column: column) }
    }

    /// The surface's height along a row of pixels.
    func fill(_ line: UnsafeMutableBufferPointer<Double>, row: Int) {
        let polynomial = polynomial(row: row)
        across.withUnsafeBufferPointer { across in
            for column in 0..<across.count { line[column] = LightSurface.value(polynomial, at: across[column]) }
        }
        guard let waves else { return }
        waves.line(row: row).withUnsafeBufferPointer { wave in
            for column in 0..<line.count { line[column] += waves.value(wave, column: column) }
        }
    }

    fileprivate static func place(_ index: Int, of count: Int) -> Double { 2 * Double(index) / Double(count) - 1 }

    /// The polynomial of the column that is left in one row, its constant first.
    fileprivate func polynomial(row: Int) -> SIMD4<Double> {
        let place = LightSurface.place(row, of: rows)
        let c = coefficients
        return SIMD4((c[5] * place + c[3]) * place + c[0], c[4] * place + c[1], c[2], 0)
    }

    @inline(__always) fileprivate static func value(_ line: SIMD4<Double>, at column: Double) -> Double {
        (line[2] * column + line[1]) * column + line[0]
    }
}

/// Some of an image's pixels, through which surfaces are laid.
struct LightSamples {
    private let rows: Int
    private let across: [Double]
    /// Each row and its samples.
    private var lines: [(row: Int, samples: Range<Int>)] = []
    private var columns: [Int32] = []
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
        image.elements.withUnsafeBufferPointer { brightness in
            pixels.forEachSet { pixel in
                if left == 0 {
                    let row = pixel / image.columns
                    if lines.last?.row != row { lines.append((row, levels.count..<levels.count)) }
                    columns.append(Int32(pixel % image.columns))
                    levels.append(Double(brightness[pixel]))
                    lines[lines.count - 1].samples = lines[lines.count - 1].samples.lowerBound..<levels.count
                    left = step
                }
                left -= 1
            }
        }
    }

    /// The quadratic of least squares, each round without what lies farther than 2.5 deviations from the round before.
    ///
    /// - Returns: the surface and the standard deviation around it, from the median of the distances; nil where the samples do not
    ///   determine it.
    func surface(rounds: Int) -> (surface: LightSurface, spread: Double)? {
        trimmed(rounds: rounds) { isKept in
            quadratic(isKept).map { LightSurface(coefficients: $0, rows: rows, across: across) }
        }
    }

    /// The surface with the waves that the samples make around it, in the same way.
    func waves(around surface: LightSurface, rounds: Int) -> (surface: LightSurface, spread: Double)? {
        var heights = [Double](repeating: 0, count: levels.count)
        for line in lines {
            let polynomial = surface.polynomial(row: line.row)
            for index in line.samples {
                heights[index] = LightSurface.value(polynomial, at: across[Int(columns[index])])
            }
        }
        return trimmed(rounds: rounds) { isKept in
            var wavy = surface
            wavy.waves = LightSpline(rows: rows, columns: across.count, lines: lines, columns: columns) {
                isKept[$0] ? levels[$0] - heights[$0] : nil
            }
            return wavy.waves == nil ? nil : wavy
        }
    }

    private func trimmed(
        rounds: Int, _ fit: ([Bool]) -> LightSurface?
    ) -> (surface: LightSurface, spread: Double)? {
        precondition(rounds > 0, "A surface needs a round at least.")
        guard levels.count >= 60 else { return nil }
        var isKept = [Bool](repeating: true, count: levels.count)
        var found: (surface: LightSurface, spread: Double)?
        for _ in 0..<rounds {
            guard let surface = fit(isKept) else { return nil }
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
                let polynomial = surface.polynomial(row: line.row)
                let wave = surface.waves?.line(row: line.row) ?? []
                wave.withUnsafeBufferPointer { wave in
                    for index in line.samples {
                        let column = Int(columns[index])
                        let height =
                            LightSurface.value(polynomial, at: across[column])
                            + (surface.waves?.value(wave, column: column) ?? 0)
                        away[index] = abs(levels[index] - height)
                    }
                }
            }
            initialised = levels.count
        }
    }

    /// The coefficients as `LightSurface` holds them.
    private func quadratic(_ isKept: [Bool]) -> [Double]? {
        var normal = [Double](repeating: 0, count: 36)
        var right = [Double](repeating: 0, count: 6)
        for line in lines {
            // Sums of the column's powers over a line's samples, and of the brightness times such.
            var (powers, brightness) = (SIMD8<Double>.zero, SIMD4<Double>.zero)
            for index in line.samples where isKept[index] {
                let column = across[Int(columns[index])]
                let square = column * column
                powers += SIMD8(1, column, square, square * column, square * square, 0, 0, 0)
                brightness += SIMD4(1, column, square, 0) * levels[index]
            }
            guard powers[0] > 0 else { continue }
            let row = LightSurface.place(line.row, of: rows)
            let terms: [(rowPower: Int, columnPower: Int)] = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 0)]
            let rowPowers = SIMD8(1, row, row * row, row * row * row, row * row * row * row, 0, 0, 0)
            for (one, first) in terms.enumerated() {
                right[one] += rowPowers[first.rowPower] * brightness[first.columnPower]
                for (other, second) in terms.enumerated().dropFirst(one) {
                    normal[6 * one + other] +=
                        rowPowers[first.rowPower + second.rowPower] * powers[first.columnPower + second.columnPower]
                }
            }
        }
        return solveSymmetricPositive(normal, right)
    }
}
