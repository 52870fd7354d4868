internal import HDF5
internal import NDArray
internal import PNG
internal import ScoreTables
public import StageKit
internal import Statistics

/// Whether features tell regions of any map of the template apart, functional networks for example, in brains that the decoder has not seen.
public struct MacroscaleDecoding: Stage {
    public static let name = "macroscale-decoding"
    public static let summary =
        "Decodes the regions of any label map in template space from features, in held-out brains."

    /// Which brains are held out.
    enum HeldOut: String, CaseIterable {
        case roles, each
    }

    public static func run(_ context: StageContext) throws {
        let config = context.config
        let settings = try LinearProbe.Settings(context)
        let perRegion = try config.integer("points_per_region", in: 1...)
        let heldOut = try config.choice("held_out", of: HeldOut.self)
        let grouping = try RegionGrouping(try config.texts("grouping"))
        let names = try LabelNames(try context.optionalInput("names"))
        let table = try context.featureTable()
        let points = table.points
        context.progress(0.02, "looking up regions")
        let labels = try TemplateMaps.labels(
            try context.input("labels"), at: points.mniMm, distanceMm: try config.double("distance_mm", in: 0...20),
            leastLabelled: try config.double("least_labelled", in: 0...1), threads: context.cores)
        let regions = labels.map { Int(grouping($0)) }
        let labelled = subsample(
            (0..<points.count).filter { regions[$0] > 0 }, count: try config.integer("points", in: 10...),
            seed: context.seed, stream: "decoded points")
        guard Set(labelled.map { regions[$0] }).count >= 2 else {
            throw StageError(
                .badInput, "the points lie in fewer than two regions of the map; does config.grouping name its labels?",
                port: "labels")
        }
        func name(_ region: Int) -> String {
            grouping.names.isEmpty ? names?.names[Int32(region)] ?? "\(region)" : grouping.names[region - 1]
        }

        let features = try table.matrix(rows: labelled)
        let folds = try splits(heldOut, labelled, points)
        var parts: [ClassificationScores] = []
        for (number, fold) in folds.enumerated() {
            context.progress(0.1 + 0.8 * Double(number) / Double(folds.count), "fitting")
            let probed = try context.analysing { () throws(StatisticsError) -> ProbedPoints in
                let draw = TrainingDraw(
                    candidates: Array(fold.train.indices), labels: fold.train.map { regions[labelled[$0]] },
                    perClass: perRegion, distinctPerClass: nil, seed: streamSeed(context.seed, "decoding", number))
                let probe = try LinearProbe(features.selecting(rows: fold.train), draw: draw, settings: settings)
                return ProbedPoints(
                    rows: fold.test.map { labelled[$0] }, truth: fold.test.map { regions[labelled[$0]] },
                    classes: probe.classes, logits: probe.logits(features.selecting(rows: fold.test)))
            }
            parts.append(probed.scores(points, variant: table.vector.rawValue, strategy: "macroscale-decoding"))
        }
        guard var scores = parts.first else { return }
        scores.logits = nil  // they are of the first fold alone
        scores.rows = parts.flatMap(\.rows).sorted { $0.row < $1.row }

        context.progress(0.92, "writing")
        let confusion = Confusion(truth: scores.rows.map(\.truth), predicted: scores.rows.map(\.predicted))
        let count = confusion.labels.count
        try context.write("scores") { file in
            try scores.write(to: file)
            try file.write(confusion.labels.map { Int32($0) }, to: "/classes")
            try file.write(texts: confusion.labels.map(name), to: "/class_names")
            try file.write(confusion.counts.map { Int64($0) }, shape: [count, count], to: "/confusion")
        }
        try writePNG(picture(confusion), to: try context.output("picture"))
        try summary(scores, confusion, points, name).write(to: context)
    }

    /// Places among the labelled points to fit to and to test on.
    private static func splits(
        _ heldOut: HeldOut, _ labelled: [Int], _ points: PointTable
    ) throws -> [(train: [Int], test: [Int])] {
        let places = Array(labelled.indices)
        func isOf(_ place: Int, _ brain: Int) -> Bool { Int(points.brain[labelled[place]]) == brain }
        switch heldOut {
        case .each:
            let present = points.brains.indices.filter { brain in places.contains { isOf($0, brain) } }
            guard present.count >= 2 else {
                throw StageError(
                    .badInput, "one brain alone cannot be decoded by the others", port: "features")
            }
            return present.map { brain in
                (places.filter { !isOf($0, brain) }, places.filter { isOf($0, brain) })
            }
        case .roles:
            let train = places.filter { points.role(labelled[$0]) == "seen" }
            let test = places.filter { points.role(labelled[$0]) != "seen" }
            guard !train.isEmpty, !test.isEmpty else {
                throw StageError(
                    .badInput,
                    "there are \(train.count) labelled points of seen brains and \(test.count) of others; take config.held_out: each",
                    port: "features")
            }
            return [(train, test)]
        }
    }

    /// Confusions as shares of the true region's points, row true.
    private static func picture(_ confusion: Confusion) -> Image<RGB> {
        let count = confusion.labels.count
        let cell = max(1, 480 / max(count, 1))
        return Image(
            rows: count * cell, columns: count * cell,
            elements: (0..<count * cell * count * cell).map { pixel in
                let (row, column) = (pixel / (count * cell) / cell, pixel % (count * cell) / cell)
                return gradedColour(
                    Double(confusion.counts[row * count + column]) / Double(max(confusion.trueCounts[row], 1)))
            })
    }

    private static func summary(
        _ scores: ClassificationScores, _ confusion: Confusion, _ points: PointTable, _ name: (Int) -> String
    ) -> ScoreSummary {
        var summary = ScoreSummary()
        let sets = scores.scores().filter { $0.points > 0 }
        for set in sets {
            summary.figures["macro_f1_\(set.set)"] = set.macroF1
            summary.figures["top1_\(set.set)"] = set.top1
        }
        summary.tables.append(
            ScoreSummary.Table(
                name: "macroscale_decoding", caption: "Regions decoded in held-out brains, by their role",
                columns: ["set", "points", "macro_f1", "top1", "top3"],
                rows: sets.map {
                    [.text($0.set), .count($0.points), .number($0.macroF1), .number($0.top1), .number($0.top3)]
                }))
        summary.figures["macro_f1"] = confusion.macroF1
        summary.figures["accuracy"] = confusion.accuracy
        let commonest = confusion.trueCounts.max() ?? 0
        summary.figures["accuracy_of_commonest"] = Double(commonest) / Double(max(scores.rows.count, 1))
        summary.tables.append(
            ScoreSummary.Table(
                name: "decoding_brains", caption: "Regions decoded in each held-out brain",
                columns: ["brain", "role", "points", "macro_f1", "accuracy"],
                rows: points.brains.indices.compactMap { brain in
                    let own = scores.rows.filter { $0.brain == brain }
                    guard !own.isEmpty else { return nil }
                    let found = Confusion(truth: own.map(\.truth), predicted: own.map(\.predicted))
                    return [
                        .text(points.brains[brain].name), .text(points.brains[brain].role), .count(own.count),
                        .number(found.macroF1), .number(found.accuracy),
                    ]
                }))
        summary.tables.append(
            ScoreSummary.Table(
                name: "confusion", caption: "How often each region (row) was decoded as each (column)",
                columns: ["region", "f1"] + confusion.labels.map(name),
                rows: confusion.labels.indices.map { row in
                    [.text(name(confusion.labels[row])), .number(confusion.f1Scores[row])]
                        + confusion.labels.indices.map { .count(confusion.counts[row * confusion.labels.count + $0]) }
                }))
        return summary
    }
}
