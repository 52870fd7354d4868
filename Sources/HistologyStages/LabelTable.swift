internal import FoundationEssentials
internal import StageKit

/// Names of a label map's values, as a label-table artifact has them: `label<TAB>name`, one a line, in the order of the file.
struct LabelTable {
    let labels: [Int32]
    let names: [String]

    /// Reads a table; a first line without a number is a heading, lines that start with # are comments.
    init(_ input: StageInput) throws {
        guard let data = FileManager.default.contents(atPath: input.path) else {
            throw StageError(.inputOutput, "cannot be read", port: input.port, file: input.path)
        }
        var labels: [Int32] = []
        var names: [String] = []
        let lines = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline)
        for (number, line) in lines.enumerated() where !line.hasPrefix("#") {
            let fields = line.split(separator: "\t", maxSplits: 1, omittingEmptySubsequences: false)
            guard fields.count == 2, let label = Int32(fields[0]) else {
                if number == 0 { continue }
                throw StageError(
                    .badInput, "line \(number + 1) is '\(line.prefix(40))', not a label, a tab and a name",
                    port: input.port, file: input.path)
            }
            guard !labels.contains(label) else {
                throw StageError(
                    .badInput, "line \(number + 1) names the label \(label) again", port: input.port, file: input.path)
            }
            labels.append(label)
            names.append(fields[1].split(separator: "\t").first.map(String.init) ?? "")
        }
        guard !labels.isEmpty else {
            throw StageError(.badInput, "holds no label", port: input.port, file: input.path)
        }
        self.labels = labels
        self.names = names
    }

    /// Labels of areas: all but the background's 0.
    var areas: [Int32] { labels.filter { $0 != 0 } }
}
