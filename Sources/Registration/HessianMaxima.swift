internal import NDArray

/// A maximum of the Hessian's determinant over place and scale, before it has an orientation.
struct HessianMaximum: Sendable {
    var row: Double
    var column: Double
    var scalePx: Double
    var response: Float
    var laplacian: Int8
}

/// The maxima among three neighbouring filter sizes of an octave, placed by a parabola through their 26 neighbours.
///
/// In the order of their pixels, whatever the number of threads.
///
/// - Parameter searched: the columns of each row of the grid that are looked at; their neighbours must be known.
///
/// **Reference**: Bay 2008, section 3.3; M. Brown, D. Lowe, BMVC 2002, for the interpolation.
func hessianMaxima(
    _ integral: IntegralImage, below: HessianResponse, _ middle: HessianResponse, above: HessianResponse,
    searched: [Range<Int>], threshold: Float, threads: Int, isAllowed: @Sendable (_ row: Int, _ column: Int) -> Bool
) -> [HessianMaximum] {
    let (rows, columns) = (middle.rows, middle.columns)
    guard rows > 2, columns > 2 else { return [] }
    let filterStep = Double(middle.filterPx - below.filterPx)
    let band = 16
    let bands = (rows - 2 + band - 1) / band
    var found = [[HessianMaximum]](repeating: [], count: bands)
    found.withUnsafeMutableBufferPointer { found in
        let found = DisjointSlices(found)
        parallelFor(bands, threads: threads) { index in
            var maxima: [HessianMaximum] = []
            below.determinants.withUnsafeBufferPointer { below in
                middle.determinants.withUnsafeBufferPointer { here in
                    above.determinants.withUnsafeBufferPointer { above in
                        let stack = ResponseStack(below: below, here: here, above: above, columns: columns)
                        for row in 1 + index * band..<min(rows - 1, 1 + (index + 1) * band) {
                            stack.forEachPeak(
                                inRow: row, columns: searched[row].clamped(to: 1..<columns - 1), threshold: threshold
                            ) { at, column in
                                guard isAllowed(row * middle.step, column * middle.step),
                                    let offset = stack.offset(at)
                                else { return }
                                maxima.append(
                                    HessianMaximum(
                                        row: (Double(row) + offset.row) * Double(middle.step),
                                        column: (Double(column) + offset.column) * Double(middle.step),
                                        scalePx: (Double(middle.filterPx) + offset.size * filterStep) * 1.2 / 9,
                                        response: here[at],
                                        laplacian: middle.laplacianSign(integral, row: row, column: column)))
                            }
                        }
                    }
                }
            }
            found[index] = maxima
        }
    }
    return found.flatMap(\.self)
}

/// Three responses on one grid.
private struct ResponseStack {
    let below: UnsafeBufferPointer<Float>
    let here: UnsafeBufferPointer<Float>
    let above: UnsafeBufferPointer<Float>
    let columns: Int

    /// Calls `body` with the place and the column of every value from `threshold` on that is above its 26 neighbours.
    @inline(__always) func forEachPeak(
        inRow row: Int, columns searched: Range<Int>, threshold: Float, _ body: (_ at: Int, _ column: Int) -> Void
    ) {
        guard let base = here.baseAddress else { return }
        func eight(_ at: Int) -> SIMD8<Float> { UnsafeRawPointer(base + at).loadUnaligned(as: SIMD8<Float>.self) }
        var column = searched.lowerBound
        while column < searched.upperBound {
            let at = row * columns + column
            let end = min(column + 8, searched.upperBound)
            if end == column + 8 {
                // Eight at a time are passed over where none is above the four beside it.
                let values = eight(at)
                let isPeak =
                    (values .>= threshold) .& (eight(at - 1) .< values) .& (eight(at + 1) .<= values)
                    .& (eight(at - columns) .< values) .& (eight(at + columns) .<= values)
                if !any(isPeak) {
                    column = end
                    continue
                }
            }
            for column in column..<end {
                let at = row * columns + column
                if here[at] >= threshold, isMaximum(at) { body(at, column) }
            }
            column = end
        }
    }

    /// Whether the value is above its 26 neighbours; of equal ones the first in reading order counts.
    @inline(__always) func isMaximum(_ at: Int) -> Bool {
        let value = here[at]
        if here[at - 1] >= value || here[at + 1] > value { return false }
        for step in -1...1 {
            if here[at - columns + step] >= value || here[at + columns + step] > value { return false }
        }
        for step in -1...1 {
            let (upper, same, lower) = (at - columns + step, at + step, at + columns + step)
            if below[upper] >= value || below[same] >= value || below[lower] >= value { return false }
            if above[upper] > value || above[same] > value || above[lower] > value { return false }
        }
        return true
    }

    /// Where the parabola through the neighbours has its top, in grid steps; nil where that is further than half a step.
    func offset(_ at: Int) -> (row: Double, column: Double, size: Double)? {
        func value(_ buffer: UnsafeBufferPointer<Float>, _ row: Int, _ column: Int) -> Double {
            Double(buffer[at + row * columns + column])
        }
        let centre = Double(here[at])
        let rowSlope = (value(here, 1, 0) - value(here, -1, 0)) / 2
        let columnSlope = (value(here, 0, 1) - value(here, 0, -1)) / 2
        let sizeSlope = (value(above, 0, 0) - value(below, 0, 0)) / 2
        let rr = value(here, 1, 0) + value(here, -1, 0) - 2 * centre
        let cc = value(here, 0, 1) + value(here, 0, -1) - 2 * centre
        let ss = value(above, 0, 0) + value(below, 0, 0) - 2 * centre
        let rc = (value(here, 1, 1) - value(here, 1, -1) - value(here, -1, 1) + value(here, -1, -1)) / 4
        let rs = (value(above, 1, 0) - value(above, -1, 0) - value(below, 1, 0) + value(below, -1, 0)) / 4
        let cs = (value(above, 0, 1) - value(above, 0, -1) - value(below, 0, 1) + value(below, 0, -1)) / 4
        // Cramer's rule for H x = −g.
        let determinant = rr * (cc * ss - cs * cs) - rc * (rc * ss - cs * rs) + rs * (rc * cs - cc * rs)
        guard determinant != 0 else { return nil }
        let (g0, g1, g2) = (-rowSlope, -columnSlope, -sizeSlope)
        let row = (g0 * (cc * ss - cs * cs) - rc * (g1 * ss - cs * g2) + rs * (g1 * cs - cc * g2)) / determinant
        let column = (rr * (g1 * ss - cs * g2) - g0 * (rc * ss - cs * rs) + rs * (rc * g2 - g1 * rs)) / determinant
        let size = (rr * (cc * g2 - g1 * cs) - rc * (rc * g2 - g1 * rs) + g0 * (rc * cs - cc * rs)) / determinant
        guard abs(row) <= 0.5, abs(column) <= 0.5, abs(size) <= 0.5 else { return nil }
        return (row, column, size)
    }
}
