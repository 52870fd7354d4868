internal import Imaging
public import NDArray

/// A section as the alignment sees it: gray levels, where the tissue is, and what the slide around it looks like.
public struct RegistrationImage: Sendable {
    /// Gray levels 0 … 255.
    public let gray: Image<Float>
    /// 1 where there is tissue.
    public let tissue: Image<UInt8>
    /// Median gray level outside the tissue; stands for everything beyond the image.
    public let background: Float

    /// The columns between the first and the last tissue pixel of each row; empty where there is none.
    let tissueExtents: [Range<Int>]
    /// Rows and columns of the box around the tissue.
    let tissueRows: Range<Int>
    let tissueColumns: Range<Int>

    public init(gray: Image<UInt8>, tissue: Image<UInt8>) {
        precondition(gray.rows == tissue.rows && gray.columns == tissue.columns, "Mask and image differ in size.")
        // Two tables by turns: equal levels side by side would wait for each other.
        var counts = [Int32](repeating: 0, count: 1024)
        counts.withUnsafeMutableBufferPointer { counts in
            gray.elements.withUnsafeBufferPointer { levels in
                tissue.elements.withUnsafeBufferPointer { tissue in
                    for index in levels.indices {
                        counts[Int(levels[index]) + (tissue[index] == 0 ? 0 : 512) + (index & 1) << 8] += 1
                    }
                }
            }
        }
        let outside = (0..<256).map { Int(counts[$0]) + Int(counts[$0 + 256]) }
        let total = outside.reduce(0, +)
        var below = 0
        let median = outside.firstIndex { count in
            below += count
            return 2 * below >= total && total > 0
        }
        self.init(gray: gray.asFloat, tissue: tissue, background: Float(median ?? 255))
    }

    init(gray: Image<Float>, tissue: Image<UInt8>, background: Float) {
        self.gray = gray
        self.tissue = tissue
        self.background = background
        let extents = lineExtents(of: tissue)
        tissueExtents = extents
        let rows = extents.indices.filter { !extents[$0].isEmpty }
        tissueRows = (rows.first ?? 0)..<(rows.last.map { $0 + 1 } ?? 0)
        let first = rows.map { extents[$0].lowerBound }.min() ?? 0
        tissueColumns = first..<(rows.map { extents[$0].upperBound }.max() ?? 0)
    }

    /// The columns between which the tissue of some rows lies; empty where they have none.
    func tissueColumns(ofRows rows: Range<Int>) -> Range<Int> {
        var (first, end) = (columns, 0)
        for row in rows.clamped(to: tissueRows) where !tissueExtents[row].isEmpty {
            first = min(first, tissueExtents[row].lowerBound)
            end = max(end, tissueExtents[row].upperBound)
        }
        return first < end ? first..<end : 0..<0
    }

    public var rows: Int { gray.rows }
    public var columns: Int { gray.columns }

    /// The image's middle, in pixels.
    public var centre: PlanarPoint {
        PlanarPoint(row: Double(rows - 1) / 2, column: Double(columns - 1) / 2)
    }

    /// The mean of the tissue's pixels; the image's middle where there is none.
    public var tissueCentre: PlanarPoint {
        var (rowSum, columnSum, count) = (0, 0, 0)
        tissue.elements.withUnsafeBufferPointer { tissue in
            for row in tissueRows {
                var inRow = 0
                for column in tissueExtents[row] where tissue[row * columns + column] != 0 {
                    columnSum += column
                    inRow += 1
                }
                rowSum += row * inRow
                count += inRow
            }
        }
        guard count > 0 else { return centre }
        return PlanarPoint(row: Double(rowSum) / Double(count), column: Double(columnSum) / Double(count))
    }

    /// The gray level at a place (row, column) by bilinear interpolation; the background beyond the image.
    @inline(__always) func level(_ pixels: UnsafeBufferPointer<Float>, at place: SIMD2<Double>) -> Float {
        let (row, column) = (place[0], place[1])
        guard row > -1, column > -1, row < Double(rows), column < Double(columns) else { return background }
        // Rounding down by cutting off, of what is positive.
        let top = Int(row + 1) - 1
        let left = Int(column + 1) - 1
        let down = Float(row - Double(top))
        let across = Float(column - Double(left))
        let at = top * columns + left
        if top >= 0, left >= 0, top + 1 < rows, left + 1 < columns {
            let upper = pixels[at] * (1 - across) + pixels[at + 1] * across
            let lower = pixels[at + columns] * (1 - across) + pixels[at + columns + 1] * across
            return upper * (1 - down) + lower * down
        }
        func pixel(_ row: Int, _ column: Int) -> Float {
            row >= 0 && row < rows && column >= 0 && column < columns ? pixels[row * columns + column] : background
        }
        let upper = pixel(top, left) * (1 - across) + pixel(top, left + 1) * across
        let lower = pixel(top + 1, left) * (1 - across) + pixel(top + 1, left + 1) * across
        return upper * (1 - down) + lower * down
    }

    /// Whether all four pixels around a place (row, column) are in the image.
    @inline(__always) func isInterior(_ place: SIMD2<Double>) -> Bool {
        // Rounded as `level` does it.
        place[0] >= 0 && place[1] >= 0 && Int(place[0] + 1) < rows && Int(place[1] + 1) < columns
    }

    /// Whether the nearest pixel to a place (row, column) is tissue.
    @inline(__always) func isTissue(_ mask: UnsafeBufferPointer<UInt8>, at place: SIMD2<Double>) -> Bool {
        let (row, column) = (place[0] + 0.5, place[1] + 0.5)
        guard row >= 0, row < Double(rows), column >= 0, column < Double(columns) else { return false }
        return mask[Int(row) * columns + Int(column)] != 0
    }

    /// The section blurred by a Gaussian.
    func blurred(sigmaPx: Double, threads: Int) -> RegistrationImage {
        RegistrationImage(
            gray: gaussianFilter(gray, sigmaPx: sigmaPx, truncate: 3, threads: threads), tissue: tissue,
            background: background)
    }
}

/// The columns between the first and the last set pixel of each row.
private func lineExtents(of mask: Image<UInt8>) -> [Range<Int>] {
    mask.elements.withUnsafeBufferPointer { pixels in
        (0..<mask.rows).map { row in
            let line = UnsafeBufferPointer(rebasing: pixels[row * mask.columns..<(row + 1) * mask.columns])
            guard let first = line.firstIndex(where: { $0 != 0 }), let last = line.lastIndex(where: { $0 != 0 }) else {
                return 0..<0
            }
            return first..<last + 1
        }
    }
}
