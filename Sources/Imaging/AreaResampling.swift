public import NDArray

/// The image at another pixel size: each new pixel is the mean of what it covers, by area.
///
/// The upper left corners of both images coincide. The new image has as many pixels as are needed to cover the old
/// one; where the last ones stick out, they are the mean of what there is.
///
/// - Parameters:
///   - spacingUm: pixel size of `image`.
///   - newSpacingUm: pixel size of the result; a smaller one makes pixels that repeat or mix their neighbours.
public func areaResampled(
    _ image: Image<Float>, spacingUm: Double, to newSpacingUm: Double, threads: Int = 1
) -> Image<Float> {
    precondition(
        spacingUm > 0 && newSpacingUm > 0, "Pixel sizes must be positive: \(spacingUm) µm, \(newSpacingUm) µm.")
    guard spacingUm != newSpacingUm, image.count > 0 else { return image }
    let rowShares = AreaShares(count: image.rows, ratio: newSpacingUm / spacingUm)
    let columnShares = AreaShares(count: image.columns, ratio: newSpacingUm / spacingUm)
    let columns = columnShares.ranges.count
    let elements = [Float](unsafeUninitializedCapacity: rowShares.ranges.count * columns) { buffer, initialised in
        let output = DisjointSlices(buffer)
        let input = image.elements
        let oldColumns = image.columns
        parallelBands(rowShares.ranges.count, band: 8, threads: threads) { band in
            var sums = [Float](repeating: 0, count: oldColumns)
            input.withUnsafeBufferPointer { pixels in
                sums.withUnsafeMutableBufferPointer { sums in
                    for row in band {
                        sums.update(repeating: 0)
                        for old in rowShares.ranges[row] {
                            let weight = rowShares.weight(of: old, in: row)
                            for column in 0..<oldColumns { sums[column] += weight * pixels[old * oldColumns + column] }
                        }
                        for column in 0..<columns {
                            var sum: Float = 0
                            for old in columnShares.ranges[column] {
                                sum += columnShares.weight(of: old, in: column) * sums[old]
                            }
                            output[row * columns + column] = sum
                        }
                    }
                }
            }
        }
        initialised = buffer.count
    }
    return Image(rows: rowShares.ranges.count, columns: columns, elements: elements)
}

/// Which old pixels of a line a new one covers, and how much of it each of them is.
private struct AreaShares: Sendable {
    let count: Int
    let ratio: Double
    let ranges: [Range<Int>]

    init(count: Int, ratio: Double) {
        self.count = count
        self.ratio = ratio
        // A sliver below a millionth of a pixel is rounding, not a pixel.
        let newCount = max(1, Int((Double(count) / ratio - 1e-6).rounded(.up)))
        ranges = (0..<newCount).map { index in
            let first = min(Int(Double(index) * ratio), count - 1)
            let end = min(Int((Double(index + 1) * ratio).rounded(.up)), count)
            return first..<max(end, first + 1)
        }
    }

    func weight(of old: Int, in new: Int) -> Float {
        let start = Double(new) * ratio
        let end = min(start + ratio, Double(count))
        let covered = min(end, Double(old + 1)) - max(start, Double(old))
        return Float(max(covered, 0) / (end - start))
    }
}
