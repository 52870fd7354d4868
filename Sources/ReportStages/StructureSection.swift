internal import HDF5
internal import StageKit

/// Structure predicted from features, beside intensity profiles: Figure 4.
enum StructureSection {
    /// One artifact's scores: R² by input, number of components, target and fold.
    private struct Scores {
        var inputs: [String]
        var components: [Int]
        var targets: [String]
        var folds: Int
        var r2: [Double]

        init(_ source: ReportSource) throws {
            let file = try HDF5File(reading: source.path)
            let dataset = try file.dataset("/r2")
            inputs = try file.readTexts("/inputs")
            components = try file.read("/components", as: Int.self)
            targets = try file.readTexts("/targets")
            guard dataset.shape.count == 4,
                Array(dataset.shape.prefix(3)) == [inputs.count, components.count, targets.count]
            else {
                throw StageError(
                    .badInput, "/r2 is not (inputs, components, targets, folds)", port: source.port, file: source.path)
            }
            folds = dataset.shape[3]
            r2 = try dataset.read(as: Double.self)
        }

        func values(_ input: Int, _ components: Int, _ target: Int) -> ArraySlice<Double> {
            let start = ((input * self.components.count + components) * targets.count + target) * folds
            return r2[start..<start + folds]
        }
    }

    static func make(_ report: ReportContext, findings: inout Findings) throws -> PageSection {
        var section = PageSection(id: "structure", title: "Structure from features")
        section.lead = """
            Linear models predict measured properties of the cortex from principal components of the features, and from intensity profiles across the \
            cortex (the classical baseline): R² on held-out folds. A value below 0 is worse than the mean.
            """
        // Brains are repeats here: the paper has one.
        let groups = report.sorted(
            SeedGroup.grouped(report.sources("structural_prediction"), seedAxes: report.seedAxes + ["brain"]))
        let main = groups.first { report.model(of: $0.variant).method == "cytonet" } ?? groups.first
        if let main {
            let scores = try main.sources.map { try Scores($0) }
            section.blocks.append(figure4A(scores, main, report, &findings).markup(report))
            if let figure = try figure4B(main, report) { section.blocks.append(figure.markup(report)) }
            if let figure = try figure4C(main, report) { section.blocks.append(figure.markup(report)) }
        } else {
            section.missing.append("Figure 4 needs <code>structural-prediction</code>, which this run does not have.")
        }
        let digest = try SummaryDigest(port: "structural_prediction_summary", in: report)
        section.blocks += digest.foldedBlocks(
            report, title: "Structural prediction", leavingOut: ["structural_prediction"])
        let check = try SummaryDigest(port: "structure_check", repeats: ["brain"], in: report)
        section.blocks += check.blocks(report, title: "Structure against the truth")
        if check.isEmpty {
            section.missing.append("Measured structure is not held against a truth: no <code>structure-check</code>.")
        }
        return section
    }

    private static func figure4A(
        _ scores: [Scores], _ group: SeedGroup, _ report: ReportContext, _ findings: inout Findings
    ) -> Figure {
        var targets: [String] = []
        var inputs: [String] = []
        for score in scores {
            targets += score.targets.filter { !targets.contains($0) }
            inputs += score.inputs.filter { !inputs.contains($0) }
        }
        func spread(_ input: String, _ components: Int, _ target: String) -> Spread {
            Spread(
                scores.flatMap { score -> [Double] in
                    guard let input = score.inputs.firstIndex(of: input),
                        let place = score.components.firstIndex(of: components),
                        let target = score.targets.firstIndex(of: target)
                    else { return [] }
                    return Array(score.values(input, place, target))
                })
        }
        let components = Set(scores.flatMap(\.components)).filter { $0 > 0 }.sorted()
        var table = PageTable(columns: ["property"] + inputs.map { "\($0), best R²" } + inputs.map { "\($0), raw R²" })
        var better = 0
        var compared = 0
        let charts = targets.map { target -> Markup in
            var words: [String] = []
            var best: [Double] = []
            let series = inputs.enumerated().compactMap { place, input -> JSONText? in
                let points = components.map { ($0, spread(input, $0, target)) }.filter { $0.1.count > 0 }
                if let top = points.max(by: { $0.1.mean < $1.1.mean }) {
                    best.append(top.1.mean)
                    words.append("\(input) \(NumberText.fixed(top.1.mean, 2)) with \(top.0) components")
                } else {
                    best.append(.nan)
                }
                guard !points.isEmpty else { return nil }
                return .object([
                    ("name", .text(input)), ("place", .integer(place)), ("dash", .bool(place > 0)),
                    (
                        "points",
                        .list(
                            points.map { components, spread in
                                .list([
                                    .integer(components), .number(spread.mean),
                                    spread.deviation.map { .number($0) } ?? .null,
                                ])
                            })
                    ),
                ])
            }
            if best.count > 1, best[0].isFinite, best[1].isFinite {
                compared += 1
                if best[0] > best[1] { better += 1 }
            }
            table.rows.append(
                [.text(NumberText.words(target))] + best.map { .number(NumberText.fixed($0, 2)) }
                    + inputs.map { .number(spread($0, 0, target).text(decimals: 2)) })
            return Chart.markup(
                [
                    ("kind", .text("lines")), ("x", .text("components")), ("y", .text("R²")), ("log", .bool(true)),
                    ("marks", .bool(true)), ("legend", .bool(false)), ("series", .list(series)),
                ], heightPx: 200, description: "R² of \(NumberText.words(target)): " + words.joined(separator: "; "),
                title: NumberText.words(target), in: report)
        }
        if compared > 0 {
            findings.add(
                "Features predict structure better than intensity profiles (best R² by property)",
                paper: "all properties",
                ours: "\(better) of \(compared) properties",
                holds: better == compared ? .shown : 2 * better > compared ? .partly : .notShown, section: "structure")
        }
        return Figure(
            name: "Figure 4A",
            caption: """
                R² of each property against the number of principal components, for \(report.words(group.variant)) and for intensity profiles: mean and \
                standard deviation over folds\(group.sources.count > 1 ? " and runs" : ""). Raw: all inputs without projection; – where there are too \
                few rows for so many inputs.
                """, body: Legend.curves(inputs) + Chart.row(charts, columns: 4) + table.markup, sources: group.sources)
    }

    private static func figure4B(_ group: SeedGroup, _ report: ReportContext) throws -> Figure? {
        guard let source = group.sources.first else { return nil }
        let file = try HDF5File(reading: source.path)
        guard file.contains("/attribution") else { return nil }
        let dataset = try file.dataset("/attribution")
        let targets = try file.readTexts("/targets").map(NumberText.words)
        guard dataset.shape.count == 3, dataset.shape[0] > 0, dataset.shape[1] == targets.count else { return nil }
        let count = dataset.shape[2]
        let values = try dataset.read(at: [0, 0, 0], shape: [1, targets.count, count], as: Double.self).map(abs)
        guard let largest = values.filter(\.isFinite).max(), largest > 0 else { return nil }
        let chart = Chart.markup(
            [
                ("kind", .text("heat")), ("names", .texts(targets)), ("columns", .texts((1...count).map { "\($0)" })),
                ("values", .numbers(values)), ("domain", .numbers([0, largest])), ("title", .text("attribution")),
            ], heightPx: 110 + 22 * targets.count,
            description: "Absolute attribution of \(targets.count) properties to the first \(count) components",
            in: report)
        return Figure(
            name: "Figure 4B",
            caption:
                "How much each principal component of the features says of each property: absolute coefficient of the linear model, times the component’s standard deviation over the property’s.",
            body: chart, sources: [source])
    }

    private static func figure4C(_ group: SeedGroup, _ report: ReportContext) throws -> Figure? {
        guard let source = group.sources.first else { return nil }
        let file = try HDF5File(reading: source.path)
        guard file.contains("/explained_variance") else { return nil }
        var charts: [Markup] = []
        for tissue in try file.children(of: "/explained_variance") {
            let inputs = try file.children(of: "/explained_variance/\(tissue)")
            let series = try inputs.enumerated().map { place, input -> JSONText in
                // The artifact has running sums.
                let sums = try file.read("/explained_variance/\(tissue)/\(input)", as: Double.self)
                let points = sums.enumerated().filter { $0.offset < 64 || $0.offset % 8 == 0 }
                return .object([
                    ("name", .text(input)), ("place", .integer(place)), ("dash", .bool(place > 0)),
                    ("points", .list(points.map { .numbers([Double($0.offset + 1), $0.element]) })),
                ])
            }
            charts.append(
                Chart.markup(
                    [
                        ("kind", .text("lines")), ("x", .text("components")), ("y", .text("share of the variance")),
                        ("domain", .numbers([0, 1])), ("series", .list(series)),
                    ], heightPx: 260, description: "Share of variance in the first components, of \(tissue)",
                    title: NumberText.words(tissue), in: report))
        }
        guard !charts.isEmpty else { return nil }
        return Figure(
            name: "Figure 4C",
            caption: "Share of the inputs’ variance that the first principal components hold together.",
            body: Chart.row(charts, columns: 2), sources: [source])
    }
}
