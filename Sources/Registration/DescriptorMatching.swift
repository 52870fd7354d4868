internal import LinearAlgebra
internal import NDArray

/// Two keypoints that look alike.
public struct KeypointMatch: Sendable, Equatable {
    /// Index into the moving set.
    public var moving: Int
    /// Index into the fixed set.
    public var fixed: Int
    /// Euclidean distance of the descriptors, 0 … 2.
    public var distance: Float

    public init(moving: Int, fixed: Int, distance: Float) {
        self.moving = moving
        self.fixed = fixed
        self.distance = distance
    }
}

/// The matches of two keypoint sets: for each moving keypoint its nearest fixed one, where the second nearest is clearly further.
///
/// Only keypoints with the same sign of the Laplacian are compared. All distances of a block come from one matrix product,
/// |a − b|² = 2 − 2 a·b for descriptors of length 1.
///
/// - Parameters:
///   - mirrored: whether the moving section is seen from behind; its descriptors are then turned around.
///   - ratio: largest share of the nearest distance in the second nearest; 1 accepts all.
///   - mutual: whether the moving keypoint must also be the nearest of its partner.
/// - Returns: in the order of the moving keypoints.
/// - Complexity: O(n · m · 64) and 256 · m numbers a thread.
///
/// **Reference**: D. Lowe, IJCV 60, 91 (2004), section 7.1, for the ratio; Bay 2008, section 4.3, for the sign.
public func matchKeypoints(
    _ moving: KeypointSet, _ fixed: KeypointSet, mirrored: Bool = false, ratio: Float = 0.8, mutual: Bool = false,
    threads: Int = 1
) -> [KeypointMatch] {
    let descriptors = mirrored ? moving.mirroredDescriptors : moving.descriptors
    var matches: [KeypointMatch] = []
    for sign in [Int8(1), -1] {
        let ours = moving.keypoints.indices.filter { moving.keypoints[$0].laplacian == sign }
        let theirs = fixed.keypoints.indices.filter { fixed.keypoints[$0].laplacian == sign }
        guard !ours.isEmpty, !theirs.isEmpty else { continue }
        let left = rows(ours, of: descriptors)
        let right = rows(theirs, of: fixed.descriptors)
        let (nearest, back) = nearestTwo(left, right, threads: threads)
        for (index, pair) in nearest.enumerated() {
            if mutual, back[pair.index] != index { continue }
            let distance = max(0, 2 - 2 * pair.best).squareRoot()
            let second = max(0, 2 - 2 * pair.second).squareRoot()
            guard distance < ratio * second || (ratio >= 1 && distance <= second) else { continue }
            matches.append(KeypointMatch(moving: ours[index], fixed: theirs[pair.index], distance: distance))
        }
    }
    return matches.sorted { $0.moving < $1.moving }
}

/// The chosen rows of a matrix of descriptors.
private func rows(_ indices: [Int], of descriptors: [Float]) -> [Float] {
    let length = KeypointSet.descriptorLength
    var chosen: [Float] = []
    chosen.reserveCapacity(indices.count * length)
    for index in indices { chosen += descriptors[index * length..<(index + 1) * length] }
    return chosen
}

private struct Nearest: Sendable {
    var index = 0
    /// Inner products with the nearest and the second nearest; −1 where there is none.
    var best: Float = -.infinity
    var second: Float = -1
}

/// The two largest inner products of each row of `left` with the rows of `right`, and of each row of `right` the row of `left` that has
/// the largest with it; of equal ones the first counts.
private func nearestTwo(_ left: [Float], _ right: [Float], threads: Int) -> (nearest: [Nearest], back: [Int]) {
    let length = KeypointSet.descriptorLength
    let (count, others) = (left.count / length, right.count / length)
    let block = 256
    let bands = (count + block - 1) / block
    // For each band of left rows the best of them for every right row.
    var best = [Float](repeating: -.infinity, count: bands * others)
    var bestRow = [Int32](repeating: 0, count: bands * others)
    let nearest = [Nearest](unsafeUninitializedCapacity: count) { buffer, initialised in
        let output = DisjointSlices(buffer)
        best.withUnsafeMutableBufferPointer { best in
            bestRow.withUnsafeMutableBufferPointer { bestRow in
                let best = DisjointSlices(best)
                let bestRow = DisjointSlices(bestRow)
                parallelBands(count, band: block, threads: threads) { band in
                    let ours = band.lowerBound / block * others
                    var products = [Float](repeating: 0, count: band.count * others)
                    left.withUnsafeBufferPointer { left in
                        right.withUnsafeBufferPointer { right in
                            products.withUnsafeMutableBufferPointer { products in
                                let slice = UnsafeBufferPointer(
                                    rebasing: left[band.lowerBound * length..<band.upperBound * length])
                                productWithTranspose(
                                    slice, rows: band.count, right, rows: others, inner: length, into: products)
                                for row in 0..<band.count {
                                    let line = UnsafeBufferPointer(
                                        rebasing: products[row * others..<(row + 1) * others])
                                    let number = band.lowerBound + row
                                    (output.base + number).initialize(to: largestTwo(line))
                                    keepLarger(
                                        line, Int32(number), best.base + ours, bestRow.base + ours)
                                }
                            }
                        }
                    }
                }
            }
        }
        initialised = count
    }
    // Bands in their order, so that the first of equal ones stays.
    let back = (0..<others).map { column in
        var found = column
        for band in 1..<max(bands, 1) where best[band * others + column] > best[found] {
            found = band * others + column
        }
        return Int(bestRow[found])
    }
    return (nearest, back)
}

/// The two largest of a row of products.
private func largestTwo(_ products: UnsafeBufferPointer<Float>) -> Nearest {
    var nearest = Nearest()
    var column = 0
    while column < products.count {
        // Eight at a time are passed over where none of them counts.
        if column + 8 <= products.count {
            let eight = UnsafeRawPointer(products.baseAddress.unsafelyUnwrapped + column)
                .loadUnaligned(as: SIMD8<Float>.self)
            if !any(eight .> nearest.second) {
                column += 8
                continue
            }
        }
        for here in column..<min(column + 8, products.count) where products[here] > nearest.second {
            let product = products[here]
            if product > nearest.best {
                nearest.second = max(nearest.best, -1)
                nearest.best = product
                nearest.index = here
            } else {
                nearest.second = product
            }
        }
        column += 8
    }
    return nearest
}

/// Keeps for each column the larger of the product seen so far and this row's.
private func keepLarger(
    _ products: UnsafeBufferPointer<Float>, _ row: Int32, _ best: UnsafeMutablePointer<Float>,
    _ bestRow: UnsafeMutablePointer<Int32>
) {
    guard let line = products.baseAddress else { return }
    func eight(_ place: UnsafePointer<Float>) -> SIMD8<Float> {
        UnsafeRawPointer(place).loadUnaligned(as: SIMD8<Float>.self)
    }
    var column = 0
    while column < products.count {
        let end = min(column + 8, products.count)
        // After some rows hardly one is larger: eight at a time are passed over.
        if end == column + 8, !any(eight(line + column) .> eight(best + column)) {
            column = end
            continue
        }
        for column in column..<end where products[column] > best[column] {
            best[column] = products[column]
            bestRow[column] = row
        }
        column = end
    }
}
