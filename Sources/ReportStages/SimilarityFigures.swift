internal import HDF5
internal import StageKit

/// Cosine similarity of areas, over all brains and in each (Figure 2, below).
enum SimilarityFigures {
    static func make(
        _ report: ReportContext, findings: inout Findings, missing: inout [Markup]
    ) throws -> [Markup] {
        let groups = report.sorted(report.groups("area_similarity"))
        let main = groups.first { report.model(of: $0.variant).method == "cytonet" } ?? groups.first
        guard let main, let source = main.sources.first else {
            missing.append(
                "The similarity matrices of Figure 2 need <code>area-similarity</code>, which this run does not have.")
            return []
        }
        let file = try HDF5File(reading: source.path)
        let values = try file.read("/similarity", as: Double.self)
        let areas = try file.readTexts("/groups/name")
        let sides = try file.read("/groups/hemisphere", as: Int.self)
        let names = zip(areas, sides).map { "\($0) \($1 == 0 ? "L" : "R")" }
        let count = names.count
        guard values.count == count * count else {
            throw StageError(.badInput, "/similarity is not groups × groups", port: source.port, file: source.path)
        }
        let finite = values.filter(\.isFinite)
        let domain = [finite.min() ?? 0, finite.max() ?? 1]
        let name = report.words(main.variant)
        var body = Chart.markup(
            [
                ("kind", .text("heat")), ("names", .texts(names)), ("values", .numbers(values)),
                ("domain", .numbers(domain)), ("title", .text("cosine similarity")),
            ], heightPx: min(620, 180 + 14 * count),
            description:
                "Mean cosine similarity between \(count) areas by hemisphere, from \(NumberText.short(domain[0])) to \(NumberText.short(domain[1]))",
            title: "all brains", in: report)
        if file.contains("/brain_similarity"), file.contains("/brains/name") {
            let each = try file.read("/brain_similarity", as: Double.self)
            let brains = try file.readTexts("/brains/name")
            let roles = file.contains("/brains/role") ? try file.readTexts("/brains/role") : []
            let charts = brains.indices.filter { (($0 + 1) * count * count) <= each.count }.map { brain -> Markup in
                let own = Array(each[brain * count * count..<(brain + 1) * count * count])
                let role = roles.indices.contains(brain) && !roles[brain].isEmpty ? " (\(roles[brain]))" : ""
                return Chart.markup(
                    [
                        ("kind", .text("heat")), ("names", .texts(names)), ("values", .numbers(own)),
                        ("domain", .numbers(domain)), ("compact", .bool(true)), ("title", .text("cosine similarity")),
                    ], heightPx: 170, description: "The same in brain \(brains[brain])", title: brains[brain] + role,
                    in: report)
            }
            body += Chart.row(charts, columns: 4)
        }
        let digest = try SummaryDigest(port: "area_similarity_summary", in: report)
        var blocks = [
            Figure(
                name: "Figure 2, below",
                caption: """
                    Mean cosine similarity of the features of \(name) between areas, over all brains and in each; L and R are the hemispheres. The colour \
                    scale is the same in all; a white cell has too few points. Point at a cell for its number.
                    """, body: body, sources: [source]
            ).markup(report)
        ]
        blocks += digest.blocks(report, title: "Similarity of areas")
        if let group = digest.groups.first(where: { $0.variant == main.variant }) {
            let r = digest.spread("pearson_mean", of: group)
            if r.count > 0, let paper = report.paper.text["similarity_r"] {
                findings.add(
                    "Areas are related alike in all brains: Pearson r of their similarity matrices",
                    paper: paper.text(),
                    ours: r.text(decimals: 2), holds: r.mean > 0.5 ? .shown : .notShown, section: "features")
                findings.add(
                    card: r.text(decimals: 2), "Pearson r between brains’ similarity matrices",
                    note: "\(name); paper \(paper.text())")
            }
        }
        return blocks
    }
}
