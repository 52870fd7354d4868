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
    let total = sumsOverRows(fixed.rows, threads: threads) { (row, sums: inout OverlapSums) in
        let sampled = SampledRow(row, of: fixed, in: moving, back: back)
        let start = row * fixed.columns
        fixed.gray.elements.withUnsafeBufferPointer { fixedGray in
            fixed.tissue.elements.withUnsafeBufferPointer { fixedTissue in
                moving.gray.elements.withUnsafeBufferPointer { movingGray in
                    moving.tissue.elements.withUnsafeBufferPointer { movingTissue in
                        let inside = sampled.interior { moving.isInterior($0) }
                        func add(_ column: Int) {
                            let place = sampled.place(column)
                            let here = fixedTissue[start + column] != 0
                            let there = moving.isTissue(movingTissue, at: place)
                            guard here || there else { return }
                            sums.add(
                                Double(fixedGray[start + column]), Double(moving.level(movingGray, at: place)), here,
                                there)
                        }
                        for column in sampled.columns.lowerBound..<inside.lowerBound { add(column) }
                        var column = inside.lowerBound
                        while column + 4 <= inside.upperBound {
                            let places = sampled.places(from: column)
                            let mask = moving.nearest(places)
                            @inline(__always) func tissue(_ lane: Int) -> (here: Bool, there: Bool) {
                                (fixedTissue[start + column + lane] != 0, movingTissue[mask[lane]] != 0)
                            }
                            let (a, b, c, d) = (tissue(0), tissue(1), tissue(2), tissue(3))
                            if a.here || a.there || b.here || b.there || c.here || c.there || d.here || d.there {
                                let levels = moving.levels(movingGray, places)
                                @inline(__always) func add(_ lane: Int, _ tissue: (here: Bool, there: Bool)) {
                                    guard tissue.here || tissue.there else { return }
                                    sums.add(
                                        Double(fixedGray[start + column + lane]), Double(levels[lane]), tissue.here,
                                        tissue.there)
                                }
                                add(0, a)
                                add(1, b)
                                add(2, c)
                                add(3, d)
                            }
                            column += 4
                        }
                        for column in column..<sampled.columns.upperBound { add(column) }
                    }
                }
            }
        }
    }
    return total.overlap
}

private struct OverlapSums: RowSums {
    var count = 0
    /// Sums of both gray levels, of their squares, and of their product.
    var levels = SIMD2<Double>(0, 0)
    var squares = SIMD2<Double>(0, 0)
    var product = 0.0
    var both = 0

    @inline(__always) mutating func add(_ fixed: Double, _ moving: Double, _ here: Bool, _ there: Bool) {
        let pair = SIMD2(fixed, moving)
        count += 1
        levels += pair
        squares += pair * pair
        product += fixed * moving
        both += here && there ? 1 : 0
    }

    mutating func add(_ other: OverlapSums) {
        count += other.count
        levels += other.levels
        squares += other.squares
        product += other.product
        both += other.both
    }

    var overlap: Overlap {
        guard self.count > 1 else { return Overlap(correlation: 0, dice: 0) }
        let count = Double(self.count)
        let covariance = product - levels[0] * levels[1] / count
        let variances = squares - levels * levels / count
        let scale = (variances[0] * variances[1])
        let correlation = scale > 0 ? covariance / scale.squareRoot() : 0
        return Overlap(correlation: correlation, dice: 2 * Double(both) / Double(self.count + both))
    }
}
