internal import StageKit

/// Template coordinates predicted from one brain's features in all others: Table 4.
enum CoordinatesSection {
    private static let axes = ["left-right", "anterior-posterior", "inferior-superior"]

    static func make(_ report: ReportContext, findings: inout Findings) throws -> PageSection {
        var section = PageSection(id: "coordinates", title: "Coordinates across brains")
        let digest = try SummaryDigest(port: "coordinate_prediction_summary", in: report)
        guard !digest.isEmpty else {
            section.missing.append("Table 4 needs <code>coordinate-prediction</code>, which this run does not have.")
            return section
        }
        section.lead = """
            Linear models from the features of one brain to template coordinates, one an axis, applied to every other brain: how alike place is \
            written in the features of different brains. The phantom’s brains are smaller than human ones; compare roles of brains, not millimetres.
            """
        let main = digest.groups.first { report.model(of: $0.variant).method == "cytonet" } ?? digest.groups.first
        if let main, let (caption, markup, _) = digest.table("coordinate_prediction", report, of: main.variant) {
            let name = report.words(main.variant)
            let about: Markup = name.isEmpty ? .empty : " Features of \(name); the other models are folded below."
            let runs: Markup =
                main.summaries.count > 1 ? " Mean ± standard deviation over \(main.summaries.count) trainings." : .empty
            section.blocks.append(
                Figure(
                    name: "Table 4", caption: "\(caption).\(runs)\(about)", body: markup, sources: digest.sources,
                    isTable: true
                ).markup(report))
        }
        section.blocks.append(paperTable(report))
        section.blocks += digest.foldedBlocks(report, title: "Coordinate prediction, all models")
        if let main {
            let (transfer, unseen) = (
                digest.spread("distance_mm_transfer", of: main), digest.spread("distance_mm_unseen", of: main)
            )
            findings.compare(
                "Coordinates: larger errors in unseen brains than in transfer brains (mm)", unseen, above: transfer,
                paper: nil, decimals: 1, section: "coordinates")
        }
        return section
    }

    private static func paperTable(_ report: ReportContext) -> Markup {
        var table = PageTable(columns: ["brain", "role"] + axes)
        var brains: [[String]] = []
        for row in report.paper.coordinateErrors {
            let brain = Array(row.keys.prefix(2))
            if !brains.contains(brain) { brains.append(brain) }
        }
        for brain in brains {
            table.rows.append(
                brain.map { .text($0) }
                    + axes.map { axis in
                        .number(
                            PaperNumbers.find(report.paper.coordinateErrors, brain[0], brain[1], axis)?.text() ?? "–")
                    })
        }
        return
            "<details class=\"more\"><summary>The paper’s Table 4 (mm, mean ± sd over five folds on B20)</summary>\(table.markup)</details>"
    }
}
