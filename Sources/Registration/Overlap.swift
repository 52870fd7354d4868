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
        moving.withNearest(sampled) { (levels, tissue) in
            let start = row * fixed.columns
            fixed.gray.elements.withUnsafeBufferPointer { fixedGray in
                fixed.tissue.elements.withUnsafeBufferPointer { fixedTissue in
                    // Of its own, so that it stays in registers.
                    var line = sums
                    for (index, column) in sampled.columns.enumerated() {
                        let (here, there) = (fixedTissue[start + column] != 0, tissue[index] != 0)
                        guard here || there else { continue }
                        line.add(Double(fixedGray[start + column]), Double(levels[index]), here, there)
                    }
                    sums = line
                }
            }
        }
    }
    return total.overlap
}

extension RegistrationImage {
    /// Calls `body` with the gray levels at a row's places and the pixels of the tissue's mask that are nearest to them.
    @inline(__always) fileprivate func withNearest(
        _ row: SampledRow,
        _ body: (_ levels: UnsafeMutablePointer<Float>, _ tissue: UnsafeMutablePointer<UInt8>) -> Void
    ) {
        withUnsafeTemporaryAllocation(of: Float.self, capacity: row.columns.count) { levels in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: row.columns.count) { near in
                gray.elements.withUnsafeBufferPointer { gray in
                    tissue.elements.withUnsafeBufferPointer { tissue in
                        guard let levels = levels.baseAddress, let near = near.baseAddress,
                            let pixels = gray.baseAddress
                        else { return }
                        let first = row.columns.lowerBound
                        let inside = row.interior { isInterior($0) }
                        func sample(_ columns: Range<Int>) {
                            for column in columns {
                                levels[column - first] = level(gray, at: row.place(column))
                                near[column - first] = isTissue(tissue, at: row.place(column)) ? 1 : 0
                            }
                        }
                        sample(first..<inside.lowerBound)
                        var column = inside.lowerBound
                        while column + 4 <= inside.upperBound {
                            let samples = FourSamples(self, row.places(from: column))
                            UnsafeMutableRawPointer(levels + (column - first)).storeBytes(
                                of: samples.levels(pixels), as: SIMD4<Float>.self)
                            let nearest = samples.nearest
                            for lane in 0..<4 { near[column - first + lane] = tissue[nearest[lane]] }
                            column += 4
                        }
                        sample(column..<row.columns.upperBound)
                        body(levels, near)
                    }
                }
            }
        }
    }
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
