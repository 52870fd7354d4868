internal import NDArray

/// Draws cell bodies as ellipses of optical density onto pixels that are smaller than they are.
enum CellPainter {
    /// Adds one cell's optical density.
    ///
    /// - Parameters:
    ///   - row: middle of the cell in pixels of the buffer, likewise `column`.
    ///   - gain: factor on the density.
    static func paint(
        row: Float, column: Float, cell: SectionCell, pixelUm: Float, gain: Float,
        into buffer: UnsafeMutablePointer<Float>, rows: Int, columns: Int
    ) {
        let round = (cell.areaUm2 / 3.14159).squareRoot() / pixelUm
        let long = round * cell.elongation.squareRoot()
        let short = round / cell.elongation.squareRoot()
        // A cell that is small against the pixel grows by half a pixel and pales as much as it grows.
        let (a, b) = ((long * long + 0.09).squareRoot(), (short * short + 0.09).squareRoot())
        let pale = gain * (long * short) / (a * b)
        let (core, rim) = (CellBody.coreDensity * pale, CellBody.rimDensity * pale)
        let reach = CellBody.reach
        let (sine, cosine) = (Float(Math.sin(Double(cell.angleRad))), Float(Math.cos(Double(cell.angleRad))))
        // Along the long axis (row: sine, column: cosine) and across it, in radii.
        let (alongRow, alongColumn) = (sine / a, cosine / a)
        let (acrossRow, acrossColumn) = (cosine / b, -sine / b)
        let extent = reach * a + 1
        let (firstRow, lastRow) = (
            max(Int((row - extent).rounded(.up)), 0), min(Int((row + extent).rounded(.down)), rows - 1)
        )
        let firstColumn = max(Int((column - extent).rounded(.up)), 0)
        let lastColumn = min(Int((column + extent).rounded(.down)), columns - 1)
        guard firstRow <= lastRow, firstColumn <= lastColumn else { return }
        // The core's edge is as wide as a pixel.
        let edge = 0.5 / (a * b).squareRoot()
        let inner = max(1 - edge, 0)
        let (inner2, reach2) = (inner * inner, reach * reach)
        for y in firstRow...lastRow {
            let down = Float(y) - row
            let line = buffer + y * columns
            for x in firstColumn...lastColumn {
                let right = Float(x) - column
                let along = down * alongRow + right * alongColumn
                let across = down * acrossRow + right * acrossColumn
                let square = along * along + across * across
                if square >= reach2 { continue }
                if square <= inner2 {
                    line[x] += core
                    continue
                }
                let radius = square.squareRoot()
                let rimHere = rim * min((reach - radius) / (reach - 1), 1)
                let share = min(max((1 + edge - radius) / (2 * edge), 0), 1)
                line[x] += rimHere + share * (core - rimHere)
            }
        }
    }
}
