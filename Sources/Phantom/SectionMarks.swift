internal import NDArray

/// What lies on or in a section beside tissue: vessels, specks of dust, shreds of pia; each a run of short strokes.
struct SectionMarks: Sendable {
    /// A straight stroke with round ends, in µm of the section.
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
        plane: BrainPlane, transform: PlaneTransform, stain: SectionStain, heightUm: Double, widthUm: Double,
        generator: inout SeededGenerator
    ) {
        let area = heightUm * widthUm / 1e6
        for _ in 0..<Int(stain.vesselsPerMm2 * area) {
            let row = generator.uniform() * heightUm
            let column = generator.uniform() * widthUm
            let turn = generator.uniform()
            let size = generator.uniform()
            let length = generator.uniform()
            let here = transform.apply(row: row, column: column)
            let fields = plane.sample(rowUm: here.row, columnUm: here.column)
            guard fields[0] > 0 else { continue }
            if fields[1] < 0, fields[3] < 0 {
                let (down, across) = inward(plane, transform, row: row, column: column)
                vessels += stroke(
                    row: row, column: column, direction: Math.atan2(across, down),
                    lengthUm: 150 + 1100 * length * length,
                    radiusUm: 14 + 26 * size * size, strength: 0.8, curve: 0.3 * (turn - 0.5))
            } else {
                vessels += stroke(
                    row: row, column: column, direction: 2 * Double.pi * turn,
                    lengthUm: length < 0.6 ? 60 : 2400 * (length - 0.6), radiusUm: 22 + 80 * size * size * size,
                    strength: 0.9, curve: 1.6 * (size - 0.5))
            }
        }
        for _ in 0..<stain.dustSpecks {
            let size = generator.uniform()
            specks += stroke(
                row: generator.uniform() * heightUm, column: generator.uniform() * widthUm,
                direction: 2 * Double.pi * generator.uniform(), lengthUm: 20 + 200 * size * size,
                radiusUm: 20 + 60 * size, strength: 0.2 + 0.5 * generator.uniform(), curve: 1)
        }
        // Shreds of pia: strokes along the border, up to half a millimetre outside.
        for _ in 0..<Int(area / 4) {
            let row = generator.uniform() * heightUm
            let column = generator.uniform() * widthUm
            let size = generator.uniform()
            let strength = 0.08 + 0.22 * generator.uniform()
            let here = transform.apply(row: row, column: column)
            let distance = plane.sample(rowUm: here.row, columnUm: here.column)[0]
            guard distance < 0, distance > -450 else { continue }
            let (down, across) = inward(plane, transform, row: row, column: column)
            specks += stroke(
                row: row, column: column, direction: Math.atan2(down, -across), lengthUm: 100 + 900 * size,
                radiusUm: 18 + 22 * size, strength: strength, curve: 0.8)
        }
    }

    /// Paints the strokes onto rows of the scan: the strongest wins.
    static func paint(
        _ strokes: [Stroke], rows: Range<Int>, columns: Int, spacingUm: Float, into buffer: inout [Float]
    ) {
        for index in buffer.indices { buffer[index] = 0 }
        for stroke in strokes {
            let reach = stroke.radius + spacingUm
            let firstRow = max(Int((min(stroke.row0, stroke.row1) - reach) / spacingUm), rows.lowerBound)
            let lastRow = min(Int((max(stroke.row0, stroke.row1) + reach) / spacingUm), rows.upperBound - 1)
            let firstColumn = max(Int((min(stroke.column0, stroke.column1) - reach) / spacingUm), 0)
            let lastColumn = min(Int((max(stroke.column0, stroke.column1) + reach) / spacingUm), columns - 1)
            guard firstRow <= lastRow, firstColumn <= lastColumn else { continue }
            let (down, across) = (stroke.row1 - stroke.row0, stroke.column1 - stroke.column0)
            let square = max(down * down + across * across, 1e-6)
            // A stroke thinner than a pixel is as faint as the share of the pixel that it fills.
            let thin = min(2 * stroke.radius / spacingUm, 1)
            for row in firstRow...lastRow {
                for column in firstColumn...lastColumn {
                    let (r, c) = (Float(row) * spacingUm - stroke.row0, Float(column) * spacingUm - stroke.column0)
                    let along = min(max((r * down + c * across) / square, 0), 1)
                    let (dr, dc) = (r - along * down, c - along * across)
                    let distance = (dr * dr + dc * dc).squareRoot()
                    let cover = min(max((stroke.radius - distance) / spacingUm + 0.5, 0), 1) * thin * stroke.strength
                    let place = (row - rows.lowerBound) * columns + column
                    if cover > buffer[place] { buffer[place] = cover }
                }
            }
        }
    }
}

/// Unit vector in the section that points into the tissue.
private func inward(_ plane: BrainPlane, _ transform: PlaneTransform, row: Double, column: Double) -> (Double, Double) {
    let step = 60.0
    func distance(_ row: Double, _ column: Double) -> Double {
        let here = transform.apply(row: row, column: column)
        return Double(plane.sample(rowUm: here.row, columnUm: here.column)[0])
    }
    let down = distance(row + step, column) - distance(row - step, column)
    let across = distance(row, column + step) - distance(row, column - step)
    let length = max((down * down + across * across).squareRoot(), 1e-9)
    return (down / length, across / length)
}

/// A curved stroke as four straight ones; `curve` is the whole turn in radians.
private func stroke(
    row: Double, column: Double, direction: Double, lengthUm: Double, radiusUm: Double, strength: Double, curve: Double
) -> [SectionMarks.Stroke] {
    var strokes: [SectionMarks.Stroke] = []
    var (r, c, angle) = (row, column, direction - curve / 2)
    for _ in 0..<4 {
        let (r1, c1) = (r + lengthUm / 4 * Math.cos(angle), c + lengthUm / 4 * Math.sin(angle))
        strokes.append(
            SectionMarks.Stroke(
                row0: Float(r), column0: Float(c), row1: Float(r1), column1: Float(c1), radius: Float(radiusUm),
                strength: Float(strength)))
        (r, c, angle) = (r1, c1, angle + curve / 4)
    }
    return strokes
}
