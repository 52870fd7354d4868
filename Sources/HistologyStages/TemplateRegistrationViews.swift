internal import HDF5
internal import NDArray
internal import NIfTI
internal import PNG
internal import Registration
internal import SpatialTransforms
public import StageKit
internal import TransformFiles
internal import VolumeRegistration

/// Draws how a brain lies on the template: its tissue in the template's space under the template's contours, and its own
/// grid as the map bends it.
public struct RegistrationViews: Stage {
    public static let name = "registration-views"
    public static let summary =
        "Draws the warped brain with the template's contours, and the warped grid, in three planes."

    public static func run(_ context: StageContext) throws {
        let pixelMm = try context.config.double("pixel_mm", in: 0.05...20)
        let gridMm = try context.config.double("grid_mm", in: 0.5...100)
        let lateral = try context.config.double("lateral_fraction", in: 0...1)
        let scale = try context.config.integer("scale", in: 1...16)
        let volume = try RegistrationVolume(context)
        let template = try TissueTemplate(context)
        let inverse = try TransformFile.read(try context.input("inverse").path, outside: .nearest)
        let corners = template.tissueCornersMm
        let (low, high) = (corners.low - SIMD3(repeating: 3), corners.high + SIMD3(repeating: 3))
        var middle = 0.5 * (low + high)
        middle.x = low.x + lateral * (high.x - low.x)
        var rows: [[Image<RGB>]] = [[], []]
        // Coronal, sagittal, axial; right and front are to the right, up is up.
        for (number, axes) in [(0, 2, 1), (1, 2, 0), (0, 1, 2)].enumerated() {
            context.progress(Double(number) / 3, "drawing")
            let slice = TemplateSlice(
                across: axes.0, up: axes.1, fixed: axes.2, low: low, high: high, middle: middle, pixelMm: pixelMm)
            let drawn = slice.drawn(template, volume, inverse, gridMm: gridMm, threads: context.cores)
            rows[0].append(drawn.tissue)
            rows[1].append(drawn.grid)
        }
        try writePNG(montage(rows, scale: scale, gap: 8), to: try context.output("views"))
    }
}

/// A plane of the template's space along two axes, in pixels.
private struct TemplateSlice {
    let across: Int
    let up: Int
    let rows: Int
    let columns: Int
    let corner: SIMD3<Double>
    let pixelMm: Double

    init(
        across: Int, up: Int, fixed: Int, low: SIMD3<Double>, high: SIMD3<Double>, middle: SIMD3<Double>,
        pixelMm: Double
    ) {
        self.across = across
        self.up = up
        self.pixelMm = pixelMm
        rows = Int(((high[up] - low[up]) / pixelMm).rounded(.up)) + 1
        columns = Int(((high[across] - low[across]) / pixelMm).rounded(.up)) + 1
        var corner = low
        corner[up] = high[up]
        corner[fixed] = middle[fixed]
        self.corner = corner
    }

    private func pointMm(_ row: Int, _ column: Int) -> SIMD3<Double> {
        var point = corner
        point[up] -= Double(row) * pixelMm
        point[across] += Double(column) * pixelMm
        return point
    }

    func drawn(
        _ template: TissueTemplate, _ volume: RegistrationVolume, _ inverse: SpatialTransform, gridMm: Double,
        threads: Int
    ) -> (tissue: Image<RGB>, grid: Image<RGB>) {
        let count = rows * columns
        var brain = [UInt8](repeating: 0, count: count)
        var shape = [UInt8](repeating: 0, count: count)
        // Which box of the brain's own grid a pixel lies in.
        var boxes = [SIMD3<Int32>](repeating: SIMD3(), count: count)
        let mmToIndex = AffineTransform(rowMajor: volume.grid.indexToRasMm)
        let toIndex = (try? mmToIndex.inverted()) ?? .identity
        brain.withUnsafeMutableBufferPointer { brain in
            shape.withUnsafeMutableBufferPointer { shape in
                boxes.withUnsafeMutableBufferPointer { boxes in
                    let (brain, shape, boxes) = (DisjointSlices(brain), DisjointSlices(shape), DisjointSlices(boxes))
                    parallelFor(rows, threads: threads) { row in
                        for column in 0..<columns {
                            let (point, index) = (pointMm(row, column), row * columns + column)
                            shape[index] = template.kind(at: point)
                            guard let own = inverse(point) else { continue }
                            let box = (own / gridMm).rounded(.down)
                            boxes[index] = SIMD3(Int32(box.x), Int32(box.y), Int32(box.z))
                            let place = toIndex(own).rounded(.toNearestOrAwayFromZero)
                            let (c, r, p) = (Int(place.x), Int(place.y), Int(place.z))
                            guard c >= 0, r >= 0, p >= 0, c < volume.grid.columns, r < volume.grid.rows,
                                p < volume.grid.planes
                            else { continue }
                            brain[index] = volume.brain.labels[p, r, c]
                            if let excluded = volume.brain.excluded, excluded[p, r, c] != 0 { brain[index] = 3 }
                        }
                    }
                }
            }
        }
        // Paper, gray and white matter in pale tones under the contours; hatched brown is what was excluded.
        let tones = [RGB(255, 255, 255), RGB(170, 170, 170), RGB(225, 225, 225), RGB(232, 214, 190)]
        var tissue = Image(rows: rows, columns: columns, filledWith: RGB(255, 255, 255))
        var grid = tissue
        for row in 0..<rows {
            for column in 0..<columns {
                let index = row * columns + column
                tissue.elements[index] = tones[Int(min(brain[index], 3))]
                grid.elements[index] = tones[Int(min(shape[index], 2))]
                var (pia, white, line) = (false, false, false)
                for next in [column + 1 < columns ? index + 1 : index, row + 1 < rows ? index + columns : index] {
                    pia = pia || (shape[next] == 0) != (shape[index] == 0)
                    white = white || (shape[next] == 2) != (shape[index] == 2)
                    line = line || boxes[next][across] != boxes[index][across] || boxes[next][up] != boxes[index][up]
                }
                if white { tissue.elements[index] = RGB(0, 114, 178) }
                if pia { tissue.elements[index] = RGB(213, 94, 0) }
                if line { grid.elements[index] = RGB(0, 114, 178) }
            }
        }
        return (tissue, grid)
    }
}

extension TissueTemplate {
    /// What a point is mostly: 0 background, 1 gray, 2 white.
    func kind(at pointMm: SIMD3<Double>) -> UInt8 {
        let place = rasMmToIndex(pointMm).rounded(.toNearestOrAwayFromZero)
        let (c, r, p) = (Int(place.x), Int(place.y), Int(place.z))
        guard c >= 0, r >= 0, p >= 0, c < gray.columns, r < gray.rows, p < gray.planes else { return 0 }
        let g: Float = gray[p, r, c]
        let w: Float = white[p, r, c]
        guard g + w >= 0.5 else { return 0 }
        return g > w ? 1 : 2
    }
}
