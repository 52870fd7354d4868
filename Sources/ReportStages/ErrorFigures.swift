internal import HDF5
internal import StageKit

/// How far from the true area the errors are, and how sure the classifier was: Figure 5B and 5C.
enum ErrorFigures {
    /// Test points of one classifier, all seeds together.
    private struct Points {
        var set: [String] = []
        var isRight: [Bool] = []
        var hops: [Int] = []
        var margin: [Double] = []

        mutating func add(_ source: ReportSource) throws {
            let file = try HDF5File(reading: source.path)
            let roles = try file.readTexts("/brains/role")
            let brains = try file.read("/brain", as: Int.self)
            let (truth, found) = (try file.read("/true", as: Int.self), try file.read("/predicted", as: Int.self))
            let (hops, margin) = (try file.read("/hops", as: Int.self), try file.read("/margin", as: Double.self))
            guard [truth.count, found.count, hops.count, margin.count].allSatisfy({ $0 == brains.count }) else {
                throw StageError(
                    .badInput, "its datasets have different numbers of rows", port: source.port, file: source.path)
            }
            set += brains.map { roles.indices.contains($0) ? roles[$0] : "" }
            isRight += zip(truth, found).map { $0 == $1 }
            self.hops += hops
            self.margin += margin
        }
    }

    static func make(
        _ scores: ClassificationScores, rows: [ClassificationSection.Row], report: ReportContext,
        findings: inout Findings
    ) throws -> [Markup] {
        // The paper shows its best model; here the first CytoNet with linear probing.
        let main =
            rows.first { report.model(of: $0.variant).method == "cytonet" && scores.kind($0, .linearProbe) != nil }
            ?? rows.first
        guard let main, let kind = scores.kind(main, .linearProbe) ?? scores.kind(main, .finetune) else { return [] }
        var points = Points()
        let sources = scores.runs(kind).map(\.source)
        for source in sources { try points.add(source) }
        guard points.hops.contains(where: { $0 > 0 }) else {
            return [
                "<p class=\"missing\">Figures 5B and 5C need hops on an adjacency graph of areas, which this cohort does not bring.</p>"
            ]
        }
        let name = ClassificationSection.name(main, report)
        return [
            figure5B(points, scores.sets, name, sources, report, &findings).markup(report),
            figure5C(points, name, sources, report).markup(report),
        ]
    }

    private static func figure5B(
        _ points: Points, _ sets: [String], _ name: String, _ sources: [ReportSource], _ report: ReportContext,
        _ findings: inout Findings
    ) -> Figure {
        var bars: [JSONText] = []
        var table = PageTable(
            columns: ["set", "errors", "1 hop", "2 hops", "3 or more", "within 1", "within 2"])
        var words: [String] = []
        for set in sets {
            let errors = points.set.indices.filter {
                points.set[$0] == set && !points.isRight[$0] && points.hops[$0] > 0
            }
            guard !errors.isEmpty else { continue }
            let count = Double(errors.count)
            let one = Double(errors.count { points.hops[$0] == 1 }) / count
            let two = Double(errors.count { points.hops[$0] == 2 }) / count
            let rest = 1 - one - two
            bars.append(
                .object([
                    ("row", .text("\(set)")),
                    ("parts", .numbers([one, two, max(rest, 0)])),
                ]))
            words.append(
                "\(set): \(NumberText.percent(one)) within one hop, \(NumberText.percent(one + two)) within two")
            findings.errorsWithin[set] = (one, one + two)
            table.rows.append([
                .text(set), .number(NumberText.grouped(errors.count)), .number(NumberText.percent(one)),
                .number(NumberText.percent(two)), .number(NumberText.percent(max(rest, 0))),
                .compared(
                    NumberText.percent(one),
                    paper: report.paper.text["errors_within_1_hop_\(set)"].map { NumberText.percent($0.mean) }),
                .compared(
                    NumberText.percent(one + two),
                    paper: report.paper.text["errors_within_2_hops_\(set)"].map { NumberText.percent($0.mean) }),
            ])
        }
        let chart = Chart.markup(
            [
                ("kind", .text("stacked")), ("parts", .texts(["1 hop", "2 hops", "3 or more"])), ("rows", .list(bars)),
                ("x", .text("share of errors")),
            ], heightPx: 70 + 44 * bars.count, description: "Errors by distance. " + words.joined(separator: "; "),
            in: report)
        return Figure(
            name: "Figure 5B",
            caption: """
                Wrong predictions of \(name) by distance: hops between the predicted and the true area on the graph of areas that touch; a hop of 1 is a \
                direct neighbour.
                """, body: chart + table.markup, sources: sources)
    }

    private static func figure5C(
        _ points: Points, _ name: String, _ sources: [ReportSource], _ report: ReportContext
    ) -> Figure {
        let groups: [(String, (Int) -> Bool)] = [
            ("correct", { points.isRight[$0] }), ("1 hop", { !points.isRight[$0] && points.hops[$0] == 1 }),
            ("2 hops", { !points.isRight[$0] && points.hops[$0] == 2 }),
            ("3 or more", { !points.isRight[$0] && points.hops[$0] > 2 }),
        ]
        var boxes: [JSONText] = []
        var words: [String] = []
        for (label, belongs) in groups {
            let margins = points.margin.indices.filter(belongs).map { points.margin[$0] }.filter(\.isFinite).sorted()
            guard !margins.isEmpty else { continue }
            let places = [0.05, 0.25, 0.5, 0.75, 0.95].map { quantile($0, ofSorted: margins) ?? .nan }
            boxes.append(
                .object([("row", .text(label)), ("n", .integer(margins.count)), ("quantiles", .numbers(places))]))
            words.append("\(label): median \(NumberText.short(places[2])), n = \(margins.count)")
        }
        let chart = Chart.markup(
            [("kind", .text("boxes")), ("rows", .list(boxes)), ("x", .text("logit margin"))],
            heightPx: 60 + 44 * boxes.count, description: "Logit margins. " + words.joined(separator: "; "), in: report)
        return Figure(
            name: "Figure 5C",
            caption: """
                Logit margin (largest minus second logit) of \(name), all test points together, for correct predictions and by error distance. Box: \
                quartiles and median; whiskers: 5th and 95th percentile. \(words.joined(separator: "; ")).
                """, body: chart, sources: sources)
    }
}
