internal import NDArray

/// Sums that are taken row by row.
protocol RowSums: Sendable {
    init()
    mutating func add(_ other: Self)
}

/// Sums over rows, taken in bands that are added in their order, so that the result does not depend on `threads`.
func sumsOverRows<Sums: RowSums>(
    _ rows: Int, threads: Int, _ addRow: @Sendable (_ row: Int, _ sums: inout Sums) -> Void
) -> Sums {
    let band = 32
    var parts = [Sums](repeating: Sums(), count: (rows + band - 1) / band)
    var total = Sums()
    guard !parts.isEmpty else { return total }
    parts.withUnsafeMutableBufferPointer { parts in
        let parts = DisjointSlices(parts)
        parallelFor(parts.count, threads: threads) { index in
            var sums = Sums()
            for row in index * band..<min(rows, (index + 1) * band) { addRow(row, &sums) }
            parts[index] = sums
        }
    }
    for part in parts { total.add(part) }
    return total
}

/// Where the pixels of a fixed section's row lie in the moving section, and which of them can be tissue of either.
struct SampledRow {
    /// Columns of the fixed section outside of which neither section has tissue.
    private(set) var columns: Range<Int>
    /// Place of the fixed section's column 0 in the moving section, and the way from one column to the next.
    let start: SIMD2<Double>
    let step: SIMD2<Double>

    /// - Parameter back: the matrix of fixed pixels to moving pixels.
    init(_ row: Int, of fixed: RegistrationImage, in moving: RegistrationImage, back: [Double]) {
        start = SIMD2(back[0], back[3]) * Double(row) + SIMD2(back[2], back[5])
        step = SIMD2(back[1], back[4])
        let own = fixed.tissueExtents[row]
        columns = own
        // The columns whose place lies in the box around the moving section's tissue, a pixel wider.
        guard fixed.columns > 0, !moving.tissueRows.isEmpty,
            let met = reached(in: 0...Double(fixed.columns - 1), axis: 0, box: moving.tissueRows),
            let boxed = reached(in: met, axis: 1, box: moving.tissueColumns),
            // Of the rows that are met there the tissue's columns, which are fewer.
            let reach = reached(in: boxed, axis: 1, box: moving.tissueColumns(ofRows: rows(in: boxed)))
        else { return }
        let reached = Int(reach.lowerBound)..<min(Int(reach.upperBound) + 2, fixed.columns)
        columns =
            own.isEmpty
            ? reached : min(own.lowerBound, reached.lowerBound)..<max(own.upperBound, reached.upperBound)
    }

    /// The part of a span of columns whose places lie, along one axis, in a box or a pixel beside it.
    private func reached(in span: ClosedRange<Double>, axis: Int, box: Range<Int>) -> ClosedRange<Double>? {
        guard !box.isEmpty else { return nil }
        let (low, high) = (Double(box.lowerBound) - 1, Double(box.upperBound))
        if abs(step[axis]) < 1e-9 { return start[axis] < low || start[axis] > high ? nil : span }
        let (one, other) = ((low - start[axis]) / step[axis], (high - start[axis]) / step[axis])
        let (first, last) = (max(span.lowerBound, min(one, other)), min(span.upperBound, max(one, other)))
        return first <= last ? first...last : nil
    }

    /// The moving section's rows, and some more on either side, between which the places of a span of columns lie.
    private func rows(in span: ClosedRange<Double>) -> Range<Int> {
        let (one, other) = (start[0] + step[0] * span.lowerBound, start[0] + step[0] * (span.upperBound + 1))
        return Int(min(one, other)) - 2..<Int(max(one, other)) + 3
    }

    /// The part of the row in which all places lie in a box, for a box that they enter and leave but once.
    func interior(_ isInside: (SIMD2<Double>) -> Bool) -> Range<Int> {
        var (first, end) = (columns.lowerBound, columns.upperBound)
        while first < end, !isInside(place(first)) { first += 1 }
        while first < end, !isInside(place(end - 1)) { end -= 1 }
        return first..<end
    }

    @inline(__always) func place(_ column: Int) -> SIMD2<Double> { start + step * Double(column) }

    /// The places of four columns, by row and column.
    @inline(__always) func places(from column: Int) -> (rows: SIMD4<Double>, columns: SIMD4<Double>) {
        let along = SIMD4(0, 1, 2, 3) + Double(column)
        return (start[0] + step[0] * along, start[1] + step[1] * along)
    }
}
