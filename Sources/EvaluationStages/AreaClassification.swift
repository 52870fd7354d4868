internal import HDF5
internal import NDArray
internal import ScoreTables
public import StageKit
internal import Statistics

/// Tells areas apart by a linear classifier on frozen features (Methods 3.5; Figure 5; Tables 5 and 6).
public struct AreaClassification: Stage {
    public static let name = "area-classification"
    public static let summary =
        "Linear probing of areas on frozen features, tested on seen, transfer and unseen brains (Fig. 5, Tab. 5, 6)."

    public static func run(_ context: StageContext) throws {
        let config = context.config
        let plan = Plan(
            pointsPerArea: try config.integer("points_per_area", in: 1...),
            labelsPerArea: try config.optionalInteger("labels_per_area"),
            settings: try LinearProbe.Settings(context))
        let repeats = try config.integer("repeats", in: 1...100)
        let rotate = try config.bool("rotate")
        let every = try config.integer("test_every", in: 2...)
        let graph = try context.adjacency()
        context.progress(0, "reading")
        let table = try context.featureTable()
        let points = table.points
        let split = try EvaluationSplit(points, port: "features")
        try check(split, points, context)
        // Labelled points alone; all fits share their features.
        let labelled = (0..<points.count).filter { points.hasArea($0) }
        let probing = Probing(
            points: points, features: try table.matrix(rows: labelled), labelled: labelled, plan: plan)

        let turns = rotate ? points.brains.indices.filter { points.brains[$0].role != "unseen" } : []
        let fits = Double(repeats + turns.count)
        var scores: [ClassificationScores] = []
        for number in 0..<repeats {
            context.progress(0.05 + 0.9 * Double(number) / fits, "fitting")
            let found = try context.analysing {
                try probing.probed(split, seed: streamSeed(context.seed, "repeat", number))
            }
            if !found.converged {
                context.warn("the classifier did not converge; raise config.max_iterations or lower config.c")
            }
            scores.append(
                found.points.scores(
                    points, variant: table.vector.rawValue, labelsPerArea: plan.labelsPerArea, graph: graph))
        }
        var rotated: [(brain: String, scores: [ClassificationScores.SetScores])] = []
        for (number, brain) in turns.enumerated() {
            context.progress(0.05 + 0.9 * Double(repeats + number) / fits, "without \(points.brains[brain].name)")
            let turn = EvaluationSplit(points, transferBrain: brain, every: every)
            let found = try context.analysing {
                try probing.probed(turn, seed: streamSeed(context.seed, "rotation", brain))
            }
            // In its turn a brain is the transfer brain, and the others are seen.
            let roles = points.brains.indices.map { index in
                index == brain ? "transfer" : points.brains[index].role == "unseen" ? "unseen" : "seen"
            }
            rotated.append(
                (
                    points.brains[brain].name,
                    found.points.scores(points, variant: table.vector.rawValue, roles: roles).scores()
                ))
        }

        guard let main = scores.first else { return }
        context.progress(0.96, "writing")
        let report = ClassificationReport(repeats: scores, rotated: rotated, points: points)
        try context.write("scores") { file in
            try report.write(main, to: file)
        }
        try report.summary.write(to: context)
    }

    /// What cannot be tested is said before anything is fitted.
    private static func check(_ split: EvaluationSplit, _ points: PointTable, _ context: StageContext) throws {
        guard !split.train.isEmpty else {
            throw StageError(
                .badInput, "no labelled point lies in a train section of a seen brain: nothing to train on",
                port: "features")
        }
        var counts: [Int32: Int] = [:]
        for row in split.train { counts[points.label[row], default: 0] += 1 }
        let single = counts.filter { $0.value == 1 }.keys.sorted().map { points.areaName($0) }
        if !single.isEmpty {
            context.warn("areas with one training point: \(single.joined(separator: ", "))")
        }
        for set in EvaluationSet.allCases {
            let rows = split.test[set] ?? []
            if rows.isEmpty {
                context.warn("there is no labelled test point of \(set.rawValue) brains; its scores are undefined")
                continue
            }
            let unknown = Set(rows.map { points.label[$0] }).subtracting(counts.keys).sorted()
            if !unknown.isEmpty {
                context.warn(
                    "\(set.rawValue) brains have areas that no training point has, which cannot be found: "
                        + unknown.map { points.areaName($0) }.joined(separator: ", "))
            }
        }
    }
}

/// How a classifier is fitted.
private struct Plan {
    var pointsPerArea: Int
    var labelsPerArea: Int?
    var settings: LinearProbe.Settings
}

/// Fits and tests classifiers on the same labelled points.
private struct Probing {
    let points: PointTable
    /// Of the labelled points, row by row.
    let features: Matrix
    /// Their rows in the table, ascending.
    let labelled: [Int]
    let plan: Plan

    func probed(
        _ split: EvaluationSplit, seed: UInt64
    ) throws(StatisticsError) -> (points: ProbedPoints, converged: Bool) {
        var place = [Int](repeating: -1, count: points.count)
        for (index, row) in labelled.enumerated() { place[row] = index }
        let train = features.selecting(rows: split.train.map { place[$0] })
        // The draw counts in rows of `train`.
        let draw = TrainingDraw(
            candidates: Array(split.train.indices), labels: split.train.map { Int(points.label[$0]) },
            perClass: plan.pointsPerArea, distinctPerClass: plan.labelsPerArea, seed: seed)
        let probe = try LinearProbe(train, draw: draw, settings: plan.settings)
        let test = split.testRows
        return (
            ProbedPoints(
                rows: test, truth: test.map { Int(points.label[$0]) }, classes: probe.classes,
                logits: probe.logits(features.selecting(rows: test.map { place[$0] }))), probe.converged
        )
    }
}
