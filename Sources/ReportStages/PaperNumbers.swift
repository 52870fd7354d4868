internal import FoundationEssentials
internal import StageKit

/// The numbers of the CytoNet paper, from the data files in `Paper/`, each of which names the table it is from.
package struct PaperNumbers: Sendable {
    package struct Score: Sendable, Equatable {
        package var mean: Double
        package var deviation: Double?

        package init(mean: Double, deviation: Double?) {
            self.mean = mean
            self.deviation = deviation
        }

        /// As the paper prints it.
        package func text(_ decimals: Int = 2) -> String {
            NumberText.fixed(mean, decimals) + (deviation.map { " ± " + NumberText.fixed($0, decimals) } ?? "")
        }
    }

    /// Rows of a table: texts of the leading columns, and the score.
    package typealias Rows = [(keys: [String], score: Score)]

    /// Table 4: brain, role, axis.
    package let coordinateErrors: Rows
    /// Table 5: set, model, strategy, metric.
    package let classification: Rows
    /// Table 6: set, metric.
    package let leftOut: Rows
    /// Table 7: model, strategy, fraction.
    package let layers: Rows
    /// Numbers of the text, by name.
    package let text: [String: Score]

    package init() throws {
        coordinateErrors = try PaperNumbers.read(PackageResources.table_4_csv, "table-4.csv", keys: 3)
        classification = try PaperNumbers.read(PackageResources.table_5_csv, "table-5.csv", keys: 4)
        leftOut = try PaperNumbers.read(PackageResources.table_6_csv, "table-6.csv", keys: 2)
        layers = try PaperNumbers.read(PackageResources.table_7_csv, "table-7.csv", keys: 3)
        let figures = try PaperNumbers.read(PackageResources.figures_csv, "figures.csv", keys: 1)
        text = Dictionary(figures.map { ($0.keys[0], $0.score) }, uniquingKeysWith: { first, _ in first })
    }

    /// The score of a row, or nil.
    package static func find(_ rows: Rows, _ keys: String?...) -> Score? {
        let wanted = keys.compactMap { $0 }
        guard wanted.count == keys.count else { return nil }
        return rows.first { $0.keys == wanted }?.score
    }

    /// Reads lines after those that begin with `#` and the header: key columns, mean, standard deviation (may be empty), anything.
    static func read(_ bytes: [UInt8], _ name: String, keys: Int) throws -> Rows {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }
        return try lines.dropFirst().map { line in
            let cells = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard cells.count >= keys + 2, let mean = Double(cells[keys]) else {
                throw StageError(.badJob, "the paper's numbers in \(name) are not readable: \(line)")
            }
            return (Array(cells[..<keys]), Score(mean: mean, deviation: Double(cells[keys + 1])))
        }
    }
}
