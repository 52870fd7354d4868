internal import StageKit

/// Sections that show an evaluation by its summary, and its picture where it makes one.
enum EvaluationSections {
    /// One evaluation: ports are `NAME_summary` and `NAME_picture`.
    struct Entry {
        var name: String
        var title: String
        /// What the paper calls it.
        var paper: String
        var caption: Markup
        /// Whether the summary is folded away, since the section has a table of its own.
        var isFolded = false
    }

    static func make(
        id: String, title: String, lead: Markup, entries: [Entry], missing: Markup, _ report: ReportContext
    ) throws -> PageSection {
        var section = PageSection(id: id, title: title)
        for entry in entries {
            let pictures = report.groups(entry.name + "_picture")
            let shown = report.sorted(pictures).prefix(6)
            var parts: [Markup] = []
            for group in shown {
                guard let source = group.sources.first,
                    let image = try report.pictures.image(
                        source, alternative: "\(entry.title): \(report.words(group, among: pictures))")
                else { continue }
                parts.append(
                    "<div class=\"chart\"><h4>\(report.words(group, among: pictures))</h4><button class=\"zoom\" type=\"button\">\(image)</button></div>"
                )
            }
            if !parts.isEmpty {
                section.blocks.append(
                    Figure(
                        name: entry.paper, caption: entry.caption, body: Chart.row(parts, columns: 2),
                        sources: shown.compactMap(\.sources.first)
                    ).markup(report))
            }
            let digest = try SummaryDigest(port: entry.name + "_summary", in: report)
            section.blocks +=
                entry.isFolded
                ? digest.foldedBlocks(report, title: entry.title) : digest.blocks(report, title: entry.title)
        }
        if section.blocks.isEmpty { section.missing.append(missing) } else { section.lead = lead }
        return section
    }

    /// The paper's discussion asks for these.
    static func beyond(_ report: ReportContext) throws -> PageSection {
        try make(
            id: "beyond", title: "Beyond the paper",
            lead:
                "What the paper’s discussion asks for: area predictions smoothed along the cortex under topological constraints, and macroscale parcellations decoded from features.",
            entries: [
                Entry(
                    name: "area_smoothing", title: "Smoothing along the cortex", paper: "Smoothing",
                    caption: "Predicted areas before and after smoothing."),
                Entry(
                    name: "macroscale_decoding", title: "Macroscale decoding", paper: "Decoding",
                    caption: "A given parcellation, decoded from features."),
            ],
            missing: "Neither <code>area-smoothing</code> nor <code>macroscale-decoding</code> is part of this run.",
            report)
    }

    /// Summaries of stages that the page has no section for.
    static func others(_ report: ReportContext) throws -> PageSection? {
        let digest = try SummaryDigest(port: "summaries", in: report)
        guard !digest.isEmpty else { return nil }
        var section = PageSection(id: "others", title: "Further evaluations")
        section.blocks = digest.blocks(report, title: "Evaluation")
        return section
    }
}
