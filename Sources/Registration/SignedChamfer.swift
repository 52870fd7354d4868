internal import NDArray

/// Chamfer distance to the boundary of a shape, positive inside; the boundary runs midway between points inside and outside.
///
/// Weights of 5, 7 and 11 for steps along a side, a diagonal and a knight's move.
///
/// Reference: G. Borgefors, Comput. Vis. Graph. Image Process. 34, 344 (1986), DOI 10.1016/S0734-189X(86)80047-0.
func signedDistance(rows: Int, columns: Int, stepUm: Float, isInside: (Int) -> Bool) -> Image<Float> {
    // Nothing inside: all points lie as far outside as can be told.
    guard (0..<rows * columns).contains(where: isInside) else {
        return Image(rows: rows, columns: columns, filledWith: (2.5 - farthestFifths) * (stepUm / 5))
    }
    // No point is farther from another than all steps along the sides.
    return 5 * (rows + columns) < Int(Int16.max) - 2 * 11
        ? SignedChamfer<Int16>(rows: rows, columns: columns, isInside).distances(stepUm: stepUm)
        : SignedChamfer<Int32>(rows: rows, columns: columns, isInside).distances(stepUm: stepUm)
}

/// What stands for the distance where there is nothing to measure to.
private let farthestFifths = Float(1 << 28)

/// Distances of the points inside a shape to those outside, and of those outside to those inside, in fifths of a step.
private struct SignedChamfer<Distance: FixedWidthInteger & SignedInteger> {
    let rows: Int
    let columns: Int
    /// A frame of two points around spares the checks at the edges.
    let width: Int
    /// What is farther than any point, and may be added to.
    let far: Distance
    let inner: [Distance]
    let outer: [Distance]

    init(rows: Int, columns: Int, _ isInside: (Int) -> Bool) {
        (self.rows, self.columns) = (rows, columns)
        let (far, width) = (Distance.max / 2 > 1 << 28 ? 1 << 28 : Distance.max - 11, columns + 4)
        var inner = [Distance](repeating: far, count: (rows + 4) * width)
        var outer = inner
        inner.withUnsafeMutableBufferPointer { inner in
            outer.withUnsafeMutableBufferPointer { outer in
                for row in 0..<rows {
                    let start = (row + 2) * width + 2
                    for column in 0..<columns {
                        let isInside = isInside(row * columns + column)
                        outer[start + column] = isInside ? 0 : far
                        inner[start + column] = isInside ? far : 0
                    }
                }
            }
        }
        Self.measure(&inner, &outer, rows: rows, columns: columns, far: far)
        (self.far, self.width, self.inner, self.outer) = (far, width, inner, outer)
    }

    /// Two passes of the 5-7-11 mask.
    ///
    /// What comes from the rows before does not depend on the row itself, so it is taken for the whole row first; then steps along it.
    private static func measure(
        _ inner: inout [Distance], _ outer: inout [Distance], rows: Int, columns: Int, far: Distance
    ) {
        guard rows > 0, columns > 0 else { return }
        let width = columns + 4
        inner.withUnsafeMutableBufferPointer { inner in
            outer.withUnsafeMutableBufferPointer { outer in
                guard let inner = inner.baseAddress, let outer = outer.baseAddress else { return }
                for row in 2..<rows + 2 {
                    let (one, other) = (inner + row * width + 2, outer + row * width + 2)
                    takeSteps(to: one, rowStep: -width, columns: columns)
                    takeSteps(to: other, rowStep: -width, columns: columns)
                    var (left, right) = (far, far)
                    for at in 0..<columns {
                        left = min(one[at], left &+ 5)
                        right = min(other[at], right &+ 5)
                        one[at] = left
                        other[at] = right
                    }
                }
                for row in (2..<rows + 2).reversed() {
                    let (one, other) = (inner + row * width + 2, outer + row * width + 2)
                    takeSteps(to: one, rowStep: width, columns: columns)
                    takeSteps(to: other, rowStep: width, columns: columns)
                    var (left, right) = (far, far)
                    var at = columns - 1
                    while at >= 0 {
                        left = min(one[at], left &+ 5)
                        right = min(other[at], right &+ 5)
                        one[at] = left
                        other[at] = right
                        at -= 1
                    }
                }
            }
        }
    }

    func distances(stepUm: Float) -> Image<Float> {
        let scale = stepUm / 5
        let farthest = farthestFifths
        let elements = [Float](unsafeUninitializedCapacity: rows * columns) { result, initialised in
            inner.withUnsafeBufferPointer { inner in
                outer.withUnsafeBufferPointer { outer in
                    for row in 0..<rows {
                        for column in 0..<columns {
                            let at = (row + 2) * width + column + 2
                            let (one, other) = (inner[at], outer[at])
                            let depth = one < far ? Float(one) : farthest
                            let height = other < far ? Float(other) : farthest
                            result[row * columns + column] = (one > 0 ? depth - 2.5 : 2.5 - height) * scale
                        }
                    }
                }
            }
            initialised = rows * columns
        }
        return Image(rows: rows, columns: columns, elements: elements)
    }
}

/// Distances by way of the two rows before a row, `rowStep` away and twice as far.
///
/// A function of its own, so that the compiler takes several points at once.
@inline(never)
private func takeSteps<Distance: FixedWidthInteger & SignedInteger>(
    to here: UnsafeMutablePointer<Distance>, rowStep: Int, columns: Int
) {
    let (next, second) = (here + rowStep, here + 2 * rowStep)
    for at in 0..<columns {
        var best = min(here[at], next[at] &+ 5)
        best = min(best, min(next[at - 1], next[at + 1]) &+ 7)
        best = min(best, min(next[at - 2], next[at + 2]) &+ 11)
        best = min(best, min(second[at - 1], second[at + 1]) &+ 11)
        here[at] = best
    }
}
