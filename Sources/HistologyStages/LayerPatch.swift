internal import NDArray
internal import Phantom

/// A patch of a phantom section with its layers and cells, as people annotate them.
struct LayerPatch: Sendable {
    var pixels: Image<UInt8>
    var layers: Image<UInt8>
    /// 0 where the patch was completed by reflection.
    var valid: Image<UInt8>
    /// (row, column) in µm from the patch's centre.
    var cellsUm: [SIMD2<Double>]
    var cellLayers: [UInt8]
    /// The patch's centre in section µm.
    var positionUm: SIMD2<Double>
    /// The same in the plane of the brain.
    var planeUm: SIMD2<Double>
    var area: UInt8
    var hemisphere: UInt8

    /// Renders the square around a point of the mid-depth line.
    ///
    /// - Parameters:
    ///   - index: of the point.
    ///   - side: pixels, even.
    ///   - shown: rows and columns that the annotated patch has; what is around them is completed by reflection.
    init(
        _ scan: PhantomScan, _ line: MidDepthLine, at index: Int, side: Int,
        shown: (rows: Range<Int>, columns: Range<Int>),
        withCells: Bool
    ) {
        let point = line.points[index]
        let part = scan.part(LayerPatch.region(scan, around: point, side: side))
        let pixels = part.image(threads: 1)
        let layers = part.truth(spacingUm: scan.spacingUm, threads: 1).layers
        self.pixels = LayerPatch.completed(pixels, shown)
        self.layers = LayerPatch.completed(layers, shown)
        var valid = Image<UInt8>(rows: side, columns: side, filledWith: 0)
        for row in shown.rows { for column in shown.columns { valid[row, column] = 1 } }
        self.valid = valid
        // The centre of the pixels, which lie on those of the section.
        let half = Double(side - 1) / 2 * scan.spacingUm
        let centre = SectionPoint(row: part.firstUm.row + half, column: part.firstUm.column + half)
        positionUm = SIMD2(centre.row - scan.firstUm.row, centre.column - scan.firstUm.column)
        let place = scan.field.toPlane.apply(row: centre.row, column: centre.column)
        planeUm = SIMD2(place.row, place.column)
        (area, hemisphere) = (line.area[index], line.hemisphere[index])
        (cellsUm, cellLayers) = ([], [])
        guard withCells else { return }
        for cell in part.cells() where cell.layer > 0 {
            // To a µm: no annotation is finer.
            let offset = SIMD2(cell.place.row - centre.row, cell.place.column - centre.column)
                .rounded(.toNearestOrAwayFromZero)
            let pixel = ((offset + half) / scan.spacingUm).rounded(.toNearestOrAwayFromZero)
            guard shown.rows.contains(Int(pixel.x)), shown.columns.contains(Int(pixel.y)) else { continue }
            cellsUm.append(offset)
            cellLayers.append(cell.layer)
        }
    }

    /// The square around a point, in µm from the corner of the field.
    static func region(_ scan: PhantomScan, around point: SectionPoint, side: Int) -> ScanRegion {
        let half = Double(side) / 2 * scan.spacingUm
        return ScanRegion(
            rowUm: point.row + scan.firstUm.row - half, columnUm: point.column + scan.firstUm.column - half,
            heightUm: 2 * half, widthUm: 2 * half)
    }

    /// A patch of which only some rows and columns are there, continued by reflection about their outer edges.
    static func completed(_ image: Image<UInt8>, _ shown: (rows: Range<Int>, columns: Range<Int>)) -> Image<UInt8> {
        func source(_ index: Int, _ shown: Range<Int>) -> Int {
            let period = 2 * shown.count
            let folded = (((index - shown.lowerBound) % period) + period) % period
            return shown.lowerBound + (folded < shown.count ? folded : period - 1 - folded)
        }
        var result = image
        for row in 0..<image.rows {
            for column in 0..<image.columns {
                result[row, column] = image[source(row, shown.rows), source(column, shown.columns)]
            }
        }
        return result
    }
}
