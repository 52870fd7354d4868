internal import HDF5
internal import NDArray
internal import StageKit

/// Segmentation of cortical layers: Figure 6A, 6B and Table 7.
enum LayersSection {
    /// Scores of one variant over fractions of the training set; all folds of all seeds.
    private struct Scores {
        var group: SeedGroup
        var strategy: String
        /// Ascending.
        var fractions: [Double] = []
        var values: [Double: [Double]] = [:]

        func spread(_ fraction: Double) -> Spread { Spread(values[fraction] ?? []) }
    }

    static func make(_ report: ReportContext, findings: inout Findings) throws -> PageSection {
        var section = PageSection(id: "layers", title: "Layer segmentation")
        let scores = try report.sorted(report.groups("layer_segmentation")).map { try read($0) }
        guard !scores.isEmpty else {
            section.missing.append(
                "Figure 6A, 6B and Table 7 need <code>layer-segmentation</code>, which this run does not have.")
            return section
        }
        section.lead = """
            A linear map on the network’s feature map names the layer at every place of a patch: six layers and background, trained on a part of the \
            training patches. Macro-F1 on test patches, mirror padding left out.
            """
        section.blocks.append(figure6A(scores, report).markup(report))
        if let figure = try figure6B(scores, report) { section.blocks.append(figure.markup(report)) }
        section.blocks.append(table7(scores, report).markup(report))
        section.blocks += try SummaryDigest(port: "layer_segmentation_summary", in: report)
            .foldedBlocks(report, title: "Layer segmentation")
        note(scores, report, &findings)
        return section
    }

    private static func read(_ group: SeedGroup) throws -> Scores {
        var scores = Scores(group: group, strategy: "linear-probe")
        for source in group.sources {
            let file = try HDF5File(reading: source.path)
            if let named = group.variant["strategy"] {
                scores.strategy = named
            } else if file.hasAttribute("strategy") {
                scores.strategy = try file.textAttribute("strategy")
            }
            if file.hasAttribute("start") {
                scores.group.variant = scores.group.variant.with(start: try file.textAttribute("start"))
            }
            let fractions = try file.read("/fraction", as: Double.self)
            let values = try file.read("/macro_f1", as: Double.self)
            guard !fractions.isEmpty, values.count % fractions.count == 0 else {
                throw StageError(.badInput, "/macro_f1 does not fit /fraction", port: source.port, file: source.path)
            }
            let folds = values.count / fractions.count
            for (index, fraction) in fractions.enumerated() {
                scores.values[fraction, default: []] += values[index * folds..<(index + 1) * folds]
            }
        }
        scores.fractions = scores.values.keys.sorted()
        return scores
    }

    private static func name(_ scores: Scores, _ report: ReportContext) -> String {
        let words = report.words(scores.group.variant.without(["strategy"]))
        return scores.strategy == "finetune" ? words + ", finetuned" : words
    }

    private static func paper(_ scores: Scores, _ fraction: Double, _ report: ReportContext) -> PaperNumbers.Score? {
        let model = report.model(of: scores.group.variant)
        let row = PaperNumbers.find(
            report.paper.layers, model.paperRow, scores.strategy, key(fraction))
        // From scratch the paper only finetunes.
        return row
            ?? (model.method == "scratch"
                ? PaperNumbers.find(report.paper.layers, model.paperRow, "finetune", key(fraction)) : nil)
    }

    private static func key(_ fraction: Double) -> String {
        ["0.01", "0.05", "0.1", "0.2", "1"].first { abs((Double($0) ?? 0) - fraction) < 1e-6 } ?? "\(fraction)"
    }

    private static func figure6A(_ scores: [Scores], _ report: ReportContext) -> Figure {
        func series(_ kind: String, _ value: (Scores, Double) -> (Double, Double?)?) -> [JSONText] {
            scores.compactMap { scores in
                let points = scores.fractions.compactMap { fraction -> JSONText? in
                    value(scores, fraction).map { point in
                        .list([.number(100 * fraction), .number(point.0), point.1.map { .number($0) } ?? .null])
                    }
                }
                guard !points.isEmpty else { return nil }
                return .object([
                    ("name", .text(name(scores, report))),
                    ("place", .integer(report.place(of: report.model(of: scores.group.variant)))),
                    ("dash", .bool(scores.strategy == "finetune")), ("points", .list(points)),
                ])
            }
        }
        let charts = [
            (
                "this run",
                series("ours") { scores, fraction in
                    let spread = scores.spread(fraction)
                    return spread.count > 0 ? (spread.mean, spread.deviation) : nil
                }
            ),
            ("paper (Table 7)", series("paper") { paper($0, $1, report).map { ($0.mean, $0.deviation) } }),
        ].filter { !$0.1.isEmpty }.map { title, series in
            Chart.markup(
                [
                    ("kind", .text("lines")), ("x", .text("training patches (%)")), ("y", .text("macro-F1")),
                    ("log", .bool(true)), ("marks", .bool(true)), ("domain", .numbers([0, 1])),
                    ("series", .list(series)),
                ], heightPx: 330,
                description:
                    "Macro-F1 of layer segmentation against the share of training patches, \(title); the numbers are in Table 7",
                title: title, in: report)
        }
        return Figure(
            name: "Figure 6A",
            caption:
                "Macro-F1 of layer segmentation against the share of training patches: mean and standard deviation over folds (and seeds, where there are several); dashed lines are finetuned.",
            body: Chart.row(charts, columns: 2), sources: scores.flatMap(\.group.sources))
    }

    private static func table7(_ scores: [Scores], _ report: ReportContext) -> Figure {
        let fractions = Set(scores.flatMap(\.fractions)).sorted()
        var table = PageTable(
            columns: ["model", "paper’s model"] + fractions.map { NumberText.short(100 * $0) + "\u{202F}%" })
        for strategy in ["linear-probe", "finetune"] {
            let own = scores.filter { $0.strategy == strategy }
            guard !own.isEmpty else { continue }
            table.groups[table.rows.count] = strategy == "finetune" ? "finetuning" : "linear probe"
            for scores in own {
                table.rows.append(
                    [
                        .text(report.words(scores.group.variant.without(["strategy"]))),
                        .text(report.model(of: scores.group.variant).paperRow ?? "–"),
                    ]
                        + fractions.map { fraction in
                            .compared(
                                scores.spread(fraction).text(decimals: 2),
                                paper: paper(scores, fraction, report)?.text())
                        })
            }
        }
        return Figure(
            name: "Table 7",
            caption:
                "Macro-F1 of layer segmentation by model and share of the training patches; below each figure (◇) that of the paper’s Table 7, on 184 test patches of human cortex.",
            body: table.markup, sources: scores.flatMap(\.group.sources), isTable: true)
    }

    /// Input, true layers, and what CytoNet and training from scratch find with more and more patches.
    private static func figure6B(_ scores: [Scores], _ report: ReportContext) throws -> Figure? {
        func first(_ method: String) -> Scores? {
            scores.first { report.model(of: $0.group.variant).method == method }
        }
        var parts: [Markup] = []
        var sources: [ReportSource] = []
        for scores in [first("scratch"), first("cytonet")].compactMap({ $0 }) {
            guard let source = scores.group.sources.first else { continue }
            let file = try HDF5File(reading: source.path)
            guard file.contains("/example/predicted"), file.contains("/example/pixels"), file.contains("/example/true"),
                let picture = try examples(file)
            else { continue }
            let fractions = try file.read("/fraction", as: Double.self).map { NumberText.short(100 * $0) + "\u{202F}%" }
            let words =
                "image, true layers, then found with \(fractions.joined(separator: ", ")) of the training patches"
            guard
                let image = try report.pictures.image(
                    picture, alternative: "\(name(scores, report)), from left to right: \(words)", isPixelated: true)
            else { continue }
            parts.append(
                "<div class=\"chart\"><h4>\(name(scores, report))</h4><button class=\"zoom\" type=\"button\">\(image)</button><p class=\"note\">\(words)</p></div>"
            )
            sources.append(source)
        }
        guard !parts.isEmpty else { return nil }
        return Figure(
            name: "Figure 6B",
            caption:
                "Layers of test patches, a row each. Layer I to VI from dark to light, background white, gray where nothing is scored.",
            body: Chart.row(parts, columns: 2), sources: sources)
    }

    private static func examples(_ file: HDF5File) throws -> Image<RGB>? {
        let shape = try file.dataset("/example/predicted").shape
        let pixelShape = try file.dataset("/example/pixels").shape
        guard shape.count == 4, pixelShape.count == 3, pixelShape[0] == shape[1] else { return nil }
        let (fractions, count, side) = (shape[0], shape[1], pixelShape[1])
        let pixels = try file.read("/example/pixels", as: UInt8.self)
        let truth = try file.read("/example/true", as: UInt8.self)
        let found = try file.read("/example/predicted", as: UInt8.self)
        let (mapRows, mapColumns) = (shape[2], shape[3])
        let mapSize = mapRows * mapColumns
        // Maps are coarser than the patch: each place as the square that it stands for.
        func map(_ values: ArraySlice<UInt8>) -> Image<RGB> {
            let values = Array(values)
            return Image(
                rows: side, columns: side,
                elements: (0..<side * side).map { pixel in
                    let (row, column) = (pixel / side * mapRows / side, pixel % side * mapColumns / side)
                    return LayerColours.colour(values[row * mapColumns + column])
                })
        }
        let rows = (0..<min(count, 4)).map { example -> [Image<RGB>?] in
            let gray = Image(
                rows: side, columns: side,
                elements: pixels[example * side * side..<(example + 1) * side * side].map { RGB(gray: $0) })
            return [gray, map(truth[example * mapSize..<(example + 1) * mapSize])]
                + (0..<fractions).map { fraction in
                    let start = (fraction * count + example) * mapSize
                    return map(found[start..<start + mapSize])
                }
        }
        return tiled(rows, gap: 3)
    }

    private static func note(_ scores: [Scores], _ report: ReportContext, _ findings: inout Findings) {
        func first(_ method: String) -> Scores? {
            scores.first {
                let model = report.model(of: $0.group.variant)
                return model.method == method && model.plain == method
            }
        }
        guard let main = first("cytonet"), let least = main.fractions.first else { return }
        let share = NumberText.short(100 * least) + "\u{202F}%"
        findings.add(
            card: main.spread(least).text(decimals: 2), "layers, macro-F1 with \(share) of the patches",
            note: "\(name(main, report)), linear probe"
                + (paper(main, least, report).map { "; paper \($0.text())" } ?? ""))
        for (method, label) in [("scratch", "training from scratch"), ("simclr", "SimCLR")] {
            guard let other = first(method), other.fractions.contains(least) else { continue }
            findings.compare(
                "Layers, \(share) of the patches: CytoNet above \(label) (macro-F1)", main.spread(least),
                above: other.spread(least),
                paper: paper(main, least, report).flatMap { high in paper(other, least, report).map { (high, $0) } },
                section: "layers")
        }
    }
}
