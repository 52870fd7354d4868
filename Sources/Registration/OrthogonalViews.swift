public import NDArray

/// Three planes through a volume that meet in one voxel.
public struct OrthogonalCut: Sendable, Equatable {
    public var plane: Int
    public var row: Int
    public var column: Int

    public init(plane: Int, row: Int, column: Int) {
        self.plane = plane
        self.row = row
        self.column = column
    }

    /// The section itself (rows × columns), the cut along the stack with the columns across (planes × columns), and
    /// the one with the rows up (rows × planes).
    public func views<Element>(of volume: Volume<Element>) -> [Image<Element>] {
        precondition(
            plane >= 0 && plane < volume.planes && row >= 0 && row < volume.rows && column >= 0
                && column < volume.columns, "The cut does not go through the volume.")
        var section: [Element] = []
        var across: [Element] = []
        var along: [Element] = []
        for r in 0..<volume.rows {
            for c in 0..<volume.columns { section.append(volume[plane, r, c]) }
            for p in 0..<volume.planes { along.append(volume[p, r, column]) }
        }
        for p in 0..<volume.planes { for c in 0..<volume.columns { across.append(volume[p, row, c]) } }
        return [
            Image(rows: volume.rows, columns: volume.columns, elements: section),
            Image(rows: volume.rows, columns: volume.planes, elements: along),
            Image(rows: volume.planes, columns: volume.columns, elements: across),
        ]
    }
}

/// Shifts and stretches the gray levels of each plane so that all planes have the same median of tissue and of slide.
///
/// Each section has its own stain; cut along the stack, a volume of them is striped. Meant for looking, not for measuring. Planes without
/// tissue or slide stay as they are.
public func evenStain(of image: inout Volume<UInt8>, labels: Volume<UInt8>) {
    precondition(image.elements.count == labels.elements.count, "Image and labels differ in size.")
    let area = image.rows * image.columns
    var medians: [(plane: Int, tissue: Double, slide: Double)] = []
    for plane in 0..<image.planes {
        var counts = [[Int]](repeating: [Int](repeating: 0, count: 256), count: 2)
        for index in plane * area..<(plane + 1) * area {
            counts[labels.elements[index] == 0 ? 0 : 1][Int(image.elements[index])] += 1
        }
        guard let slide = median(counts[0]), let tissue = median(counts[1]), slide != tissue else { continue }
        medians.append((plane, tissue, slide))
    }
    guard !medians.isEmpty else { return }
    let tissue = medians.map(\.tissue).sorted()[medians.count / 2]
    let slide = medians.map(\.slide).sorted()[medians.count / 2]
    for (plane, ownTissue, ownSlide) in medians {
        let gain = (tissue - slide) / (ownTissue - ownSlide)
        let table = (0...255).map { UInt8(min(max(slide + gain * (Double($0) - ownSlide) + 0.5, 0), 255)) }
        for index in plane * area..<(plane + 1) * area { image.elements[index] = table[Int(image.elements[index])] }
    }
}

private func median(_ counts: [Int]) -> Double? {
    let total = counts.reduce(0, +)
    guard total > 0 else { return nil }
    var below = 0
    return counts.firstIndex {
        below += $0; return 2 * below >= total
    }.map(Double.init)
}

/// Pictures in rows, enlarged by whole pixels, on white.
public func montage(_ rows: [[Image<RGB>]], scale: Int, gap: Int) -> Image<RGB> {
    precondition(scale >= 1 && gap >= 0, "A montage needs a scale of at least 1 and a gap that is not negative.")
    let heights = rows.map { ($0.map(\.rows).max() ?? 0) * scale }
    let widths = rows.map { $0.reduce(0) { $0 + $1.columns * scale } + max($0.count - 1, 0) * gap }
    let height = heights.reduce(0, +) + max(rows.count - 1, 0) * gap
    var picture = Image(
        rows: height, columns: widths.max() ?? 0, filledWith: RGB(255, 255, 255))
    var top = 0
    for (images, lineHeight) in zip(rows, heights) {
        var left = 0
        for image in images {
            for row in 0..<image.rows * scale {
                for column in 0..<image.columns * scale {
                    picture[top + row, left + column] = image[row / scale, column / scale]
                }
            }
            left += image.columns * scale + gap
        }
        top += lineHeight + gap
    }
    return picture
}
