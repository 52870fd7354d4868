internal import NDArray

/// How the stored rows and columns lie in the picture as it is to be seen (TIFF's orientations 1 … 8).
struct Orientation: Sendable, Equatable {
    /// Stored rows run along the picture's columns.
    let isTransposed: Bool
    /// The first stored row is the picture's last row (or column).
    let flipsStoredRows: Bool
    /// The first stored column is the picture's last column (or row).
    let flipsStoredColumns: Bool

    init(_ number: Int) {
        isTransposed = number >= 5
        flipsStoredRows = [3, 4, 6, 7].contains(number)
        flipsStoredColumns = [2, 3, 7, 8].contains(number)
    }

    var isIdentity: Bool { !isTransposed && !flipsStoredRows && !flipsStoredColumns }

    /// The picture of a stored image.
    func applied<Element>(to stored: Image<Element>) -> Image<Element> {
        if isIdentity { return stored }
        let rows = isTransposed ? stored.columns : stored.rows
        let columns = isTransposed ? stored.rows : stored.columns
        var elements: [Element] = []
        elements.reserveCapacity(stored.count)
        for row in 0..<rows {
            for column in 0..<columns {
                var (storedRow, storedColumn) = isTransposed ? (column, row) : (row, column)
                if flipsStoredRows { storedRow = stored.rows - 1 - storedRow }
                if flipsStoredColumns { storedColumn = stored.columns - 1 - storedColumn }
                elements.append(stored[storedRow, storedColumn])
            }
        }
        return Image(rows: rows, columns: columns, elements: elements)
    }

    /// The rectangle of the stored image that a rectangle of the picture shows.
    func stored(
        rows: Range<Int>, columns: Range<Int>, storedRows: Int, storedColumns: Int
    ) -> (rows: Range<Int>, columns: Range<Int>) {
        var (row, column) = isTransposed ? (columns, rows) : (rows, columns)
        if flipsStoredRows { row = storedRows - row.upperBound..<storedRows - row.lowerBound }
        if flipsStoredColumns { column = storedColumns - column.upperBound..<storedColumns - column.lowerBound }
        return (row, column)
    }
}
