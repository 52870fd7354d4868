internal import Foundation

extension AugmentationDraw {
    /// Whether a turned and shifted patch takes anything from a rectangle of its window, or might: what it does not touch need not be read.
    ///
    /// The patch is a square in the window, and so is the rectangle: they are apart where one of their four directions separates them
    /// (the separating axis theorem).
    ///
    /// - Parameters:
    ///   - rows: rows of the window.
    ///   - columns: columns of the window.
    public func touches(
        rows: Range<Int>, columns: Range<Int>, windowSide: Int, patchSide: Int, spacingUm: Double
    ) -> Bool {
        // The patch from the outer pixels' centres on, and the pixels that these are interpolated from.
        let half = Double(patchSide - 1) / 2
        let room = 2.0
        let centreRow = Double(windowSide - 1) / 2 + shiftRowMm * 1000 / spacingUm
        let centreColumn = Double(windowSide - 1) / 2 + shiftColumnMm * 1000 / spacingUm
        let (height, width) = (Double(rows.count - 1) / 2, Double(columns.count - 1) / 2)
        let row = Double(rows.lowerBound) + height - centreRow
        let column = Double(columns.lowerBound) + width - centreColumn
        let (c, s) = (abs(cos(angleRad)), abs(sin(angleRad)))
        guard abs(row) <= height + half * (c + s) + room, abs(column) <= width + half * (c + s) + room else {
            return false
        }
        // The patch's own axes: R (1, 0) and R (0, 1) with R as `augment` turns it.
        let along = abs(row * cos(angleRad) + column * sin(angleRad))
        let across = abs(column * cos(angleRad) - row * sin(angleRad))
        return along <= half + height * c + width * s + room && across <= half + width * c + height * s + room
    }
}
