internal import HDF5
internal import StageKit

/// Area classification: the paper's Figure 5 and Tables 5 and 6, and scores against the number of labels.
enum ClassificationSection {
    static func make(_ report: ReportContext, findings: inout Findings) throws -> PageSection {
        var section = PageSection(id: "areas", title: "Area classification")
        let sources = report.sources("area_classification") + report.sources("area_finetuning")
        let scores = try ClassificationScores(sources, in: report)
        guard !scores.isEmpty else {
            section.missing.append(
                "Figure 5 and Table 5 need <code>area-classification</code> or <code>area-finetuning</code>; this run has neither."
            )
            return section
        }
        section.lead = """
            A linear classifier on frozen features (linear probing), or the whole network trained on (finetuning), names the cortical area of a \
            patch. <b>Seen</b>: test sections of brains whose other sections have labels; <b>transfer</b>: brains that were in pretraining, without \
            labels; <b>unseen</b>: brains that were in neither. \(runsSentence(scores.mostRuns))
            """
        let allRows = sortedRows(scores, report)
        let rows = scores.withAllLabels(allRows)
        section.blocks.append(figure5A(scores, rows, report).markup(report))
        section.blocks.append(table5(scores, rows, report).markup(report))
        section.blocks.append(paperTable(report))
        section.blocks += try ErrorFigures.make(scores, rows: rows, report: report, findings: &findings)
        section.blocks += [labelsFigure(scores, allRows, report), labelsTable(scores, allRows, report)].compactMap {
            $0?.markup(report)
        }
        if let table = try table6(scores, rows, report) {
            section.blocks.append(table.markup(report))
        } else {
            section.missing.append(
                "Table 6 needs scores with each brain in turn as the transfer brain; no classifier of this run has them."
            )
        }
        for (port, title) in [
            ("area_classification_summary", "Linear probes"), ("area_finetuning_summary", "Finetuned networks"),
        ] {
            section.blocks += try SummaryDigest(port: port, in: report).foldedBlocks(report, title: title)
        }
        findings.take(scores, rows: rows, report: report)
        findings.takeFewLabels(scores, rows: allRows, report: report)
        return section
    }

    static func runsSentence(_ runs: Int) -> Markup {
        runs > 1
            ? "Figures are mean ± standard deviation over \(runs) trainings with different seeds."
            : "One training seed: no spread is given."
    }

    typealias Row = (variant: Variant, form: String)

    private static func sortedRows(_ scores: ClassificationScores, _ report: ReportContext) -> [Row] {
        scores.rows.enumerated().sorted {
            (report.place(of: report.model(of: $0.element.variant)), $0.offset)
                < (report.place(of: report.model(of: $1.element.variant)), $1.offset)
        }.map(\.element)
    }

    static func name(_ row: Row, _ report: ReportContext) -> String {
        let words = report.words(row.variant)
        return row.form.isEmpty ? words : "\(words) \(letter(row) ?? row.form)"
    }

    /// The paper's letter for a form: P for the projection head.
    private static func letter(_ row: Row) -> String? {
        row.form.hasPrefix("proj") ? "P" : row.form.count == 1 ? row.form.uppercased() : nil
    }

    static func paperModel(_ row: Row, _ report: ReportContext) -> String? {
        guard let name = report.model(of: row.variant).paperRow else { return nil }
        let full = row.form.isEmpty ? name : letter(row).map { "\(name) \($0)" }
        return full.flatMap { full in report.paper.classification.contains { $0.keys[1] == full } ? full : nil }
    }

    private static func figure5A(_ scores: ClassificationScores, _ rows: [Row], _ report: ReportContext) -> Figure {
        let charts = scores.sets.map { set -> Markup in
            var marks: [JSONText] = []
            var words: [String] = []
            for row in rows {
                for strategy in ClassificationRun.Strategy.allCases {
                    guard let kind = scores.kind(row, strategy) else { continue }
                    let spread = scores.spread(kind, set, "macro_f1")
                    guard spread.count > 0 else { continue }
                    let name = name(row, report)
                    words.append("\(name) \(strategy.shown) \(spread.text(decimals: 2))")
                    marks.append(
                        .object([
                            ("row", .text(name)), ("sub", .text(strategy.shown)), ("value", .number(spread.mean)),
                            ("sd", spread.deviation.map { .number($0) } ?? .null), ("n", .integer(spread.count)),
                            ("place", .integer(report.place(of: report.model(of: row.variant)))),
                        ]))
                    if let model = paperModel(row, report),
                        let paper = PaperNumbers.find(
                            report.paper.classification, set, model, strategy.rawValue, "macro_f1")
                    {
                        marks.append(
                            .object([
                                ("row", .text(name)), ("sub", .text(strategy.shown)), ("value", .number(paper.mean)),
                                ("sd", paper.deviation.map { .number($0) } ?? .null), ("paper", .text(model)),
                                ("place", .integer(report.place(of: report.model(of: row.variant)))),
                            ]))
                    }
                }
            }
            let strategies = ClassificationRun.Strategy.allCases.filter { strategy in
                rows.contains { scores.kind($0, strategy) != nil }
            }
            return Chart.markup(
                [
                    ("kind", .text("dots")), ("rows", .texts(rows.map { name($0, report) })),
                    ("subs", .texts(strategies.map(\.shown))), ("x", .text("macro-F1")),
                    ("domain", .numbers([0, 1])), ("marks", .list(marks)),
                ], heightPx: 60 + rows.count * (strategies.count > 1 ? 46 : 34),
                description: "Macro-F1 on \(set) brains: " + words.joined(separator: "; "), title: "\(set) brains",
                in: report)
        }
        let sources = rows.flatMap { row in
            ClassificationRun.Strategy.allCases.compactMap { scores.kind(row, $0) }.flatMap {
                scores.runs($0).map(\.source)
            }
        }
        return Figure(
            name: "Figure 5A",
            caption: """
                Macro-F1 of area classification. Filled marks are this run’s, with the standard deviation over training seeds where there are several; \
                hollow diamonds are the paper’s for the model named beside Table 5, on 113 areas of ten human brains: compare the order of the models, \
                not the level.
                """,
            body: Legend.marks(hasPaper: true, strategies: scores.kinds.contains { $0.strategy == .finetune })
                + Chart.row(charts), sources: sources)
    }

    private static func table5(_ scores: ClassificationScores, _ rows: [Row], _ report: ReportContext) -> Figure {
        let strategies = ClassificationRun.Strategy.allCases.filter { strategy in
            rows.contains { scores.kind($0, strategy) != nil }
        }
        let metricNames = ["macro-F1", "top-1", "top-3"]
        var table = PageTable(
            columns: ["model", "paper’s model"]
                + strategies.flatMap { strategy in metricNames.map { "\(strategy.shown): \($0)" } })
        var sources: [ReportSource] = []
        for set in scores.sets {
            table.groups[table.rows.count] = "\(set) brains"
            for row in rows {
                let paperModel = paperModel(row, report)
                var cells: [PageTable.Cell] = [.text(name(row, report)), .text(paperModel ?? "–")]
                for strategy in strategies {
                    guard let kind = scores.kind(row, strategy) else {
                        cells += ClassificationRun.metrics.map { _ in .number("–") }
                        continue
                    }
                    sources += scores.runs(kind).map(\.source).filter { !sources.contains($0) }
                    for metric in ClassificationRun.metrics {
                        let paper = PaperNumbers.find(
                            report.paper.classification, set, paperModel, strategy.rawValue, metric)
                        cells.append(
                            .compared(scores.spread(kind, set, metric).text(decimals: 2), paper: paper?.text()))
                    }
                }
                table.rows.append(cells)
            }
        }
        return Figure(
            name: "Table 5",
            caption:
                "Area classification by model, set of brains, and way of training; below each figure (◇) that of the paper’s Table 5. P: the classifier stands on the projection head’s output.",
            body: table.markup, sources: sources, isTable: true)
    }

    private static func paperTable(_ report: ReportContext) -> Markup {
        let strategies = ClassificationRun.Strategy.allCases
        var table = PageTable(
            columns: ["model"]
                + strategies.flatMap { strategy in ["macro-F1", "top-1", "top-3"].map { "\(strategy.shown): \($0)" } })
        var models: [String] = []
        for row in report.paper.classification where !models.contains(row.keys[1]) { models.append(row.keys[1]) }
        for set in ClassificationRun.setOrder {
            table.groups[table.rows.count] = set == "seen" ? "seen brains" : "\(set) brain"
            for model in models {
                table.rows.append(
                    [.text(model)]
                        + strategies.flatMap { strategy in
                            ClassificationRun.metrics.map { metric in
                                .number(
                                    PaperNumbers.find(
                                        report.paper.classification, set, model, strategy.rawValue, metric)?.text()
                                        ?? "–")
                            }
                        })
            }
        }
        return
            "<details class=\"more\"><summary>The paper’s Table 5 in full (113 areas, eight seen brains, one transfer, one unseen)</summary>\(table.markup)</details>"
    }

    /// Scores against the number of labels, where the run has several.
    private static func labelsFigure(_ scores: ClassificationScores, _ rows: [Row], _ report: ReportContext) -> Figure?
    {
        let counts = Set(scores.kinds.compactMap(\.labelsPerArea))
        guard counts.count > 1 else { return nil }
        var sources: [ReportSource] = []
        let charts = scores.sets.map { set -> Markup in
            var series: [JSONText] = []
            for row in rows {
                for strategy in ClassificationRun.Strategy.allCases {
                    let kinds = scores.kinds.filter {
                        $0.variant == row.variant && $0.form == row.form && $0.strategy == strategy
                            && $0.labelsPerArea != nil
                    }.sorted { ($0.labelsPerArea ?? 0) < ($1.labelsPerArea ?? 0) }
                    guard kinds.count > 1 else { continue }
                    let points = kinds.map { kind -> JSONText in
                        let spread = scores.spread(kind, set, "macro_f1")
                        sources += scores.runs(kind).map(\.source).filter { !sources.contains($0) }
                        return .list([
                            .integer(kind.labelsPerArea ?? 0), .number(spread.mean),
                            spread.deviation.map { .number($0) } ?? .null,
                        ])
                    }
                    let name = name(row, report) + (strategy == .finetune ? ", finetuned" : "")
                    series.append(
                        .object([
                            ("name", .text(name)), ("place", .integer(report.place(of: report.model(of: row.variant)))),
                            ("dash", .bool(strategy == .finetune)), ("points", .list(points)),
                        ]))
                }
            }
            return Chart.markup(
                [
                    ("kind", .text("lines")), ("x", .text("labels an area")), ("y", .text("macro-F1")),
                    ("log", .bool(true)), ("marks", .bool(true)), ("series", .list(series)),
                ], heightPx: 300, description: "Macro-F1 on \(set) brains against the number of labels an area",
                title: "\(set) brains", in: report)
        }
        return Figure(
            name: "Labels",
            caption: "Macro-F1 against the number of distinct labels an area: how far pretraining replaces labels.",
            body: Chart.row(charts), sources: sources)
    }

    /// Scores with few labels beside those with all, where the run has both.
    private static func labelsTable(_ scores: ClassificationScores, _ rows: [Row], _ report: ReportContext) -> Figure? {
        let counts = Set(scores.kinds.map { $0.labelsPerArea ?? .max }).sorted()
        guard counts.count > 1 else { return nil }
        var table = PageTable(columns: ["model"] + counts.map { $0 == .max ? "all labels" : "\($0) labels an area" })
        var sources: [ReportSource] = []
        for set in scores.sets {
            table.groups[table.rows.count] = "\(set) brains"
            for row in rows {
                for strategy in ClassificationRun.Strategy.allCases {
                    let found = counts.map { scores.kind(row, strategy, labels: $0 == .max ? nil : $0) }
                    guard found.contains(where: { $0?.labelsPerArea != nil }) else { continue }
                    let runs = found.compactMap { $0 }.flatMap { scores.runs($0).map(\.source) }
                    sources += runs.filter { !sources.contains($0) }
                    table.rows.append(
                        [.text(name(row, report) + (strategy == .finetune ? ", finetuned" : ""))]
                            + found.map { kind in
                                .number(kind.map { scores.spread($0, set, "macro_f1").text(decimals: 2) } ?? "–")
                            })
                }
            }
        }
        guard !table.rows.isEmpty else { return nil }
        return Figure(
            name: "Few labels",
            caption: """
                Macro-F1 with few different labelled patches an area, a mean over the draws of them, beside all labels: how far pretraining replaces \
                labels. A linear probe stands on the features of its row’s model, which SupCon learned from all labels, CytoNet and SimCLR from none. A \
                network from scratch, and one that is called “few”, has seen no other labels than those of its column.
                """,
            body: table.markup, sources: sources, isTable: true)
    }

    private static func table6(_ scores: ClassificationScores, _ rows: [Row], _ report: ReportContext) throws -> Figure?
    {
        // A stage of its own may have them: any classifier of the row, not only the one of Table 5.
        for (row, kind) in rows.flatMap({ row in
            scores.kinds.filter { $0.variant == row.variant && $0.form == row.form && $0.strategy == .linearProbe }
                .map { (row, $0) }
        }) {
            let sources = scores.runs(kind).map(\.source)
            guard let rotation = try Rotation(sources) else { continue }
            var table = PageTable(columns: ["set", "macro-F1", "top-1", "top-3"])
            for set in rotation.sets {
                table.rows.append(
                    [.text(set)]
                        + ClassificationRun.metrics.map { metric in
                            .compared(
                                rotation.spread(set, metric).text(decimals: 2),
                                paper: PaperNumbers.find(report.paper.leftOut, set, metric)?.text())
                        })
            }
            return Figure(
                name: "Table 6",
                caption: """
                    Linear probing of \(name(row, report)) with each of \(rotation.brains.count) brains in turn as the transfer brain \
                    (\(rotation.brains.joined(separator: ", "))): mean ± standard deviation over these brains; the paper’s is CytoNet-ViT (1M).
                    """, body: table.markup, sources: sources, isTable: true)
        }
        return nil
    }
}

/// Scores with each brain in turn as the transfer brain; several seeds are averaged first.
private struct Rotation {
    let brains: [String]
    let sets: [String]
    private var values: [String: [Double]] = [:]

    /// nil where a file has none.
    init?(_ sources: [ReportSource]) throws {
        guard let first = sources.first else { return nil }
        let file = try HDF5File(reading: first.path)
        guard file.contains("/rotation/set"), file.contains("/rotation/brain") else { return nil }
        brains = try file.readTexts("/rotation/brain")
        sets = try file.readTexts("/rotation/set")
        for source in sources {
            let file = try HDF5File(reading: source.path)
            guard file.contains("/rotation/set") else { continue }
            for metric in ClassificationRun.metrics {
                let scores = try file.read("/rotation/\(metric)", as: Double.self)
                guard scores.count == brains.count * sets.count else {
                    throw StageError(
                        .badInput, "/rotation/\(metric) is not (brains, sets)", port: source.port, file: source.path)
                }
                let sum = values[metric] ?? [Double](repeating: 0, count: scores.count)
                values[metric] = zip(sum, scores).map { $0 + $1 / Double(sources.count) }
            }
        }
    }

    func spread(_ set: String, _ metric: String) -> Spread {
        guard let place = sets.firstIndex(of: set), let values = values[metric] else { return Spread([]) }
        return Spread(brains.indices.map { values[$0 * sets.count + place] })
    }
}
