internal import HDF5
internal import StageKit

/// The feature space: UMAP in two and three dimensions (Figures 2, 7, 8) and how similar areas are (Figure 2, below).
enum EmbeddingSection {
    static func make(_ report: ReportContext, findings: inout Findings) throws -> PageSection {
        var section = PageSection(id: "features", title: "The feature space")
        section.lead = """
            Each point is a patch; UMAP lays out the network’s features so that neighbours stay neighbours. Choose what the colours say, pick one \
            group to see it alone, point at a patch for its place.
            """
        let groups = report.sorted(report.groups("embedding"))
        if groups.isEmpty {
            section.missing.append("Figures 2, 7 and 8 need <code>embedding</code>, which this run does not have.")
        }
        let limit = try report.stage.config.integer("embedding_points", in: 100...200_000)
        let main = groups.firstIndex { report.model(of: $0.variant).method == "cytonet" } ?? 0
        var others: [Markup] = []
        for (index, group) in groups.enumerated() {
            guard let source = group.sources.first else { continue }
            let figures = try figures(
                source, of: group, isMain: index == main, limit: index == main ? limit : min(limit, 4000), report)
            for figure in figures {
                if index == main {
                    section.blocks.append(figure.markup(report))
                } else {
                    others.append(figure.markup(report))
                }
            }
        }
        if !others.isEmpty {
            section.blocks.append("<details class=\"more\"><summary>The other models</summary>\(others)</details>")
        }
        let digest = try SummaryDigest(port: "embedding_summary", in: report)
        section.blocks += digest.blocks(
            report, title: "Clusters in the embedding", leavingOut: ["calinski_harabasz_brains"])
        note(digest, report, &findings)
        section.blocks += try SimilarityFigures.make(report, findings: &findings, missing: &section.missing)
        return section
    }

    /// What the projection head does, by Calinski–Harabasz indices of the two-dimensional embedding (Suppl. 7.2).
    private static func note(_ digest: SummaryDigest, _ report: ReportContext, _ findings: inout Findings) {
        guard
            let main = digest.groups.first(where: { report.model(of: $0.variant).method == "cytonet" })
                ?? digest.groups.first
        else { return }
        func index(_ space: String, _ grouping: String) -> Spread {
            digest.spread("ch_\(space)_umap2_\(grouping)", of: main)
        }
        func paper(_ high: String, _ low: String) -> (high: PaperNumbers.Score, low: PaperNumbers.Score)? {
            report.paper.text[high].flatMap { high in report.paper.text[low].map { (high, $0) } }
        }
        findings.compare(
            "Features: brains are told apart more than areas (Calinski–Harabasz)", index("features", "brain"),
            above: index("features", "area"), paper: paper("chi_brain", "chi_area"), decimals: 0, section: "features")
        findings.compare(
            "The projection head gives up brain identity (Calinski–Harabasz by brain, before against after)",
            index("features", "brain"), above: index("projection", "brain"), paper: nil, decimals: 0,
            section: "features")
        findings.compare(
            "The projection head sharpens areas (Calinski–Harabasz by area, after against before)",
            index("projection", "area"), above: index("features", "area"),
            paper: paper("chi_area_projection", "chi_area_features"), decimals: 0, section: "features")
    }

    private static func figures(
        _ source: ReportSource, of group: SeedGroup, isMain: Bool, limit: Int, _ report: ReportContext
    ) throws -> [Figure] {
        let embedding = try EmbeddedPoints(source, limit: limit)
        let name = report.words(group.variant)
        let seeds = group.sources.count > 1 ? " The first of \(group.sources.count) training seeds." : ""
        let counts =
            "\(NumberText.grouped(embedding.count)) of \(NumberText.grouped(embedding.total)) points are drawn."
        var views: [EmbeddedPoints.View] = []
        if let plain = embedding.view("/umap2", "features (backbone)") { views.append(plain) }
        if let projected = embedding.view("/projection_umap2", "after the projection head") { views.append(projected) }
        var figures: [Figure] = []
        if !views.isEmpty {
            figures.append(
                Figure(
                    name: isMain ? (views.count > 1 ? "Figures 2 and 7" : "Figure 2") : name,
                    caption: """
                        UMAP in two dimensions of the features of \(name). The paper’s Figure 2 is the view by area, its Figure 7 that by brain, area and \
                        hemisphere, before and after the projection head. \(counts)\(seeds)
                        """, body: embedding.markup(views, report), sources: [source]))
        }
        if isMain, let space = embedding.view("/umap3", "features, three dimensions") {
            figures.append(
                Figure(
                    name: "Figure 8",
                    caption: """
                        UMAP in three dimensions of the features of \(name); turn it by dragging or with the buttons. The paper colours it by hemisphere, \
                        posterior–anterior and inferior–superior place in template space.\(seeds)
                        """, body: embedding.markup([space], report, first: "Posterior–anterior (MNI y)"),
                    sources: [source]))
        }
        return figures
    }
}

/// The points of an embedding with what they can be coloured by, thinned evenly to a number that a page can draw.
struct EmbeddedPoints {
    struct View {
        var title: String
        var dimensions: Int
        var values: [Int32]
    }

    /// Points that are drawn.
    var count: Int { rows.count }
    /// Points of the file.
    let total: Int
    private let file: HDF5File
    private let rows: [Int]
    private var colourings: [(String, JSONText)] = []

    init(_ source: ReportSource, limit: Int) throws {
        let file = try HDF5File(reading: source.path)
        self.file = file
        guard let first = ["/umap2", "/umap3"].first(where: { file.contains($0) }) else {
            throw StageError(.badInput, "holds neither /umap2 nor /umap3", port: source.port, file: source.path)
        }
        let all = try file.dataset(first).shape.first ?? 0
        rows = Array(stride(from: 0, to: all, by: max(1, (all + limit - 1) / limit)))
        total = all
        try readColourings()
    }

    private mutating func readColourings() throws {
        let mni = file.contains("/mni_mm") ? try file.read("/mni_mm", as: Double.self) : nil
        if file.contains("/label") {
            let labels = try file.read("/label", as: Int.self)
            let (known, names) =
                file.contains("/areas/label")
                ? (try file.read("/areas/label", as: Int.self), try file.readTexts("/areas/name"))
                : (Array(Set(labels)).sorted(), [])
            // Areas in the order from back to front, so that neighbouring colours are neighbouring places.
            var sums = [Int: (sum: Double, count: Double)]()
            for (row, label) in labels.enumerated() {
                let place = mni.map { $0[3 * row + 1] } ?? 0
                if place.isFinite { sums[label, default: (0, 0)].sum += place }
                if place.isFinite { sums[label, default: (0, 0)].count += 1 }
            }
            func mean(_ label: Int) -> Double { sums[label].map { $0.sum / max($0.count, 1) } ?? 0 }
            let present = Set(rows.map { labels[$0] })
            let ordered = known.indices.filter { present.contains(known[$0]) }
                .sorted { (mean(known[$0]), known[$0]) < (mean(known[$1]), known[$1]) }
            var place: [Int: Int] = [:]
            for (index, area) in ordered.enumerated() { place[known[area]] = index }
            add(
                "Area", names: ordered.map { names.indices.contains($0) ? names[$0] : "\(known[$0])" },
                values: rows.map { place[labels[$0]] ?? -1 }, ordered: true)
        }
        if file.contains("/brain"), file.contains("/brains/name") {
            let brains = try file.read("/brain", as: Int.self)
            let names = try file.readTexts("/brains/name")
            let roles = file.contains("/brains/role") ? try file.readTexts("/brains/role") : []
            add(
                "Brain",
                names: names.indices.map {
                    roles.indices.contains($0) && !roles[$0].isEmpty ? "\(names[$0]) (\(roles[$0]))" : names[$0]
                }, values: rows.map { brains[$0] }, ordered: false)
        }
        if file.contains("/hemisphere") {
            let sides = try file.read("/hemisphere", as: Int.self)
            add("Hemisphere", names: ["left", "right"], values: rows.map { sides[$0] }, ordered: false)
        }
        guard let mni else { return }
        for (axis, name) in [
            (1, "Posterior–anterior (MNI y)"), (2, "Inferior–superior (MNI z)"), (0, "Left–right (MNI x)"),
        ] {
            let values = rows.map { row in
                let value = mni[3 * row + axis]
                return value.isFinite ? Int32((value * 10).rounded()) : Int32.min
            }
            colourings.append(
                (
                    name,
                    .object([
                        ("name", .text(name)), ("kind", .text("number")), ("unit", .text("mm")),
                        ("scale", .integer(10)),
                        ("values", .integers(values)),
                    ])
                ))
        }
    }

    private mutating func add(_ name: String, names: [String], values: [Int], ordered: Bool) {
        colourings.append(
            (
                name,
                .object([
                    ("name", .text(name)), ("kind", .text(ordered ? "ordered" : "group")), ("names", .texts(names)),
                    ("values", .integers(values.map { Int32(clamping: $0) })),
                ])
            ))
    }

    /// A layout of the points in whole numbers: the middle 99 % of them lie between −2,000 and 2,000 along their longest side; nil
    /// where the file has none. A few points far off would else make all others one dot; the reader finds them by zooming out.
    func view(_ path: String, _ title: String) -> View? {
        guard file.contains(path), let dataset = try? file.dataset(path), dataset.shape.count == 2,
            dataset.shape[0] == total, let values = try? dataset.read(as: Double.self)
        else { return nil }
        let dimensions = dataset.shape[1]
        let ranges = (0..<dimensions).map { axis -> (low: Double, high: Double) in
            let sorted = (0..<total).map { values[$0 * dimensions + axis] }.filter(\.isFinite).sorted()
            guard let last = sorted.indices.last else { return (0, 1) }
            let cut = last / 200
            return (sorted[cut], sorted[last - cut])
        }
        let side = max(ranges.map { $0.high - $0.low }.max() ?? 1, 1e-9)
        let scaled = rows.flatMap { row in
            (0..<dimensions).map { axis -> Int32 in
                let value = values[row * dimensions + axis]
                let middle = (ranges[axis].low + ranges[axis].high) / 2
                // Nothing is further off than the page can zoom out to.
                return value.isFinite ? Int32(min(max((value - middle) / side * 4000, -9000), 9000).rounded()) : 0
            }
        }
        return View(title: title, dimensions: dimensions, values: scaled)
    }

    /// The views beside each other under one choice of colours.
    func markup(_ views: [View], _ report: ReportContext, first: String? = nil) -> Markup {
        let name = report.nextChart()
        let chosen = first.flatMap { first in colourings.firstIndex { $0.0 == first } } ?? 0
        let plots = views.indices.map { index -> Markup in
            let view = views[index]
            return """
                <div class="chart"><h4>\(view.title)</h4><div class="plot square" data-view="\(index)" role="img" \
                aria-label="\("UMAP of \(count) patches, \(view.title); coloured by \(colourings.map(\.0).joined(separator: ", "))")"></div></div>
                """
        }
        let json = JSONText.object([
            ("kind", .text("scatter")), ("count", .integer(count)), ("chosen", .integer(chosen)),
            (
                "views",
                .list(
                    views.map {
                        .object([("dimensions", .integer($0.dimensions)), ("values", .integers($0.values))])
                    })
            ),
            ("colourings", .list(colourings.map(\.1))),
        ])
        return """
            <div class="scatter" id="\(name)"><div class="toolbar"></div>\(Chart.row(plots, columns: 2))<div class="key-list"></div>\
            <script type="application/json" data-for="\(name)">\(Markup(trusted: json.written))</script></div>
            """
    }
}
