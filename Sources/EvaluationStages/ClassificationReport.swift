internal import HDF5
internal import ScoreTables
internal import Statistics

/// What is written and told of classifications of areas: Tables 5 and 6, Figure 5.
struct ClassificationReport {
    /// Scores of each repeat; the points of the first are written.
    let repeats: [ClassificationScores]
    /// Scores with each brain as the transfer brain.
    let rotated: [(brain: String, scores: [ClassificationScores.SetScores])]
    let points: PointTable

    private typealias SetScores = ClassificationScores.SetScores
    private static let scores: [(name: String, value: @Sendable (ClassificationScores.SetScores) -> Double)] = [
        ("macro_f1", { $0.macroF1 }), ("top1", { $0.top1 }), ("top3", { $0.top3 }),
    ]

    /// Writes the artifact; with several repeats their scores, too.
    func write(_ main: ClassificationScores, to file: HDF5File) throws {
        try main.write(to: file)
        if repeats.count > 1 {
            let all = repeats.map { $0.scores() }
            for (name, value) in ClassificationReport.scores {
                try file.write(
                    all.flatMap { $0.map(value) }, shape: [all.count, main.sets.count], to: "/repeats/\(name)")
            }
        }
        guard let sets = rotated.first?.scores else { return }
        try file.write(texts: rotated.map(\.brain), to: "/rotation/brain")
        try file.write(texts: sets.map(\.set), to: "/rotation/set")
        for (name, value) in ClassificationReport.scores {
            try file.write(
                rotated.flatMap { $0.scores.map(value) }, shape: [rotated.count, sets.count], to: "/rotation/\(name)")
        }
    }

    var summary: ScoreSummary {
        guard let main = repeats.first else { return ScoreSummary() }
        var summary = main.summary()
        if repeats.count > 1 { addRepeats(to: &summary) }
        addBrains(main, to: &summary)
        addAreas(main, to: &summary)
        addHops(main, to: &summary)
        addMargins(main, to: &summary)
        if !rotated.isEmpty { addRotation(to: &summary) }
        return summary
    }

    /// Means over the repeats take the place of the first one's figures.
    private func addRepeats(to summary: inout ScoreSummary) {
        let all = repeats.map { $0.scores() }
        var rows: [[ScoreSummary.Cell]] = []
        for (index, set) in (all.first ?? []).map(\.set).enumerated() {
            var row: [ScoreSummary.Cell] = [.text(set)]
            for (name, value) in ClassificationReport.scores {
                let statistics = MeanAndDeviation(all.map { value($0[index]) })
                summary.figures["\(name)_\(set)"] = statistics.mean
                summary.figures["\(name)_\(set)_sd"] = statistics.deviation
                row += [.number(statistics.mean), .number(statistics.deviation)]
            }
            rows.append(row)
        }
        summary.tables.append(
            ScoreSummary.Table(
                name: "area_classification_repeats",
                caption: "Mean and sd over \(repeats.count) draws of the training points",
                columns: ["set", "macro_f1", "macro_f1_sd", "top1", "top1_sd", "top3", "top3_sd"], rows: rows))
    }

    private func addBrains(_ main: ClassificationScores, to summary: inout ScoreSummary) {
        let rows = points.brains.indices.compactMap { brain -> [ScoreSummary.Cell]? in
            let own = main.rows.filter { $0.brain == brain }
            guard !own.isEmpty else { return nil }
            let confusion = Confusion(truth: own.map(\.truth), predicted: own.map(\.predicted))
            return [
                .text(points.brains[brain].name), .text(points.brains[brain].role), .count(own.count),
                .number(confusion.macroF1), .number(confusion.accuracy),
                .number(Double(own.count { $0.correctRank < 3 }) / Double(own.count)),
            ]
        }
        summary.tables.append(
            ScoreSummary.Table(
                name: "area_classification_brains", caption: "The test points of each brain",
                columns: ["brain", "role", "points", "macro_f1", "top1", "top3"], rows: rows))
    }

    private func addAreas(_ main: ClassificationScores, to summary: inout ScoreSummary) {
        let sets = main.sets.map { set in
            let own = main.rows.filter { main.brains[$0.brain].role == set }
            return Confusion(truth: own.map(\.truth), predicted: own.map(\.predicted))
        }
        let areas = Set(sets.flatMap(\.labels)).sorted()
        summary.tables.append(
            ScoreSummary.Table(
                name: "area_classification_areas",
                caption:
                    "F1 of each area in each set, and its test points; undefined where an area is neither true nor predicted",
                columns: ["area", "name"] + main.sets.flatMap { ["f1_\($0)", "points_\($0)"] },
                rows: areas.map { area in
                    [.count(area), .text(points.areaName(Int32(area)))]
                        + sets.flatMap { confusion -> [ScoreSummary.Cell] in
                            guard let place = confusion.labels.firstIndex(of: area) else {
                                return [.number(.nan), .count(0)]
                            }
                            return [.number(confusion.f1Scores[place]), .count(confusion.trueCounts[place])]
                        }
                }))
    }

    /// The points of a set by how far the prediction is off: 0 right, −1 where no way leads.
    private func byHops(_ main: ClassificationScores, _ set: String) -> [Int: [ClassificationScores.Row]] {
        var result: [Int: [ClassificationScores.Row]] = [:]
        for (row, hops) in zip(main.rows, main.hops()) where main.brains[row.brain].role == set {
            result[row.truth == row.predicted ? 0 : hops == 0 ? -1 : hops, default: []].append(row)
        }
        return result
    }

    /// Figure 5 B.
    private func addHops(_ main: ClassificationScores, to summary: inout ScoreSummary) {
        guard main.graph != nil else { return }
        var rows: [[ScoreSummary.Cell]] = []
        for set in main.sets {
            let groups = byHops(main, set)
            let errors = groups.filter { $0.key != 0 }.reduce(0) { $0 + $1.value.count }
            guard errors > 0 else { continue }
            var within = 0
            for hops in groups.keys.filter({ $0 > 0 }).sorted() {
                let count = groups[hops]?.count ?? 0
                within += count
                rows.append([
                    .text(set), .count(hops), .count(count), .number(Double(count) / Double(errors)),
                    .number(Double(within) / Double(errors)),
                ])
            }
            for most in [1, 2] {
                let share = groups.filter { (1...most).contains($0.key) }.reduce(0) { $0 + $1.value.count }
                summary.figures["errors_within_\(most)_hop\(most == 1 ? "" : "s")_\(set)"] =
                    Double(share) / Double(errors)
            }
        }
        summary.tables.append(
            ScoreSummary.Table(
                name: "error_distance",
                caption:
                    "Wrong predictions by their distance from the true area on the adjacency graph, and the share of errors up "
                    + "to that distance", columns: ["set", "hops", "points", "share", "share_within"], rows: rows))
    }

    /// Figure 5 C.
    private func addMargins(_ main: ClassificationScores, to summary: inout ScoreSummary) {
        var rows: [[ScoreSummary.Cell]] = []
        for set in main.sets {
            let groups = byHops(main, set)
            for hops in groups.keys.sorted(by: { ($0 < 0 ? Int.max : $0) < ($1 < 0 ? Int.max : $1) }) {
                let margins = (groups[hops] ?? []).map { Double($0.margin) }
                rows.append(
                    [
                        .text(set), .text(hops == 0 ? "correct" : hops < 0 ? "unknown" : "\(hops)"),
                        .count(margins.count),
                    ]
                        + [0.05, 0.25, 0.5, 0.75, 0.95].map { .number(quantile(margins, $0)) })
            }
        }
        summary.tables.append(
            ScoreSummary.Table(
                name: "logit_margins",
                caption:
                    "The two greatest logits' difference by the prediction's distance from the true area, quantiles",
                columns: ["set", "hops", "points", "q05", "q25", "median", "q75", "q95"], rows: rows))
    }

    /// Table 6.
    private func addRotation(to summary: inout ScoreSummary) {
        let sets = (rotated.first?.scores ?? []).map(\.set)
        var rows: [[ScoreSummary.Cell]] = []
        for (index, set) in sets.enumerated() {
            var row: [ScoreSummary.Cell] = [.text(set)]
            for (name, value) in ClassificationReport.scores {
                let statistics = MeanAndDeviation(rotated.map { value($0.scores[index]) })
                summary.figures["rotation_\(name)_\(set)"] = statistics.mean
                row += [.number(statistics.mean), .number(statistics.deviation)]
            }
            rows.append(row)
        }
        summary.tables.append(
            ScoreSummary.Table(
                name: "rotation",
                caption:
                    "Each seen and transfer brain in turn as the transfer brain, mean and sd over the brains; the features are "
                    + "those of the one pretrained network",
                columns: ["set", "macro_f1", "macro_f1_sd", "top1", "top1_sd", "top3", "top3_sd"], rows: rows))
        summary.tables.append(
            ScoreSummary.Table(
                name: "rotation_brains", caption: "Scores with each brain as the transfer brain",
                columns: ["brain"] + sets.flatMap { set in ClassificationReport.scores.map { "\($0.name)_\(set)" } },
                rows: rotated.map { brain, scores in
                    [.text(brain)]
                        + scores.flatMap { set in ClassificationReport.scores.map { .number($0.value(set)) } }
                }))
    }
}

/// The value below which a share of some values lies, with straight lines between them (NumPy's default); NaN of nothing.
func quantile(_ values: [Double], _ share: Double) -> Double {
    guard !values.isEmpty else { return .nan }
    let sorted = values.sorted()
    let place = share * Double(sorted.count - 1)
    let low = Int(place)
    let high = min(low + 1, sorted.count - 1)
    return sorted[low] + (sorted[high] - sorted[low]) * (place - Double(low))
}
