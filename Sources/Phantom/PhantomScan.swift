public import NDArray

/// A section of a phantom brain on its slide, ready to be scanned at its pixel size.
///
/// Scanning is a pure function of the pixel's place, so pixels can be scanned in any order and in tiles of any size. Light goes through
/// the section by Beer and Lambert's law: optical density of what lies between the cells, and of the cells. In pixels of
/// `cellPixelUm` and more the cells' cover is their expected one times a compound Poisson variable; in smaller pixels each cell is drawn.
public struct PhantomScan: Sendable {
    public private(set) var rows: Int
    public private(set) var columns: Int
    public let spacingUm: Double
    /// Place of the first pixel's centre, in µm from the corner of the field of view.
    public private(set) var firstUm: SectionPoint
    public let field: FieldOfView
    public let lay: SectionLay
    public let plane: BrainPlane

    public let stain: SectionStain
    let tables: CompositionTables
    let cellProcess: CellProcess
    let seed: UInt64
    private let marks: SectionMarks
    private let light: ScanLight
    private let granularity: CellGranularity
    private let cover: Float
    /// Pixels of the whole field before the scan's first one.
    private var skipped: (rows: Int, columns: Int)

    /// Smaller pixels show single cells.
    public static let cellPixelUm = 8.0

    public var drawsCells: Bool { spacingUm < PhantomScan.cellPixelUm }

    /// Height and width of the tiles that are scanned with least work.
    public var tileSide: (rows: Int, columns: Int) { drawsCells ? (256, 512) : (64, columns) }

    /// Prepares a scan.
    ///
    /// - Parameters:
    ///   - plane: the brain where it was cut.
    ///   - architecture: how its areas are built.
    ///   - field: what the slide shows.
    ///   - damage: in the order in which it happened.
    ///   - region: the part of the field that is scanned, nil for all of it; its corner is moved to a pixel's.
    ///   - texture: seed of what the brain's tissue has in common between neighbouring sections.
    ///   - seed: seed of what is this section's own.
    public init(
        plane: BrainPlane, architecture: BrainArchitecture, field: FieldOfView, stain: SectionStain,
        damage: [CuttingArtefact] = [], spacingUm: Double, region: ScanRegion? = nil, texture: UInt64, seed: UInt64
    ) {
        precondition(spacingUm > 0, "A scan needs pixels of a positive size.")
        self.spacingUm = spacingUm
        self.plane = plane
        self.stain = stain
        self.field = field
        self.seed = seed
        (rows, columns, skipped, firstUm) = (0, 0, (0, 0), SectionPoint(row: 0, column: 0))
        lay = SectionLay(toPlane: field.toPlane, artefacts: damage)
        var random = SeededGenerator(seed: seed, stream: "marks")
        marks = SectionMarks(plane: plane, field: field, lay: lay, stain: stain, generator: &random)
        light = ScanLight(
            field: field, stain: stain, positionUm: plane.positionUm, spacingUm: spacingUm, texture: texture, seed: seed
        )
        tables = CompositionTables(
            plane: plane, architecture: architecture, pixel: PixelAveraging(pixelUm: Float(spacingUm)))
        granularity = CellGranularity()
        cover = CellBody.cover(gain: Float(stain.gain))
        cellProcess = CellProcess(seed: seed ^ 0x6365_6c6c_7321)
        show(region ?? ScanRegion(rowUm: 0, columnUm: 0, heightUm: field.heightUm, widthUm: field.widthUm))
    }

    /// A part of the same section: its pixels, truth and cells are those that the whole has there.
    ///
    /// - Parameter region: in µm from the corner of the field; its corner is moved to a pixel's.
    public func part(_ region: ScanRegion) -> PhantomScan {
        var result = self
        result.show(region)
        return result
    }

    private mutating func show(_ part: ScanRegion) {
        skipped = (Int((part.rowUm / spacingUm).rounded()), Int((part.columnUm / spacingUm).rounded()))
        rows = max(Int((part.heightUm / spacingUm).rounded()), 1)
        columns = max(Int((part.widthUm / spacingUm).rounded()), 1)
        firstUm = SectionPoint(
            row: (Double(skipped.rows) + 0.5) * spacingUm, column: (Double(skipped.columns) + 0.5) * spacingUm)
    }

    /// From the scan, in µm from the centre of its first pixel, to the plane of the brain where nothing is damaged.
    public var transform: PlaneTransform {
        PlaneTransform.translation(row: firstUm.row, column: firstUm.column).followed(by: field.toPlane)
    }

    /// The whole scan.
    public func image(threads: Int) -> Image<UInt8> {
        var image = Image<UInt8>(rows: rows, columns: columns, filledWith: 0)
        image.elements.withUnsafeMutableBufferPointer { scan(rows: 0..<rows, into: $0, threads: threads) }
        return image
    }

    /// Scans some rows into a buffer of as many pixels.
    public func scan(rows band: Range<Int>, into target: UnsafeMutableBufferPointer<UInt8>, threads: Int = 1) {
        precondition(target.count == band.count * columns, "The buffer must hold the band's pixels.")
        guard !band.isEmpty else { return }
        let pixels = DisjointSlices(target)
        let (height, width) = tileSide
        let across = (columns + width - 1) / width
        parallelFor((band.count + height - 1) / height * across, threads: threads) { tile in
            let row = band.lowerBound + tile / across * height
            let column = tile % across * width
            scanTile(
                rows: row..<min(row + height, band.upperBound), columns: column..<min(column + width, columns),
                into: pixels.base + (row - band.lowerBound) * columns + column)
        }
    }

    /// Scans a tile; `target` is its first pixel in a buffer of whole rows.
    private func scanTile(rows: Range<Int>, columns range: Range<Int>, into target: UnsafeMutablePointer<UInt8>) {
        // A pixel more on each side: what the blur brings in.
        let tile = ScanTile(
            firstRow: rows.lowerBound - 1, firstColumn: range.lowerBound - 1, rows: rows.count + 2,
            columns: range.count + 2)
        // Optical density first, then light.
        var levels = [Float](repeating: 0, count: tile.rows * tile.columns)
        let strokes = marks.painted(on: tile, spacingUm: spacingUm, first: firstUm)
        if drawsCells {
            levels.withUnsafeMutableBufferPointer { buffer in
                guard let pixels = buffer.baseAddress else { return }
                forEachCell(in: tile) { cell in
                    CellPainter.paint(
                        row: Float((cell.place.row - firstUm.row) / spacingUm) - Float(tile.firstRow),
                        column: Float((cell.place.column - firstUm.column) / spacingUm) - Float(tile.firstColumn),
                        cell: cell, pixelUm: Float(spacingUm), gain: Float(stain.gain), into: pixels, rows: tile.rows,
                        columns: tile.columns)
                }
            }
        }
        var line = [StainedPixel](repeating: StainedPixel(), count: tile.columns)
        let columns = light.grainColumns(first: tile.firstColumn + skipped.columns, count: tile.columns)
        let places = light.slowColumns(first: tile.firstColumn + skipped.columns, count: tile.columns)
        let disturbed = lay.isDisturbed(at: middle(of: tile), radiusUm: radius(of: tile))
        levels.withUnsafeMutableBufferPointer { levels in
            strokes.withUnsafeBufferPointer { strokes in
                withTissueLookup { tissue in
                    for row in 0..<tile.rows {
                        let pixels = row * tile.columns..<(row + 1) * tile.columns
                        stain(row: tile.firstRow + row, of: tile, disturbed: disturbed, tissue: tissue, line: &line)
                        light.expose(
                            row: tile.firstRow + row + skipped.rows, places: places, columns: columns, line: line,
                            strokes: UnsafeBufferPointer(rebasing: strokes[pixels]),
                            densityToLevel: UnsafeMutableBufferPointer(rebasing: levels[pixels]))
                    }
                }
            }
        }
        light.develop(
            levels, tile: tile, firstRow: rows.lowerBound + skipped.rows,
            firstColumn: range.lowerBound + skipped.columns, into: target, stride: self.columns)
    }

    /// Share and optical density of the tissue along a row, without cells that are drawn.
    private func stain(
        row: Int, of tile: ScanTile, disturbed: Bool, tissue: TissueLookup, line: inout [StainedPixel]
    ) {
        let place = place(row: row, column: tile.firstColumn)
        // A column's place is computed from its number in the whole scan, so that tiles do not matter.
        let scale = 1 / plane.spacingUm
        let start = field.toPlane.apply(row: place.row, column: spacingUm / 2)
        let row0 = Float((start.row - plane.originUm.row) * scale)
        let column0 = Float((start.column - plane.originUm.column) * scale)
        let rowStep = Float(field.toPlane.elements[1] * spacingUm * scale)
        let columnStep = Float(field.toPlane.elements[4] * spacingUm * scale)
        let noise = PixelNoise(seed: seed, row: row + skipped.rows)
        let first = tile.firstColumn + skipped.columns
        line.withUnsafeMutableBufferPointer { line in
            for start in stride(from: 0, to: line.count, by: TissueLookup.runLength) {
                let run = start..<min(start + TissueLookup.runLength, line.count)
                func place(_ index: Int) -> TissueLookup.Place {
                    let column = Float(first &+ index)
                    return tissue.place(row: row0 + column * rowStep, column: column0 + column * columnStep)
                }
                if tissue.isSlide(from: place(run.lowerBound), to: place(run.upperBound - 1)) {
                    for index in run { line[index] = StainedPixel() }
                } else {
                    for index in run {
                        line[index] = tissue.stained(place(index), quantile: noise.quantile(first &+ index))
                    }
                }
            }
        }
        guard disturbed else { return }
        let under = PixelNoise(seed: seed ^ 0x756e_6465_72, row: row + skipped.rows)
        for index in 0..<tile.columns {
            let here = self.place(row: row, column: tile.firstColumn + index)
            guard lay.isDisturbed(at: here, radiusUm: 0) else { continue }
            let sheets = lay.planePlaces(at: here)
            line[index] = StainedPixel()
            for (number, sheet) in [sheets.upper, sheets.lower].prefix(sheets.count).enumerated() {
                let found = tissue.stained(
                    tissue.place(
                        row: Float((sheet.row - plane.originUm.row) * scale),
                        column: Float((sheet.column - plane.originUm.column) * scale)),
                    quantile: (number == 0 ? noise : under).quantile(first + index))
                line[index].coverage = max(line[index].coverage, found.coverage)
                line[index].density += found.density
            }
        }
    }

    // MARK: Places

    func place(row: Int, column: Int) -> SectionPoint {
        SectionPoint(row: firstUm.row + Double(row) * spacingUm, column: firstUm.column + Double(column) * spacingUm)
    }

    private func middle(of tile: ScanTile) -> SectionPoint {
        SectionPoint(
            row: firstUm.row + (Double(tile.firstRow) + Double(tile.rows) / 2) * spacingUm,
            column: firstUm.column + (Double(tile.firstColumn) + Double(tile.columns) / 2) * spacingUm)
    }

    private func radius(of tile: ScanTile) -> Double {
        let (height, width) = (Double(tile.rows) * spacingUm, Double(tile.columns) * spacingUm)
        return (height * height + width * width).squareRoot() / 2
    }

    func withTissueLookup<Result>(_ body: (TissueLookup) -> Result) -> Result {
        TissueLookup.with(
            plane: plane, tables: tables, granularity: granularity.values, stain: stain,
            cover: drawsCells ? nil : cover, spacingUm: Float(spacingUm), body)
    }

    // MARK: Cells

    /// Every cell body whose middle lies on the tile or within a cell's reach of it, in a fixed order.
    func forEachCell(in tile: ScanTile, _ body: (SectionCell) -> Void) {
        let reachUm = 90.0
        let (middle, radius) = (middle(of: tile), radius(of: tile))
        let disturbed = lay.isDisturbed(at: middle, radiusUm: radius)
        // Corners of the tile in the plane, with room for what has been moved into it.
        let room = reachUm + (disturbed ? lay.largestShiftUm : 0)
        let top = Double(tile.firstRow) * spacingUm + firstUm.row - room
        let left = Double(tile.firstColumn) * spacingUm + firstUm.column - room
        let bottom = top + Double(tile.rows) * spacingUm + 2 * room
        let right = left + Double(tile.columns) * spacingUm + 2 * room
        let corners = [(top, left), (top, right), (bottom, left), (bottom, right)].map {
            field.toPlane.apply(row: $0.0, column: $0.1)
        }
        let rows = corners.map(\.row), columns = corners.map(\.column)
        guard let firstRow = rows.min(), let lastRow = rows.max(), let firstColumn = columns.min(),
            let lastColumn = columns.max()
        else { return }
        let scale = 1 / plane.spacingUm
        withTissueLookup { tissue in
            cellProcess.forEach(
                rows: firstRow...lastRow, columns: firstColumn...lastColumn, highestDensity: tables.highestDensity,
                tissue: { row, column in
                    tissue.site(
                        row: Float((row - plane.originUm.row) * scale),
                        column: Float((column - plane.originUm.column) * scale))
                },
                { row, column, area, site, turn, stretch in
                    let place = lay.place(ofPlaneRow: row, column: column)
                    guard
                        place.row > top + room - reachUm, place.row < bottom - room + reachUm,
                        place.column > left + room - reachUm, place.column < right - room + reachUm
                    else { return }
                    var angle = Float.pi * turn
                    var elongation = 1 + 0.35 * stretch
                    if site.layer == 3 || site.layer == 5 {
                        // Pyramidal cells point to the pia.
                        let inward = plane.inward(rowUm: row, columnUm: column)
                        let ahead = lay.place(ofPlaneRow: row + 5 * inward.row, column: column + 5 * inward.column)
                        angle =
                            Float(Math.atan2(ahead.row - place.row, ahead.column - place.column)) + 0.5 * (turn - 0.5)
                        elongation = 1.35 + 0.5 * stretch
                    }
                    body(
                        SectionCell(
                            place: place, areaUm2: area, layer: site.layer, angleRad: angle, elongation: elongation))
                })
        }
    }

    /// The cell bodies whose middle lies on the scan, row by row of buckets.
    public func cells() -> [SectionCell] {
        var result: [SectionCell] = []
        let (height, width) = (Double(rows) * spacingUm, Double(columns) * spacingUm)
        let (top, left) = (firstUm.row - spacingUm / 2, firstUm.column - spacingUm / 2)
        forEachCell(in: ScanTile(firstRow: 0, firstColumn: 0, rows: rows, columns: columns)) { cell in
            let (row, column) = (cell.place.row - top, cell.place.column - left)
            if row >= 0, row < height, column >= 0, column < width { result.append(cell) }
        }
        return result
    }
}

/// A part of a field of view in µm from its corner.
public struct ScanRegion: Sendable, Equatable {
    public var rowUm: Double
    public var columnUm: Double
    public var heightUm: Double
    public var widthUm: Double

    public init(rowUm: Double, columnUm: Double, heightUm: Double, widthUm: Double) {
        (self.rowUm, self.columnUm, self.heightUm, self.widthUm) = (rowUm, columnUm, heightUm, widthUm)
    }
}

/// A rectangle of the scan's pixels.
struct ScanTile {
    var firstRow: Int
    var firstColumn: Int
    var rows: Int
    var columns: Int
}

/// Random bits of pixels, a function of seed and place.
struct PixelNoise {
    private let key: UInt32

    init(seed: UInt64, row: Int) {
        var generator = SeededGenerator(seed: seed ^ (UInt64(bitPattern: Int64(row)) &* 0x9fb2_1c65_1e98_df25))
        key = UInt32(truncatingIfNeeded: generator.next() >> 32)
    }

    /// 0 … 255, evenly.
    @inline(__always) func quantile(_ column: Int) -> Int {
        // The finalizer of Wellons' lowbias32.
        var x = key ^ (UInt32(truncatingIfNeeded: column) &* 0x9e37_79b1)
        x = (x ^ (x >> 16)) &* 0x7feb_352d
        x = (x ^ (x >> 15)) &* 0x846c_a68b
        return Int((x ^ (x >> 16)) >> 24)
    }
}
