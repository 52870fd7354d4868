internal import NDArray

/// Sections side by side at a small size, each beside itself with the borders of its labels drawn in.
struct ContactSheet {
    /// Width of one picture; its height follows from the first section.
    let widthPx: Int
    /// How many pairs stand in a row.
    let pairsInRow: Int

    /// One section: its image and labels of the same size.
    struct Entry {
        var image: Image<UInt8>
        var labels: Image<UInt8>
        /// Drawn over the borders.
        var dots: [Dot] = []
    }

    /// A mark at a place of the section, in pixels of its labels.
    struct Dot {
        var row: Double
        var column: Double
        var colour: RGB
    }

    static let tissueBorder = RGB(224, 92, 20)
    static let whiteBorder = RGB(20, 120, 210)
    private static let gap = 4

    /// The sheet, entries row by row; white where there is none.
    func picture(_ entries: [Entry]) -> Image<RGB> {
        guard let first = entries.first, first.image.columns > 0, first.image.rows > 0 else {
            return Image(rows: 1, columns: 1, filledWith: RGB(gray: 255))
        }
        let height = max(widthPx * first.image.rows / first.image.columns, 1)
        let across = min(pairsInRow, entries.count)
        let down = (entries.count + across - 1) / across
        let (cellWidth, cellHeight) = (2 * widthPx + 2 * Self.gap, height + 2 * Self.gap)
        var sheet = Image(rows: down * cellHeight, columns: across * cellWidth, filledWith: RGB(gray: 255))
        for (index, entry) in entries.enumerated() {
            let plain = reduced(entry.image, rows: height, columns: widthPx).map { RGB(gray: $0) }
            let (top, left) = (index / across * cellHeight + Self.gap, index % across * cellWidth)
            paste(plain, into: &sheet, row: top, column: left)
            paste(
                marked(outlined(plain, labels: entry.labels), entry), into: &sheet, row: top,
                column: left + widthPx + Self.gap)
        }
        return sheet
    }

    /// The picture with a line where tissue begins and where white matter begins.
    private func outlined(_ picture: Image<RGB>, labels: Image<UInt8>) -> Image<RGB> {
        func label(_ row: Int, _ column: Int) -> UInt8 {
            let r = min((2 * row + 1) * labels.rows / (2 * picture.rows), labels.rows - 1)
            let c = min((2 * column + 1) * labels.columns / (2 * picture.columns), labels.columns - 1)
            return labels[r, c]
        }
        guard labels.count > 0 else { return picture }
        var result = picture
        for row in 0..<picture.rows {
            for column in 0..<picture.columns {
                let here = label(row, column)
                let others = [
                    label(min(row + 1, picture.rows - 1), column), label(row, min(column + 1, picture.columns - 1)),
                ]
                if others.contains(where: { ($0 == 0) != (here == 0) }) {
                    result[row, column] = Self.tissueBorder
                } else if others.contains(where: { ($0 == 2) != (here == 2) }) {
                    result[row, column] = Self.whiteBorder
                }
            }
        }
        return result
    }

    /// The picture with the entry's dots, two pixels wide.
    private func marked(_ picture: Image<RGB>, _ entry: Entry) -> Image<RGB> {
        var result = picture
        for dot in entry.dots {
            let row = Int((dot.row + 0.5) * Double(picture.rows) / Double(entry.labels.rows) - 0.5)
            let column = Int((dot.column + 0.5) * Double(picture.columns) / Double(entry.labels.columns) - 0.5)
            for r in row...row + 1 where r >= 0 && r < picture.rows {
                for c in column...column + 1 where c >= 0 && c < picture.columns { result[r, c] = dot.colour }
            }
        }
        return result
    }

    private func paste(_ picture: Image<RGB>, into sheet: inout Image<RGB>, row: Int, column: Int) {
        for r in 0..<min(picture.rows, sheet.rows - row) {
            for c in 0..<min(picture.columns, sheet.columns - column) { sheet[row + r, column + c] = picture[r, c] }
        }
    }

    /// Means over the pixels under each new one; the image is stretched to the asked shape.
    private func reduced(_ image: Image<UInt8>, rows: Int, columns: Int) -> Image<UInt8> {
        var result = Image<UInt8>(rows: rows, columns: columns, filledWith: 255)
        guard image.count > 0 else { return result }
        for row in 0..<rows {
            let r0 = min(row * image.rows / rows, image.rows - 1)
            let r1 = min(max((row + 1) * image.rows / rows, r0 + 1), image.rows)
            for column in 0..<columns {
                let c0 = min(column * image.columns / columns, image.columns - 1)
                let c1 = min(max((column + 1) * image.columns / columns, c0 + 1), image.columns)
                var sum = 0
                for r in r0..<r1 { for c in c0..<c1 { sum += Int(image[r, c]) } }
                let count = (r1 - r0) * (c1 - c0)
                result[row, column] = UInt8((sum + count / 2) / count)
            }
        }
        return result
    }
}
