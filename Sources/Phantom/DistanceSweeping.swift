public import NDArray

/// Turns a field that is right near a surface into the distance to the surface everywhere inside.
///
/// Solves |∇d| = 1 by fast sweeping: eight Gauss–Seidel sweeps in the eight orders of the axes, each voxel taking the
/// first-order upwind solution from its lower neighbours; one whose neighbours are as they were when it was last looked at is left out, as it
/// would find the same. Voxels whose value lies below `trusted` stay as they are and are the
/// source; the others are overwritten.
///
/// - Parameters:
///   - field: distance in mm, positive inside; right where it is below `trusted`.
///   - spacingMm: edge of a voxel.
///   - trusted: largest value that is kept, at least about one voxel.
/// - Complexity: O(voxels), sequential: the order of the sweeps is the result.
///
/// **Reference**: Zhao 2005, DOI 10.1090/S0025-5718-04-01678-3.
public func sweepDistance(_ field: inout Volume<Float>, spacingMm: Float, trusted: Float) {
    sweepDistance(
        &field, spacingMm: spacingMm, trusted: trusted, reach: .greatestFiniteMagnitude, parts: [0..<field.columns],
        threads: 1)
}

/// The same in ranges of columns that know nothing of each other, each on a thread of its own.
///
/// - Parameters:
///   - reach: distances beyond it are not worked out; voxels there get `reach`.
///   - field: voxels of 10⁶ and more are walls.
///   - parts: ranges of columns; voxels outside all of them stay as they are.
func sweepDistance(
    _ field: inout Volume<Float>, spacingMm: Float, trusted: Float, reach: Float, parts: [Range<Int>], threads: Int
) {
    let (planes, rows, columns) = (field.planes, field.rows, field.columns)
    guard planes > 0, rows > 0, columns > 0 else { return }
    let far: Float = 1e6
    field.elements.withUnsafeMutableBufferPointer { values in
        let values = DisjointSlices(values)
        parallelFor(parts.count, threads: threads) { part in
            let range = parts[part]
            // 1 where a value is to be found, and 2 besides where it must be looked at; with a frame of zeros.
            let (height, width) = (rows + 2, range.count + 2)
            var states = [UInt8](repeating: 0, count: (planes + 2) * height * width)
            states.withUnsafeMutableBufferPointer { states in
                for plane in 0..<planes {
                    for row in 0..<rows {
                        let line = (plane * rows + row) * columns
                        let start = ((plane + 1) * height + row + 1) * width + 1 - range.lowerBound
                        for column in range where values[line + column] >= trusted && values[line + column] < far {
                            states[start + column] = 3
                            values[line + column] = far
                        }
                    }
                }
                for order in 0..<8 {
                    for planeStep in 0..<planes {
                        let plane = order & 4 == 0 ? planeStep : planes - 1 - planeStep
                        for rowStep in 0..<rows {
                            let row = order & 2 == 0 ? rowStep : rows - 1 - rowStep
                            let line = (plane * rows + row) * columns
                            let start = ((plane + 1) * height + row + 1) * width + 1 - range.lowerBound
                            forEachWaiting(states, start: start, range, ascending: order & 1 == 0) { column in
                                states[start + column] = 1
                                let index = line + column
                                let below = plane > 0 ? values[index - rows * columns] : far
                                let above = plane + 1 < planes ? values[index + rows * columns] : far
                                let back = row > 0 ? values[index - columns] : far
                                let front = row + 1 < rows ? values[index + columns] : far
                                let left = column > range.lowerBound ? values[index - 1] : far
                                let right = column + 1 < range.upperBound ? values[index + 1] : far
                                let (first, second, third) = (min(below, above), min(back, front), min(left, right))
                                let least = min(first, min(second, third))
                                guard least < reach, least < values[index] else { return }
                                let solution = upwindDistance(first, second, third, spacing: spacingMm)
                                guard solution < values[index] else { return }
                                values[index] = solution
                                let here = start + column
                                // What lies lower by more than rounding is not told by what lies higher.
                                let bound = solution - 1e-3 * spacingMm
                                wake(states, here, 1, values, index, 1, above: bound)
                                wake(states, here, width, values, index, columns, above: bound)
                                wake(states, here, height * width, values, index, rows * columns, above: bound)
                            }
                        }
                    }
                }
            }
            for line in 0..<planes * rows {
                for column in range where values[line * columns + column] > reach {
                    values[line * columns + column] = reach
                }
            }
        }
    }
}

/// Calls `body` with the columns of a line that must be looked at when their turn comes, eight skipped at a time where there are none.
///
/// - Parameter start: place of column 0 in `states`.
@inline(__always)
private func forEachWaiting(
    _ states: UnsafeMutableBufferPointer<UInt8>, start: Int, _ range: Range<Int>, ascending: Bool,
    _ body: (Int) -> Void
) {
    var step = 0
    while step < range.count {
        if step + 8 <= range.count {
            let first = ascending ? range.lowerBound + step : range.upperBound - 8 - step
            let eight = UnsafeRawBufferPointer(states).loadUnaligned(fromByteOffset: start + first, as: UInt64.self)
            if eight & 0x0202_0202_0202_0202 == 0 {
                step += 8
                continue
            }
        }
        let column = ascending ? range.lowerBound + step : range.upperBound - 1 - step
        if states[start + column] == 3 { body(column) }
        step += 1
    }
}

/// Lets both neighbours along an axis be looked at, where their values are above a bound.
@inline(__always)
private func wake(
    _ states: UnsafeMutableBufferPointer<UInt8>, _ here: Int, _ step: Int, _ values: DisjointSlices<Float>,
    _ index: Int, _ stride: Int, above bound: Float
) {
    // Those in the frame are never waiting: only what lies in the volume is read.
    if states[here - step] == 1, values[index - stride] > bound { states[here - step] = 3 }
    if states[here + step] == 1, values[index + stride] > bound { states[here + step] = 3 }
}

/// The distance at a voxel from its lowest neighbours along the three axes: the root of Σ max(d − dᵢ, 0)² = h².
@inline(__always)
func upwindDistance(_ first: Float, _ second: Float, _ third: Float, spacing: Float) -> Float {
    // Sorted: low ≤ middle ≤ high.
    let low = min(first, min(second, third))
    let high = max(first, max(second, third))
    let middle = max(min(first, second), min(max(first, second), third))
    let one = low + spacing
    if one <= middle { return one }
    let difference = middle - low
    let two = 0.5 * (low + middle + (2 * spacing * spacing - difference * difference).squareRoot())
    if two <= high { return two }
    let sum = low + middle + high
    let squares = low * low + middle * middle + high * high
    let discriminant = max(sum * sum - 3 * (squares - spacing * spacing), 0)
    return (sum + discriminant.squareRoot()) / 3
}
