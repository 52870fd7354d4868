internal import FoundationEssentials

/// Figures and tables of an evaluation for people and for the report: what a `summary` port (type scores-table) holds.
///
/// ```swift
/// var summary = ScoreSummary()
/// summary.figures["macro_f1_seen"] = 0.51
/// summary.tables.append(
///     ScoreSummary.Table(name: "areas", caption: "Areas by set", columns: ["set", "macro_f1"], rows: [["seen", 0.51]]))
/// try summary.write(to: context.output("summary"))
/// ```
public struct ScoreSummary: Sendable {
    /// One cell of a table.
    public enum Cell: Sendable, Equatable, ExpressibleByStringLiteral, ExpressibleByFloatLiteral,
        ExpressibleByIntegerLiteral
    {
        case text(String)
        case number(Double)
        case count(Int)

        public init(stringLiteral value: String) { self = .text(value) }
        public init(floatLiteral value: Double) { self = .number(value) }
        public init(integerLiteral value: Int) { self = .count(value) }
    }

    public struct Table: Sendable, Equatable {
        /// For programs, for example `area_classification`.
        public var name: String
        /// For people: what is shown, in which unit.
        public var caption: String
        public var columns: [String]
        /// As long as `columns` each.
        public var rows: [[Cell]]

        public init(name: String, caption: String, columns: [String], rows: [[Cell]]) {
            precondition(rows.allSatisfy { $0.count == columns.count }, "A row of '\(name)' has not a cell a column.")
            self.name = name
            self.caption = caption
            self.columns = columns
            self.rows = rows
        }
    }

    /// The main figures by name; one that is not finite becomes null.
    public var figures: [String: Double] = [:]
    public var tables: [Table] = []

    public init() {}

    /// The JSON text: figures sorted by name, numbers as numbers, null for what is undefined. The same for the same summary.
    public func json() throws -> String {
        struct File: Encodable {
            struct Table: Encodable {
                let name: String
                let caption: String
                let columns: [String]
                let rows: [[Value]]
            }
            let figures: [String: Value]
            let tables: [Table]
        }
        let file = File(
            figures: figures.mapValues { Value(cell: .number($0)) },
            tables: tables.map { table in
                File.Table(
                    name: table.name, caption: table.caption, columns: table.columns,
                    rows: table.rows.map { $0.map { Value(cell: $0) } })
            })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(file), as: UTF8.self)
    }

    /// Writes the JSON text into a file.
    public func write(to path: String) throws {
        try (try json() + "\n").write(toFile: path, atomically: false, encoding: .utf8)
    }
}

/// A cell as JSON has it.
private struct Value: Encodable {
    let cell: ScoreSummary.Cell

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch cell {
        case .text(let text): try container.encode(text)
        case .count(let count): try container.encode(count)
        case .number(let number) where number.isFinite: try container.encode(number)
        case .number: try container.encodeNil()
        }
    }
}
