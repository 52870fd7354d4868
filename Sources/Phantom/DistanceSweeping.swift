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
    let (planes, rows, columns) = (field.planes, field.rows, field.columns)
    guard planes > 0, rows > 0, columns > 0 else { return }
    let far: Float = 1e6
    field.elements.withUnsafeMutableBufferPointer { values in
        var free = [Bool](repeating: false, count: values.count)
        for index in 0..<values.count where values[index] >= trusted {
            free[index] = true
            values[index] = far
        }
        free.withUnsafeBufferPointer { free in
            for order in 0..<8 {
                for planeStep in 0..<planes {
                    let plane = order & 4 == 0 ? planeStep : planes - 1 - planeStep
                    for rowStep in 0..<rows {
                        let row = order & 2 == 0 ? rowStep : rows - 1 - rowStep
                        let start = (plane * rows + row) * columns
                        for columnStep in 0..<columns {
                            let column = order & 1 == 0 ? columnStep : columns - 1 - columnStep
                            let index = start + column
                            guard free[index] else { continue }
                            let below = plane > 0 ? values[index - rows * columns] : far
                            let above = plane + 1 < planes ? values[index + rows * columns] : far
                            let back = row > 0 ? values[index - columns] : far
                            let front = row + 1 < rows ? values[index + columns] : far
                            let left = column > 0 ? values[index - 1] : far
                            let right = column + 1 < columns ? values[index + 1] : far
                            let solution = upwindDistance(
                                min(below, above), min(back, front), min(left, right), spacing: spacingMm)
                            if solution < values[index] { values[index] = solution }
                        }
                    }
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
