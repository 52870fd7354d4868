internal import NDArray

/// The distance transform of an image with steps of 1 along both axes, whose squares are whole numbers: the envelopes are found without divisions.
///
/// - Parameter image: its sides squared sum up to less than 2²⁴.
func wholeDistances(of image: BitImage, threads: Int) -> [Float] {
    var elements = [Float](repeating: 0, count: image.rows * image.columns)
    guard !elements.isEmpty else { return elements }
    let columns = image.columns
    elements.withUnsafeMutableBufferPointer { buffer in
        markSet(of: image, in: buffer)
        let grid = DisjointSlices(buffer)
        transformColumns(grid, planes: 1, rows: image.rows, columns: columns, scale: 1, threads: threads)
        parallelBands(image.rows, band: 64, threads: threads) { band in
            withUnsafeTemporaryAllocation(of: WholeParabola.self, capacity: columns + 1) { envelope in
                for row in band { transformRow(grid.base + row * columns, columns, envelope) }
            }
        }
    }
    return elements
}

/// A parabola of the lower envelope over a line.
private struct WholeParabola {
    var apex: Int32
    var height: Int32
    /// Where it takes over from the one before: numerator and denominator.
    var startNumerator: Int32
    var startDenominator: Int32
}

/// Replaces squared distances along the columns by distances; what is set between two zeros knows nothing of what lies beyond them.
private func transformRow(
    _ line: UnsafeMutablePointer<Float>, _ length: Int, _ envelope: UnsafeMutableBufferPointer<WholeParabola>
) {
    var first = 0
    while first < length {
        if line[first] == 0 {
            first += 1
            continue
        }
        var end = first + 1
        while end < length, line[end] != 0 { end += 1 }
        transformPiece(line, from: first, to: end, length: length, envelope)
        first = end
    }
}

/// The elements from `first` to before `end`, with the zeros beside them.
@inline(__always) private func transformPiece(
    _ line: UnsafeMutablePointer<Float>, from first: Int, to end: Int, length: Int,
    _ envelope: UnsafeMutableBufferPointer<WholeParabola>
) {
    var count = 0
    for index in max(first - 1, 0)..<min(end + 1, length) {
        let value = line[index]
        guard value < .infinity else { continue }
        let (apex, height) = (Int32(truncatingIfNeeded: index), Int32(value))
        var (numerator, denominator) = (Int32(0), Int32(1))
        while count > 0 {
            let last = envelope[count - 1]
            // Both are equally high at (h + i² − h' − i'²) / 2 (i − i').
            numerator = height &+ apex &* apex &- last.height &- last.apex &* last.apex
            denominator = 2 &* (apex &- last.apex)
            if count == 1 { break }
            if Int64(numerator) &* Int64(last.startDenominator) > Int64(last.startNumerator) &* Int64(denominator) {
                break
            }
            count -= 1
        }
        envelope[count] = WholeParabola(
            apex: apex, height: height, startNumerator: numerator, startDenominator: denominator)
        count += 1
    }
    guard count > 0 else { return }
    var parabola = 0
    for index in first..<end {
        let place = Int32(truncatingIfNeeded: index)
        while parabola + 1 < count {
            let next = envelope[parabola + 1]
            guard Int64(next.startNumerator) < Int64(place) &* Int64(next.startDenominator) else { break }
            parabola += 1
        }
        let offset = place &- envelope[parabola].apex
        line[index] = Float(offset &* offset &+ envelope[parabola].height).squareRoot()
    }
}
