internal import FoundationEssentials
internal import ScoreTables
internal import StageKit

extension PointTable {
    /// The label that a name or a number stands for.
    ///
    /// - Throws: `StageError` that lists the known areas.
    func areaLabel(_ text: String, key: String) throws -> Int32 {
        if let label = areaNames.first(where: { $0.value == text })?.key { return label }
        if let label = Int32(text), areaNames[label] != nil || self.label.contains(label) { return label }
        let known = areaNames.keys.sorted().map { "\($0) \(areaName($0))" }
        throw StageError(
            .badJob,
            "config.\(key) names the area \(text), which the points do not have (there are: \(known.joined(separator: ", ")))"
        )
    }

    /// The two neighbouring areas whose smaller one has the most of some rows; any two areas where no graph is given.
    func neighbouringAreas(among rows: [Int], graph: AreaGraph?) throws -> [Int32] {
        var counts: [Int32: Int] = [:]
        for row in rows where hasArea(row) { counts[label[row], default: 0] += 1 }
        var best: (count: Int, pair: [Int32])?
        let labels = counts.keys.sorted()
        for (place, first) in labels.enumerated() {
            let hops = graph?.hops(from: Int(first))
            for second in labels[(place + 1)...] where hops.map({ $0[Int(second)] == 1 }) ?? true {
                let smaller = min(counts[first] ?? 0, counts[second] ?? 0)
                if smaller > best?.count ?? 0 { best = (smaller, [first, second]) }
            }
        }
        guard let best else {
            throw StageError(
                .badInput, "no two neighbouring areas have labelled points; name two in config.areas", port: "features")
        }
        return best.pair
    }
}

/// Names of a label map's values from an optional label-table port: `label<TAB>name`, one a line.
struct LabelNames {
    /// In the order of the file.
    let labels: [Int32]
    let names: [Int32: String]

    init?(_ input: StageInput?) throws {
        guard let input else { return nil }
        guard let data = FileManager.default.contents(atPath: input.path) else {
            throw StageError(.inputOutput, "cannot be read", port: input.port, file: input.path)
        }
        var labels: [Int32] = []
        var names: [Int32: String] = [:]
        let lines = String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline)
        for (number, line) in lines.enumerated() where !line.hasPrefix("#") {
            let fields = line.split(separator: "\t", omittingEmptySubsequences: false)
            guard fields.count >= 2, let label = Int32(fields[0]), names[label] == nil else {
                if number == 0 { continue }
                throw StageError(
                    .badInput, "line \(number + 1) is '\(line.prefix(40))', not a new label, a tab and a name",
                    port: input.port, file: input.path)
            }
            labels.append(label)
            names[label] = String(fields[1])
        }
        (self.labels, self.names) = (labels, names)
    }
}
