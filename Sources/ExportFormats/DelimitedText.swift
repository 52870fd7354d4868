/// Tables as comma- or tab-separated text, with a heading.
///
/// **Reference**: RFC 4180 for commas; tables with tabs hold neither quotes nor line breaks, as IANA's text/tab-separated-values has it.
public struct DelimitedText: Sendable {
    public enum Separator: String, Sendable {
        case comma = ","
        case tab = "\t"
    }

    /// One column: its name and how to write a row's value.
    public struct Column: Sendable {
        public let name: String
        let value: @Sendable (Int) -> String

        public init(_ name: String, _ value: @escaping @Sendable (Int) -> String) {
            self.name = name
            self.value = value
        }
    }

    public let columns: [Column]
    public let rowCount: Int
    public let separator: Separator

    public init(columns: [Column], rowCount: Int, separator: Separator) {
        self.columns = columns
        self.rowCount = rowCount
        self.separator = separator
    }

    /// The table's text in pieces of some thousand lines, the heading first.
    public func write(_ body: (String) throws -> Void) rethrows {
        try body(columns.map { quoted($0.name) }.joined(separator: separator.rawValue) + "\n")
        var piece = ""
        for row in 0..<rowCount {
            for (index, column) in columns.enumerated() {
                if index > 0 { piece += separator.rawValue }
                piece += quoted(column.value(row))
            }
            piece += "\n"
            if row % 4096 == 4095 {
                try body(piece)
                piece = ""
            }
        }
        if !piece.isEmpty { try body(piece) }
    }

    private func quoted(_ text: String) -> String {
        switch separator {
        case .comma:
            guard text.utf8.contains(where: { [0x22, 0x2C, 0x0A, 0x0D].contains($0) }) else { return text }
            return "\"" + text.replacing("\"", with: "\"\"") + "\""
        case .tab:
            guard text.utf8.contains(where: { [0x09, 0x0A, 0x0D].contains($0) }) else { return text }
            return text.replacing("\t", with: " ").replacing("\n", with: " ").replacing("\r", with: " ")
        }
    }
}
