public import NDArray

/// Turns a field that is right near a surface into the distance to the surface everywhere inside.
///
/// Solves |∇d| = 1 by fast sweeping: eight Gauss–Seidel sweeps in the eight orders of the axes, each voxel taking the
/// first-order upwind solution from its lower neighbours. Voxels whose value lies below `trusted` stay as they are and are the
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
            var free = [Bool](repeating: false, count: planes * rows * range.count)
            for line in 0..<planes * rows {
                for column in range
                where values[line * columns + column] >= trusted && values[line * columns + column] < far {
                    free[line * range.count + column - range.lowerBound] = true
                    values[line * columns + column] = far
                }
            }
            free.withUnsafeBufferPointer { free in
                for order in 0..<8 {
                    for planeStep in 0..<planes {
                        let plane = order & 4 == 0 ? planeStep : planes - 1 - planeStep
                        for rowStep in 0..<rows {
                            let row = order & 2 == 0 ? rowStep : rows - 1 - rowStep
                            let line = plane * rows + row
                            for step in 0..<range.count {
                                let column =
                                    order & 1 == 0 ? range.lowerBound + step : range.upperBound - 1 - step
                                guard free[line * range.count + column - range.lowerBound] else { continue }
                                let index = line * columns + column
                                let below = plane > 0 ? values[index - rows * columns] : far
                                let above = plane + 1 < planes ? values[index + rows * columns] : far
                                let back = row > 0 ? values[index - columns] : far
                                let front = row + 1 < rows ? values[index + columns] : far
                                let left = column > range.lowerBound ? values[index - 1] : far
                                let right = column + 1 < range.upperBound ? values[index + 1] : far
                                let (first, second, third) = (min(below, above), min(back, front), min(left, right))
                                let least = min(first, min(second, third))
                                guard least < reach, least < values[index] else { continue }
                                let solution = upwindDistance(first, second, third, spacing: spacingMm)
                                if solution < values[index] { values[index] = solution }
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
