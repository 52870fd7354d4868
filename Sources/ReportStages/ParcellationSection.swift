internal import StageKit

/// Areas found without labels: Figures 6C and 9.
enum ParcellationSection {
    static func make(_ report: ReportContext, findings: inout Findings) throws -> PageSection {
        var section = try EvaluationSections.make(
            id: "parcellation", title: "Areas without labels",
            lead:
                "k-means in the feature space on points of neighbouring areas, 30 runs from different starts: do clusters agree with areas that people drew?",
            entries: [
                .init(
                    name: "parcellation", title: "Clusters and areas", paper: "Figures 6C and 9",
                    caption:
                        "Points in their places: areas above, clusters below, the left hemisphere beside the right.",
                    isFolded: true)
            ],
            missing: "Figures 6C and 9 need <code>parcellation</code>, which this run does not have.", report)
        let digest = try SummaryDigest(port: "parcellation_summary", in: report)
        guard !digest.isEmpty else { return section }
        var table = PageTable(columns: ["", "purity by area", "purity by hemisphere", "accuracy"])
        for group in digest.groups {
            let words = report.words(group.variant)
            table.rows.append(
                [.text(words.isEmpty ? "this run" : words)]
                    + ["purity_label", "purity_hemisphere", "accuracy"].map {
                        .number(digest.spread($0, of: group).text(decimals: 2))
                    })
        }
        for (name, ending) in [
            ("paper, k = 6, atlas-based points", "atlas"), ("paper, k = 2, annotated points", "annotated"),
        ] {
            table.rows.append([
                .text(name), .number(report.paper.text["purity_label_\(ending)"]?.text() ?? "–"),
                .number(report.paper.text["purity_hemisphere_\(ending)"]?.text() ?? "–"),
                .number(report.paper.text["accuracy_\(ending)"].map { NumberText.fixed($0.mean, 2) } ?? "–"),
            ])
        }
        let figure = Figure(
            name: "Purity of clusters",
            caption: """
                Share of the most frequent area, and hemisphere, in a cluster, averaged over clusters; accuracy after giving each area one cluster. The \
                paper’s two areas are Fp1 and Fp2 in brain B06.
                """, body: table.markup, sources: digest.sources, isTable: true
        ).markup(report)
        // After the picture, before what is folded.
        section.blocks.insert(figure, at: max(section.blocks.count - 1, 0))
        func group(_ key: String) -> SummaryDigest.Group? {
            digest.groups.first { report.model(of: $0.variant).plain == key }
        }
        if let main = group("cytonet") ?? group("cytonet-vit") {
            let purity = digest.spread("purity_label", of: main)
            if let other = group("simclr") {
                findings.compare(
                    "Clusters: areas are found without labels better with CytoNet than with SimCLR (purity)", purity,
                    above: digest.spread("purity_label", of: other), paper: nil, section: "parcellation")
            }
            if purity.count > 0 {
                findings.add(
                    card: purity.text(decimals: 2), "purity of k-means clusters by area",
                    note: "paper \(report.paper.text["purity_label_annotated"]?.text() ?? "–") for Fp1 and Fp2")
            }
        }
        return section
    }
}
