internal import HDF5
internal import StageKit
internal import StageProtocol

/// Patches that were trained on, and the loss of every training.
enum TrainingSection {
    static func make(_ report: ReportContext) throws -> PageSection {
        var section = PageSection(id: "training", title: "Patches and pretraining")
        section.lead = """
            CytoNet’s loss (SpatialNCE) asks for similar features where patches lie close to each other in template space, in whichever brain; the \
            network never gets the coordinates.
            """
        for figure in try PatchFigures.make(report) { section.blocks.append(figure.markup(report)) }
        if section.blocks.isEmpty { section.missing.append("No patches to show: the run gives the report none.") }
        let groups = report.sorted(report.groups("pretraining"))
        guard !groups.isEmpty else {
            section.missing.append("No loss curves: the run has no <code>pretraining</code>.")
            return section
        }
        section.blocks.append(try lossFigure(groups, report).markup(report))
        return section
    }

    private static func lossFigure(_ groups: [SeedGroup], _ report: ReportContext) throws -> Figure {
        var charts: [Markup] = []
        var table = PageTable(columns: ["model", "steps", "first loss", "last loss"])
        for group in groups {
            let model = report.model(of: group.variant)
            var series: [JSONText] = []
            var (steps, firsts, lasts): (Int, [Double], [Double]) = (0, [], [])
            for source in group.sources {
                let losses = try HDF5File(reading: source.path).read("/history/loss", as: Double.self)
                let points = binned(losses, bins: 240)
                let seed = source.item.filter { report.seedAxes.contains($0.axis) }.map(\.value).joined(separator: " ")
                series.append(
                    .object([
                        ("name", .text(group.sources.count > 1 ? "seed \(seed)" : model.shown)),
                        ("place", .integer(report.place(of: model))),
                        ("points", .list(points.map { .numbers([$0.0, $0.1]) })),
                    ]))
                steps = losses.count
                let part = max(1, losses.count / 20)
                firsts.append(Spread(Array(losses.prefix(part))).mean)
                lasts.append(Spread(Array(losses.suffix(part))).mean)
            }
            table.rows.append([
                .text(report.words(group.variant)), .number(NumberText.grouped(steps)),
                .number(Spread(firsts).text(decimals: 2)), .number(Spread(lasts).text(decimals: 2)),
            ])
            charts.append(
                Chart.markup(
                    [
                        ("kind", .text("lines")), ("x", .text("step")), ("y", .text("loss")), ("series", .list(series)),
                    ], heightPx: 240,
                    description:
                        "Loss of \(report.words(group.variant)) over \(steps) steps, from \(Spread(firsts).text(decimals: 2)) to \(Spread(lasts).text(decimals: 2))",
                    title: report.words(group.variant), in: report))
        }
        return Figure(
            name: "Training loss",
            caption: """
                Loss of each training, a mean over neighbouring steps. The methods minimise different losses: compare curves of one method, never their \
                levels between methods. First and last loss: means over the first and last twentieth of the steps.
                """, body: Chart.row(charts) + table.markup, sources: groups.flatMap(\.sources))
    }

    /// Means over equal runs of steps: (middle step, mean).
    static func binned(_ values: [Double], bins: Int) -> [(Double, Double)] {
        guard !values.isEmpty else { return [] }
        let count = min(bins, values.count)
        return (0..<count).map { bin in
            let (start, end) = (bin * values.count / count, (bin + 1) * values.count / count)
            return (Double(start + end - 1) / 2 + 1, Spread(Array(values[start..<end])).mean)
        }
    }
}
