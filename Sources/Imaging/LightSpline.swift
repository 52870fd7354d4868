import LinearAlgebra
import NDArray

/// A smooth surface over an image: a tensor product of cubic B-splines, held straight where no sample lies.
///
/// A polynomial follows light that comes in waves over one or two of them, and swings beyond; a spline follows as many as the image holds.
///
/// Reference: P. H. C. Eilers, B. D. Marx, Stat. Sci. 11, 89 (1996), doi:10.1214/ss/1038425655 (penalised B-splines). Differs: bending is held down in
/// mixed differences as well, so that no direction is preferred, and the coefficients a little themselves, so that far from all samples the surface
/// returns to zero.
struct LightSpline: Sendable {
    /// Knots lie about so many pixels apart.
    static let spacingPx = 224
    /// Farther on sides of more than so many intervals: the system has a row for each pair of functions.
    static let mostIntervals = 12
    /// Weight of the squared bending, in samples of an average cell.
    static let stiffness = 0.001
    /// Weight of the squared coefficients themselves.
    static let ridge = 0.000025

    private let down: SplineAxis
    private let along: SplineAxis
    /// `down.count × along.count` elements.
    private let coefficients: [Double]

    /// The spline of least squares through values on lines of an image.
    ///
    /// - Parameters:
    ///   - lines: an image row each, with its samples' indices.
    ///   - columns: each sample's column.
    ///   - value: each sample's value; nil leaves it out.
    /// - Returns: nil where the system cannot be solved.
    init?(
        rows: Int, columns count: Int, lines: [(row: Int, samples: Range<Int>)], columns: [Int32],
        value: (Int) -> Double?
    ) {
        (down, along) = (SplineAxis(length: rows), SplineAxis(length: count))
        let (m, n) = (down.count, along.count)
        let size = m * n
        // Products of neighbouring functions along a line, each with itself and the next three; and with the values.
        var lineProducts = [SIMD4<Double>](repeating: .zero, count: n)
        var lineValues = [Double](repeating: 0, count: n)
        var normal = [Double](repeating: 0, count: size * size)
        var right = [Double](repeating: 0, count: size)
        var total = 0
        for line in lines {
            var isEmpty = true
            for sample in line.samples {
                guard let value = value(sample) else { continue }
                let (first, weights) = along[Int(columns[sample])]
                for a in 0..<4 {
                    lineValues[first + a] += weights[a] * value
                    for b in a..<4 { lineProducts[first + a][b - a] += weights[a] * weights[b] }
                }
                isEmpty = false
                total += 1
            }
            guard !isEmpty else { continue }
            let (first, weights) = down[line.row]
            for a in 0..<4 {
                for column in 0..<n { right[(first + a) * n + column] += weights[a] * lineValues[column] }
                for b in a..<4 {
                    let weight = weights[a] * weights[b]
                    for column in 0..<n {
                        for away in 0..<min(4, n - column) {
                            let product = weight * lineProducts[column][away]
                            let (here, there) = ((first + a) * n + column, (first + b) * n + column + away)
                            normal[here * size + there] += product
                            // The mirrored pair of columns: of two rows it lies above the diagonal too.
                            if a != b, away != 0 {
                                normal[((first + a) * n + column + away) * size + (first + b) * n + column] += product
                            }
                        }
                    }
                }
            }
            for column in 0..<n { (lineProducts[column], lineValues[column]) = (.zero, 0) }
        }
        guard total >= 60 else { return nil }
        let cell = Double(total) / Double(size)
        LightSpline.addBending(&normal, m, n, weight: LightSpline.stiffness * cell)
        for index in 0..<size { normal[index * size + index] += LightSpline.ridge * cell }
        guard let solved = solveSymmetricPositive(normal, right) else { return nil }
        coefficients = solved
    }

    /// Adds the squares of second differences down and along, and twice those of mixed ones, to the upper triangle.
    private static func addBending(_ normal: inout [Double], _ m: Int, _ n: Int, weight: Double) {
        let size = m * n
        func add(_ places: [(index: Int, factor: Double)], _ weight: Double) {
            for one in places {
                for other in places where one.index <= other.index {
                    normal[one.index * size + other.index] += weight * one.factor * other.factor
                }
            }
        }
        for row in 0..<m {
            for column in 0..<n {
                let here = row * n + column
                if row + 2 < m { add([(here, 1), (here + n, -2), (here + 2 * n, 1)], weight) }
                if column + 2 < n { add([(here, 1), (here + 1, -2), (here + 2, 1)], weight) }
                if row + 1 < m, column + 1 < n {
                    add([(here, 1), (here + 1, -1), (here + n, -1), (here + n + 1, 1)], 2 * weight)
                }
            }
        }
    }

    /// The coefficients of the functions along one row.
    func line(row: Int) -> [Double] {
        let (first, weights) = down[row]
        let n = along.count
        return [Double](unsafeUninitializedCapacity: n) { line, initialised in
            coefficients.withUnsafeBufferPointer { coefficients in
                for column in 0..<n {
                    let here = first * n + column
                    let upper = weights[0] * coefficients[here] + weights[1] * coefficients[here + n]
                    line[column] =
                        upper + weights[2] * coefficients[here + 2 * n] + weights[3] * coefficients[here + 3 * n]
                }
            }
            initialised = n
        }
    }

    /// The surface at a column of a row whose coefficients are `line`.
    @inline(__always) func value(_ line: UnsafeBufferPointer<Double>, column: Int) -> Double {
        let (first, weights) = along[column]
        return weights[0] * line[first] + weights[1] * line[first + 1] + weights[2] * line[first + 2]
            + weights[3] * line[first + 3]
    }
}

/// The cubic B-splines along one side of an image.
private struct SplineAxis: Sendable {
    /// How many functions there are.
    let count: Int
    private let firsts: [Int32]
    private let weights: [SIMD4<Double>]

    init(length: Int) {
        let wanted = Int((Double(length) / Double(LightSpline.spacingPx)).rounded())
        let intervals = min(max(2, wanted), LightSpline.mostIntervals)
        count = intervals + 3
        let places = (0..<length).map { Double($0) * Double(intervals) / Double(max(length - 1, 1)) }
        firsts = places.map { Int32(min(Int($0), intervals - 1)) }
        weights = zip(places, firsts).map { place, first in
            let t = place - Double(first)
            let s = 1 - t
            return SIMD4(s * s * s, 3 * t * t * t - 6 * t * t + 4, 3 * s * s * s - 6 * s * s + 4, t * t * t) / 6
        }
    }

    /// The first of the four functions that are not zero at a pixel, and their values there.
    @inline(__always) subscript(index: Int) -> (first: Int, weights: SIMD4<Double>) {
        (Int(firsts[index]), weights[index])
    }
}
