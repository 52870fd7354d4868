internal import StageProtocol

/// A table of comma, semicolon or tab separated values (RFC 4180) with a header line.
struct CSVTable {
    var header: [String] = []
    /// Cells by row; every row is as long as the header.
    var rows: [[String]] = []
    /// Line of the file where each row begins.
    var lines: [Int] = []
    let file: SourceFile
    private var kinds: [Kind] = []

    /// Nil, with the mistakes noted, where the text is no table. Cells that a short row lacks are a mistake.
    init?(_ file: SourceFile, problems: DiagnosticList) {
        self.file = file
        var bytes = file.bytes[...]
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
        let firstLine = bytes.prefix { $0 != UInt8(ascii: "\n") }
        let candidates = [UInt8(ascii: ","), UInt8(ascii: ";"), UInt8(ascii: "\t")]
        let counts = candidates.map { candidate in firstLine.count { $0 == candidate } }
        let separator = candidates[counts.indices.max { counts[$0] < counts[$1] } ?? 0]
        var row: [String] = []
        var cell: [UInt8] = []
        var isQuoted = false
        var wasQuoted = false
        var line = 1
        var rowLine = 1
        var index = bytes.startIndex
        var fits = true

        func endCell() {
            var text = String(decoding: cell, as: UTF8.self)
            if !wasQuoted { text = CSVTable.trimmed(text) }
            row.append(text)
            cell.removeAll(keepingCapacity: true)
            wasQuoted = false
        }
        func endRow() {
            endCell()
            defer { row.removeAll(keepingCapacity: true) }
            if row.count == 1, row[0].isEmpty { return }
            if header.isEmpty {
                header = row
            } else if row.count == header.count {
                rows.append(row)
                lines.append(rowLine)
            } else {
                fits = false
                problems.error(
                    at: Mark(file: file, line: rowLine), "this row has \(row.count) cells",
                    expected: "\(header.count), as many as the header")
            }
        }
        while index < bytes.endIndex {
            let byte = bytes[index]
            index += 1
            if byte == UInt8(ascii: "\n") { line += 1 }
            if isQuoted {
                if byte != UInt8(ascii: "\"") {
                    cell.append(byte)
                } else if index < bytes.endIndex, bytes[index] == UInt8(ascii: "\"") {
                    cell.append(byte)
                    index += 1
                } else {
                    isQuoted = false
                }
            } else if byte == UInt8(ascii: "\""), cell.allSatisfy({ $0 == UInt8(ascii: " ") }) {
                cell.removeAll()
                isQuoted = true
                wasQuoted = true
            } else if byte == separator {
                endCell()
            } else if byte == UInt8(ascii: "\n") {
                endRow()
                rowLine = line
            } else if byte != UInt8(ascii: "\r") {
                cell.append(byte)
            }
        }
        if !cell.isEmpty || !row.isEmpty { endRow() }
        if isQuoted {
            problems.error(at: Mark(file: file, line: rowLine), "a quote that opens in this row is never closed")
            fits = false
        }
        if header.isEmpty {
            problems.error(
                at: Mark(file: file), "the table is empty", expected: "a header line with the names of the columns")
            return nil
        }
        if !fits { return nil }
        kinds = header.indices.map { kind(ofColumn: $0) }
    }

    func column(_ name: String) -> Int? { header.firstIndex(of: name) }

    /// The values of a column over some rows, in one type: integers or numbers where every cell of the column is one and none
    /// begins with a padding zero, otherwise text; null where a cell is empty.
    func values(ofColumn column: Int, rows selected: [Int]) -> [ConfigValue] {
        let kind = kinds[column]
        return selected.map { index in
            let cell = rows[index][column]
            if cell.isEmpty { return .null }
            switch (kind, YAMLScalar(text: cell, isPlain: kind != .text).value) {
            case (.real, .integer(let integer)): return .real(Double(integer))
            case (_, let value): return value
            }
        }
    }

    /// Kind of a column's cells.
    private enum Kind { case integer, real, text }

    private func kind(ofColumn column: Int) -> Kind {
        var kind = Kind.integer
        for row in rows where !row[column].isEmpty {
            let cell = row[column]
            let digits = cell.utf8.drop { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "+") }
            let second = digits.dropFirst().first
            let isPadded =
                digits.first == UInt8(ascii: "0")
                && second.map { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") } == true
            switch isPadded ? .text(cell) : YAMLScalar(text: cell, isPlain: true).value {
            case .integer: break
            case .real: kind = .real
            default: return .text
            }
        }
        return kind
    }

    private static func trimmed(_ text: String) -> String {
        var view = Substring(text)
        while view.first == " " { view.removeFirst() }
        while view.last == " " { view.removeLast() }
        return String(view)
    }
}
