internal import NDArray

/// What lies on or in a section beside tissue: vessels, specks of dust, shreds of pia; each a run of short strokes.
struct SectionMarks: Sendable {
    /// A straight stroke with round ends, in µm from the corner of the field of view.
    struct Stroke: Sendable {
        var row0: Float
        var column0: Float
        var row1: Float
        var column1: Float
        var radius: Float
        /// A vessel's share of emptiness, or a speck's density.
        var strength: Float
    }

    /// Bright: tissue is missing here.
    var vessels: [Stroke] = []
    /// Dark: something lies on the slide.
    var specks: [Stroke] = []

    /// Draws the marks of one section.
    ///
    /// Vessels in cortex run inward from the pia, straight and thin; those in white matter are wider and run anywhere.
    init(
        plane: BrainPlane, field: FieldOfView, lay: SectionLay, stain: SectionStain, generator: inout SeededGenerator
    ) {
        let area = field.heightUm * field.widthUm / 1e6
        func anywhere(_ generator: inout SeededGenerator) -> SectionPoint {
            SectionPoint(row: generator.uniform() * field.heightUm, column: generator.uniform() * field.widthUm)
        }
        /// Direction on the slide that points into the tissue there, 0 along the columns.
        func inward(_ place: SectionPoint, _ under: SectionPoint) -> Double {
            let inward = plane.inward(rowUm: under.row, columnUm: under.column)
            let ahead = lay.place(ofPlaneRow: under.row + 20 * inward.row, column: under.column + 20 * inward.column)
            return Math.atan2(ahead.row - place.row, ahead.column - place.column)
        }
        for _ in 0..<Int(stain.vesselsPerMm2 * area) {
            let place = anywhere(&generator)
            let turn = generator.uniform()
            let size = generator.uniform()
            let length = generator.uniform()
            let sheets = lay.planePlaces(at: place)
            guard sheets.count > 0 else { continue }
            let fields = plane.sample(rowUm: sheets.upper.row, columnUm: sheets.upper.column)
            guard fields[0] > 0 else { continue }
            let kind = plane.kind(rowUm: sheets.upper.row, columnUm: sheets.upper.column)
            if fields[1] < 0, kind.excludedPart == 0 {
                vessels += stroke(
                    from: place, direction: inward(place, sheets.upper), lengthUm: 150 + 1100 * length * length,
                    radiusUm: 14 + 26 * size * size, strength: 0.8, curve: 0.6 * (turn - 0.5))
            } else {
                vessels += stroke(
                    from: place, direction: 2 * Double.pi * turn, lengthUm: length < 0.6 ? 60 : 2400 * (length - 0.6),
                    radiusUm: 18 + 60 * size * size * size, strength: 0.9, curve: 1.6 * (size - 0.5))
            }
        }
        for _ in 0..<Int(stain.specksPerMm2 * area) {
            let size = generator.uniform()
            let place = anywhere(&generator)
            specks += stroke(
                from: place, direction: 2 * Double.pi * generator.uniform(), lengthUm: 20 + 200 * size * size,
                radiusUm: 20 + 60 * size, strength: 0.2 + 0.5 * generator.uniform(), curve: 1)
        }
        // Shreds of pia: strokes along the border, up to half a millimetre outside.
        for _ in 0..<Int(area / 4) {
            let place = anywhere(&generator)
            let size = generator.uniform()
            let strength = 0.08 + 0.22 * generator.uniform()
            let sheets = lay.planePlaces(at: place)
            // Beyond the brain's grid nothing is known about the distance.
            guard sheets.count > 0, plane.holds(rowUm: sheets.upper.row, columnUm: sheets.upper.column) else {
                continue
            }
            let distance = plane.sample(rowUm: sheets.upper.row, columnUm: sheets.upper.column)[0]
            guard distance < 0, distance > -450 else { continue }
            specks += stroke(
                from: place, direction: inward(place, sheets.upper) + Double.pi / 2, lengthUm: 100 + 900 * size,
                radiusUm: 18 + 22 * size, strength: strength, curve: 0.8)
        }
    }

    /// The strokes on a tile's pixels, the strongest where several meet.
    ///
    /// - Parameter first: place of the scan's first pixel.
    /// - Returns: for each pixel the share of its tissue that is missing, and the optical density of what lies on it.
    func painted(on tile: ScanTile, spacingUm: Double, first: SectionPoint) -> [SIMD2<Float>] {
        var layers = [SIMD2<Float>](repeating: .zero, count: tile.rows * tile.columns)
        let origin = SectionPoint(
            row: first.row + Double(tile.firstRow) * spacingUm,
            column: first.column + Double(tile.firstColumn) * spacingUm)
        for stroke in vessels { stroke.paint(origin, tile, Float(spacingUm), layer: 0, into: &layers) }
        for stroke in specks { stroke.paint(origin, tile, Float(spacingUm), layer: 1, into: &layers) }
        return layers
    }
}

extension SectionMarks.Stroke {
    /// Paints the stroke where it is stronger than what is there.
    fileprivate func paint(
        _ origin: SectionPoint, _ tile: ScanTile, _ spacingUm: Float, layer: Int, into buffer: inout [SIMD2<Float>]
    ) {
        let (row0, row1) = (self.row0 - Float(origin.row), self.row1 - Float(origin.row))
        let (column0, column1) = (self.column0 - Float(origin.column), self.column1 - Float(origin.column))
        let reach = radius + spacingUm
        let firstRow = max(Int((min(row0, row1) - reach) / spacingUm), 0)
        let lastRow = min(Int(((max(row0, row1) + reach) / spacingUm).rounded(.down)), tile.rows - 1)
        let firstColumn = max(Int((min(column0, column1) - reach) / spacingUm), 0)
        let lastColumn = min(Int(((max(column0, column1) + reach) / spacingUm).rounded(.down)), tile.columns - 1)
        guard firstRow <= lastRow, firstColumn <= lastColumn else { return }
        let (down, across) = (row1 - row0, column1 - column0)
        let square = max(down * down + across * across, 1e-6)
        // A stroke thinner than a pixel is as faint as the share of the pixel that it fills.
        let thin = min(2 * radius / spacingUm, 1)
        for row in firstRow...lastRow {
            for column in firstColumn...lastColumn {
                let (r, c) = (Float(row) * spacingUm - row0, Float(column) * spacingUm - column0)
                let along = min(max((r * down + c * across) / square, 0), 1)
                let (dr, dc) = (r - along * down, c - along * across)
                let distance = (dr * dr + dc * dc).squareRoot()
                let cover = min(max((radius - distance) / spacingUm + 0.5, 0), 1) * thin * strength
                let place = row * tile.columns + column
                if cover > buffer[place][layer] { buffer[place][layer] = cover }
            }
        }
    }
}

/// A curved stroke as four straight ones; `direction` 0 runs along the columns, `curve` is the whole turn in radians.
private func stroke(
    from start: SectionPoint, direction: Double, lengthUm: Double, radiusUm: Double, strength: Double, curve: Double
) -> [SectionMarks.Stroke] {
    var strokes: [SectionMarks.Stroke] = []
    var (place, angle) = (start, direction - curve / 2)
    for _ in 0..<4 {
        let next = SectionPoint(
            row: place.row + lengthUm / 4 * Math.sin(angle), column: place.column + lengthUm / 4 * Math.cos(angle))
        strokes.append(
            SectionMarks.Stroke(
                row0: Float(place.row), column0: Float(place.column), row1: Float(next.row),
                column1: Float(next.column), radius: Float(radiusUm), strength: Float(strength)))
        (place, angle) = (next, angle + curve / 4)
    }
    return strokes
}
