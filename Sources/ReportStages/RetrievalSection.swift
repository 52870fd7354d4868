internal import HDF5
internal import NDArray
internal import StageKit

/// Patches and their nearest neighbours in the feature space: Figure 10.
enum RetrievalSection {
    static func make(_ report: ReportContext, findings: inout Findings) throws -> PageSection {
        var section = PageSection(id: "retrieval", title: "Retrieval")
        let groups = report.sorted(report.groups("retrieval"))
        let digest = try SummaryDigest(port: "retrieval_summary", in: report)
        guard !groups.isEmpty || !digest.isEmpty else {
            section.missing.append("Figure 10 needs <code>retrieval</code>, which this run does not have.")
            return section
        }
        section.lead = """
            The patches whose features are most similar to those of a query, by cosine similarity. A network that learned shortcuts finds the same \
            stain, vessels or folding; one that learned the cortex finds the same area.
            """
        // The paper shows SimCLR; beside CytoNet it says more.
        let shown = ["cytonet", "simclr"].compactMap { method in
            groups.first { report.model(of: $0.variant).method == method }
        }
        let parts = try (shown.isEmpty ? Array(groups.prefix(1)) : shown).compactMap {
            group -> (Markup, ReportSource)? in
            guard let source = group.sources.first else { return nil }
            return try sheet(source, name: report.words(group.variant), report).map { ($0, source) }
        }
        if !parts.isEmpty {
            section.blocks.append(
                Figure(
                    name: "Figure 10",
                    caption: """
                        Left, the query; to the right its nearest patches from elsewhere. The area stands below each patch with its brain; ✓ marks the \
                        query’s own area. The paper shows SimCLR (200k) here.
                        """, body: parts.map(\.0).joined(), sources: parts.map(\.1)
                ).markup(report))
        }
        section.blocks += digest.blocks(report, title: "Retrieval", leavingOut: ["retrieved"])
        func group(_ method: String) -> SummaryDigest.Group? {
            digest.groups.first { report.model(of: $0.variant).plain == method }
        }
        if let main = group("cytonet"), let other = group("simclr") {
            findings.compare(
                "Retrieval: neighbours are of the same area more often with CytoNet than with SimCLR (share)",
                digest.spread("same_area_share", of: main), above: digest.spread("same_area_share", of: other),
                paper: nil, section: "retrieval")
        }
        return section
    }

    private static func sheet(_ source: ReportSource, name: String, _ report: ReportContext) throws -> Markup? {
        let file = try HDF5File(reading: source.path)
        guard file.contains("/query_pixels"), file.contains("/neighbour_pixels") else { return nil }
        let shape = try file.dataset("/neighbour_pixels").shape
        guard shape.count == 4 else { return nil }
        let (count, width, side) = (min(shape[0], 4), min(shape[1], 4), shape[2])
        let names = Dictionary(
            zip(try file.read("/areas/label", as: Int.self), try file.readTexts("/areas/name")),
            uniquingKeysWith: { first, _ in first })
        let brains = try file.readTexts("/brains/name")
        let (queryLabel, queryBrain) = (
            try file.read("/query_label", as: Int.self), try file.read("/query_brain", as: Int.self)
        )
        let label = try file.read("/neighbour_label", as: Int.self)
        let brain = try file.read("/neighbour_brain", as: Int.self)
        let similarity = try file.read("/similarity", as: Double.self)
        func tile(_ path: String, at start: [Int], _ words: String) throws -> Markup {
            let pixels = try file.dataset(path).read(
                at: start, shape: start.dropLast(2).map { _ in 1 } + [side, side], as: UInt8.self)
            let picture = Image(rows: side, columns: side, elements: pixels.map { RGB(gray: $0) })
            return try report.pictures.image(picture, alternative: words, isPixelated: true) ?? .empty
        }
        func brainName(_ index: Int) -> String { brains.indices.contains(index) ? brains[index] : "?" }
        var rows: [Markup] = []
        for query in 0..<count {
            let own = names[queryLabel[query]] ?? "no area"
            var cells: [Markup] = [
                "<div class=\"query\">\(try tile("/query_pixels", at: [query, 0, 0], "query of area \(own)"))<p><b>\(own)</b><br>\(brainName(queryBrain[query]))</p></div>"
            ]
            for place in 0..<width {
                let index = query * shape[1] + place
                guard brain[index] >= 0 else { continue }
                let area = names[label[index]] ?? "no area"
                let mark = label[index] == queryLabel[query] ? "✓ " : ""
                let image = try tile(
                    "/neighbour_pixels", at: [query, place, 0, 0], "neighbour \(place + 1) of the query: area \(area)")
                cells.append(
                    "<div>\(image)<p>\(mark)\(area)<br>\(brainName(brain[index])), \(NumberText.fixed(similarity[index], 2))</p></div>"
                )
            }
            rows.append("<div class=\"retrieved\">\(cells)</div>")
        }
        return "<h4>\(name)</h4>\(rows)"
    }
}
