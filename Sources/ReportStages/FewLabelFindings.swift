/// What is learned from few labels: the claim for which pretraining without labels is done.
extension Findings {
    /// The main model's linear probe with the fewest labels an area, above others that had no more: SimCLR's probe, training from
    /// scratch, and supervised pretraining on those labels only (a stage without the axis `model`).
    mutating func takeFewLabels(
        _ scores: ClassificationScores, rows: [ClassificationSection.Row], report: ReportContext
    ) {
        func main(_ row: ClassificationSection.Row) -> Bool {
            let model = report.model(of: row.variant)
            return model.plain == "cytonet" && row.form.isEmpty && row.variant.coordinates.count <= 1
        }
        guard
            let row = rows.first(where: main)
                ?? rows.first(where: { report.model(of: $0.variant).method == "cytonet" }),
            let labels = scores.kinds.filter({ $0.variant == row.variant && $0.form == row.form }).compactMap(
                \.labelsPerArea
            ).min(),
            let high = scores.kind(row, .linearProbe, labels: labels)
        else { return }
        for other in rows where other != row && other.form.isEmpty {
            let method = report.model(of: other.variant).method
            guard method == "simclr" || method == "scratch" || other.variant["model"] == nil,
                let low = scores.kind(other, method == "scratch" ? .finetune : .linearProbe, labels: labels)
            else { continue }
            let name =
                method == "scratch" ? "training from scratch on them" : ClassificationSection.name(other, report)
            for set in ["seen", "transfer", "unseen"] {
                compare(
                    "Areas from \(labels) labels each, \(set) brains: CytoNet above \(name) (macro-F1)",
                    scores.spread(high, set, "macro_f1"), above: scores.spread(low, set, "macro_f1"), paper: nil,
                    section: "areas")
            }
        }
    }
}
