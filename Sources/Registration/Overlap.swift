internal import NDArray

/// How well two sections lie on each other under a transform.
public struct Overlap: Sendable, Equatable {
    /// Pearson's correlation of the gray levels inside the union of both tissues; 0 where one of them is constant.
    public var correlation: Double
    /// Dice's coefficient of the tissues, 0 … 1.
    public var dice: Double
}

/// Lays `moving` on `fixed` (bilinear, in the fixed section's frame) and compares them.
///
/// - Parameter transform: moving pixels to fixed pixels.
public func overlap(
    of moving: RegistrationImage, on fixed: RegistrationImage, under transform: RigidTransform, threads: Int = 1
) -> Overlap {
    let back = transform.inverse.matrix
    let band = 32
    let bands = (fixed.rows + band - 1) / band
    guard bands > 0 else { return Overlap(correlation: 0, dice: 0) }
    var parts = [OverlapSums](repeating: OverlapSums(), count: bands)
    parts.withUnsafeMutableBufferPointer { parts in
        let parts = DisjointSlices(parts)
        parallelFor(bands, threads: threads) { index in
            var sums = OverlapSums()
            fixed.gray.elements.withUnsafeBufferPointer { fixedGray in
                fixed.tissue.elements.withUnsafeBufferPointer { fixedTissue in
                    moving.gray.elements.withUnsafeBufferPointer { movingGray in
                        moving.tissue.elements.withUnsafeBufferPointer { movingTissue in
                            for row in index * band..<min(fixed.rows, (index + 1) * band) {
                                for column in 0..<fixed.columns {
                                    let (y, x) = (Double(row), Double(column))
                                    let sourceRow = back[0] * y + back[1] * x + back[2]
                                    let sourceColumn = back[3] * y + back[4] * x + back[5]
                                    let here = fixedTissue[row * fixed.columns + column] != 0
                                    let there = moving.isTissue(movingTissue, row: sourceRow, column: sourceColumn)
                                    guard here || there else { continue }
                                    sums.add(
                                        Double(fixedGray[row * fixed.columns + column]),
                                        Double(moving.level(movingGray, row: sourceRow, column: sourceColumn)),
                                        here, there)
                                }
                            }
                        }
                    }
                }
            }
            parts[index] = sums
        }
    }
    var total = OverlapSums()
    for part in parts { total.add(part) }
    return total.overlap
}

private struct OverlapSums: Sendable {
    var count = 0.0
    var fixed = 0.0
    var moving = 0.0
    var fixedSquared = 0.0
    var movingSquared = 0.0
    var product = 0.0
    var both = 0.0
    var either = 0.0

    mutating func add(_ a: Double, _ b: Double, _ here: Bool, _ there: Bool) {
        count += 1
        fixed += a
        moving += b
        fixedSquared += a * a
        movingSquared += b * b
        product += a * b
        if here, there { both += 1 }
        either += (here ? 1 : 0) + (there ? 1 : 0)
    }

    mutating func add(_ other: OverlapSums) {
        count += other.count
        fixed += other.fixed
        moving += other.moving
        fixedSquared += other.fixedSquared
        movingSquared += other.movingSquared
        product += other.product
        both += other.both
        either += other.either
    }

    var overlap: Overlap {
        guard count > 1 else { return Overlap(correlation: 0, dice: 0) }
        let covariance = product - fixed * moving / count
        let variances = (fixedSquared - fixed * fixed / count) * (movingSquared - moving * moving / count)
        let correlation = variances > 0 ? covariance / variances.squareRoot() : 0
        return Overlap(correlation: correlation, dice: either > 0 ? 2 * both / either : 0)
    }
}
