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

    public init(gray: Image<UInt8>, tissue: Image<UInt8>) {
        precondition(gray.rows == tissue.rows && gray.columns == tissue.columns, "Mask and image differ in size.")
        self.gray = gray.map(Float.init)
        self.tissue = tissue
        var counts = [Int](repeating: 0, count: 256)
        for (level, inside) in zip(gray.elements, tissue.elements) where inside == 0 { counts[Int(level)] += 1 }
        let total = counts.reduce(0, +)
        var below = 0
        let median = counts.firstIndex { count in
            below += count
            return 2 * below >= total && total > 0
        }
        background = Float(median ?? 255)
    }

    init(gray: Image<Float>, tissue: Image<UInt8>, background: Float) {
        self.gray = gray
        self.tissue = tissue
        self.background = background
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
        for row in 0..<rows {
            for column in 0..<columns where tissue[row, column] != 0 {
                rowSum += row
                columnSum += column
                count += 1
            }
        }
        guard count > 0 else { return centre }
        return PlanarPoint(row: Double(rowSum) / Double(count), column: Double(columnSum) / Double(count))
    }

    /// The gray level at a place by bilinear interpolation; the background beyond the image.
    @inline(__always) func level(
        _ pixels: UnsafeBufferPointer<Float>, row: Double, column: Double
    ) -> Float {
        let top = Int(row.rounded(.down))
        let left = Int(column.rounded(.down))
        let down = Float(row - Double(top))
        let across = Float(column - Double(left))
        @inline(__always) func pixel(_ row: Int, _ column: Int) -> Float {
            row >= 0 && row < rows && column >= 0 && column < columns ? pixels[row * columns + column] : background
        }
        let upper = pixel(top, left) * (1 - across) + pixel(top, left + 1) * across
        let lower = pixel(top + 1, left) * (1 - across) + pixel(top + 1, left + 1) * across
        return upper * (1 - down) + lower * down
    }

    /// Whether the nearest pixel is tissue.
    @inline(__always) func isTissue(_ mask: UnsafeBufferPointer<UInt8>, row: Double, column: Double) -> Bool {
        let nearestRow = Int((row + 0.5).rounded(.down))
        let nearestColumn = Int((column + 0.5).rounded(.down))
        guard nearestRow >= 0, nearestRow < rows, nearestColumn >= 0, nearestColumn < columns else { return false }
        return mask[nearestRow * columns + nearestColumn] != 0
    }

    /// The section blurred and at a coarser spacing, for the first steps of a refinement.
    func reduced(factor: Int, sigmaPx: Double, threads: Int) -> RegistrationImage {
        let blurred = gaussianFilter(gray, sigmaPx: sigmaPx, threads: threads)
        guard factor > 1 else { return RegistrationImage(gray: blurred, tissue: tissue, background: background) }
        let small = areaResampled(blurred, spacingUm: 1, to: Double(factor), threads: threads)
        let share = areaResampled(
            tissue.map { $0 == 0 ? 0 : 1 }, spacingUm: 1, to: Double(factor), threads: threads)
        return RegistrationImage(gray: small, tissue: share.map { $0 >= 0.5 ? 1 : 0 }, background: background)
    }
}
