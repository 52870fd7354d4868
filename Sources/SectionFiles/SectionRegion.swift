public import NDArray
internal import TIFF

extension SectionScan {
    /// A rectangle of a level in the scan's own gray values (0 … 255 for 8 bits, 0 … 65535 for 16), full brightness where
    /// the file leaves something out.
    ///
    /// Only tiles or strips that the rectangle touches are decoded.
    ///
    /// - Parameters:
    ///   - level: 0 is the scan itself.
    ///   - rows: within `levels[level].rows`, as seen.
    ///   - columns: within `levels[level].columns`, as seen.
    public func region(
        level: Int = 0, rows: Range<Int>, columns: Range<Int>, channel: GrayChannel = .luma
    ) throws -> Image<Float> {
        precondition(levels.indices.contains(level), "\(path) has \(levels.count) levels, not \(level + 1).")
        precondition(
            rows.lowerBound >= 0 && rows.upperBound <= levels[level].rows && columns.lowerBound >= 0
                && columns.upperBound <= levels[level].columns,
            "Rows \(rows) and columns \(columns) leave level \(level) of \(path).")
        let source = sources[level]
        let gray = GrayRows(source.delivery, palette: source.palette, channel: channel)
        let stored = orientation.stored(
            rows: rows, columns: columns, storedRows: source.rows, storedColumns: source.columns)
        var image = Image(rows: stored.rows.count, columns: stored.columns.count, filledWith: gray.white)
        try SectionFileError.translating {
            try source.withReader { reader in
                try reader.forEachPiece(rows: stored.rows, columns: stored.columns) { piece in
                    image.elements.withUnsafeMutableBufferPointer { elements in
                        guard let base = elements.baseAddress else { return }
                        for row in 0..<piece.rows {
                            let target =
                                (piece.row + row - stored.rows.lowerBound) * stored.columns.count + piece.column
                                - stored.columns.lowerBound
                            gray.convert(
                                piece.base + row * piece.rowBytes, count: piece.columns, into: base + target)
                        }
                    }
                }
            }
        }
        return orientation.applied(to: image)
    }
}
