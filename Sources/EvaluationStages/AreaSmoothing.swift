internal import HDF5
internal import NDArray
internal import ScoreTables
public import StageKit
internal import Statistics

/// Smooths predicted areas along the cortex and keeps apart what does not touch in the atlas.
///
/// The paper leaves this to the user ("CytoNet outputs still require post-processing (e.g., spatial smoothing and topological
/// constraints)", Discussion; Schiffer et al. 2021b). Here a Markov random field over the points: its costs are the classifier's −log
/// probabilities; neighbours on the cortex pay for unlike labels, and more where the two areas do not touch in the atlas.
public struct AreaSmoothing: Stage {
    public static let name = "area-smoothing"
    public static let summary =
        "Smooths predicted areas along the cortex with the atlas' adjacency, scored with and without (Discussion)."

    public static func run(_ context: StageContext) throws {
        let config = context.config
        let strength = try config.double("strength", in: 0...)
        let apart = try config.double("apart_cost", in: 1...)
        let islandPoints = try config.integer("island_points", in: 1...)
        let temperature = try config.double("temperature", in: 0.001...)
        let neighbours = CorticalNeighbours(
            alongMm: try config.double("along_mm", in: 0.001...), betweenMm: try config.double("between_mm", in: 0...))
        let input = try context.input("scores")
        let predicted = try PredictedAreas(input)
        let graph = try context.adjacency()
        if graph == nil { context.warn("no adjacency is given: all areas may touch") }
        let contact = contacts(predicted.classes, graph, apart: Float(apart))

        var smoothed = predicted.best
        var counts = (edges: 0, before: Contacts(), after: Contacts())
        let points = predicted.points
        for brain in points.brains.indices {
            context.progress(0.9 * Double(brain) / Double(points.brains.count), points.brains[brain].name)
            let rows = points.rows(ofBrain: brain)
            guard !rows.isEmpty else { continue }
            let edges = neighbours.edges(of: rows, in: points)
            let field = LabelField(
                costs: predicted.costs(rows, temperature: temperature), edges: edges,
                contact: contact.map { Float(strength) * $0 })
            let start = rows.map { predicted.best[$0] }
            let found = field.removingIslands(field.expanded(from: start), smallerThan: islandPoints)
            for (place, row) in rows.enumerated() { smoothed[row] = found[place] }
            counts.edges += edges.count
            counts.before.add(start, field, contact)
            counts.after.add(found, field, contact)
        }

        context.progress(0.95, "scoring")
        let before = predicted.scores(predicted.best, graph)
        let after = predicted.scores(smoothed, graph)
        try context.write("areas") { file in
            try points.write(rows: Array(0..<points.count), to: file, withLabels: false)
            try file.write(predicted.truth, to: "/true")
            try file.write(predicted.best.map { predicted.classes[$0] }, to: "/predicted")
            try file.write(smoothed.map { predicted.classes[$0] }, to: "/smoothed")
            try file.write(after.hops().map { Int32($0) }, to: "/hops")
            let (plain, smooth) = (before.scores(), after.scores())
            try file.write(texts: plain.map(\.set), to: "/scores/set")
            try file.write(plain.map(\.macroF1), to: "/scores/macro_f1")
            try file.write(smooth.map(\.macroF1), to: "/scores/macro_f1_smoothed")
            try file.write(plain.map(\.top1), to: "/scores/top1")
            try file.write(smooth.map(\.top1), to: "/scores/top1_smoothed")
        }
        var summary = ScoreSummary()
        for (plain, smooth) in zip(before.scores(), after.scores()) {
            summary.figures["macro_f1_\(plain.set)"] = plain.macroF1
            summary.figures["macro_f1_smoothed_\(plain.set)"] = smooth.macroF1
            summary.figures["top1_\(plain.set)"] = plain.top1
            summary.figures["top1_smoothed_\(plain.set)"] = smooth.top1
        }
        summary.figures["changed_share"] =
            Double(zip(smoothed, predicted.best).count { $0 != $1 }) / Double(max(points.count, 1))
        summary.tables.append(
            ScoreSummary.Table(
                name: "area_smoothing", caption: "Area classification without and with smoothing along the cortex",
                columns: [
                    "set", "points", "macro_f1", "macro_f1_smoothed", "top1", "top1_smoothed", "mean_hops_of_errors",
                    "mean_hops_of_errors_smoothed",
                ],
                rows: zip(before.scores(), after.scores()).map { plain, smooth in
                    [
                        .text(plain.set), .count(plain.points), .number(plain.macroF1), .number(smooth.macroF1),
                        .number(plain.top1), .number(smooth.top1), .number(plain.meanHopsOfErrors),
                        .number(smooth.meanHopsOfErrors),
                    ]
                }))
        summary.tables.append(
            ScoreSummary.Table(
                name: "area_contacts",
                caption:
                    "Neighbouring points with unlike areas, those whose areas do not touch in the atlas, and sets of points of "
                    + "one area that hang together", columns: ["labels", "edges", "unlike", "not_touching", "islands"],
                rows: [("predicted", counts.before), ("smoothed", counts.after)].map { name, found in
                    [
                        .text(name), .count(counts.edges), .count(found.unlike), .count(found.apart),
                        .count(found.islands),
                    ]
                }))
        summary.figures["not_touching"] = Double(counts.before.apart)
        summary.figures["not_touching_smoothed"] = Double(counts.after.apart)
        try summary.write(to: context)
    }

    /// What neighbours pay: 0 for one area, 1 for two that touch, `apart` for others.
    private static func contacts(_ classes: [Int32], _ graph: AreaGraph?, apart: Float) -> [Float] {
        classes.flatMap { first -> [Float] in
            let hops = graph?.hops(from: Int(first))
            return classes.map { second in
                if first == second { return 0 }
                guard let hops else { return 1 }
                return hops[Int(second)] == 1 ? 1 : apart
            }
        }
    }

    /// How labels meet.
    private struct Contacts {
        var unlike = 0
        var apart = 0
        var islands = 0

        mutating func add(_ labels: [Int], _ field: LabelField, _ contact: [Float]) {
            for edge in field.edges where labels[edge.first] != labels[edge.second] {
                unlike += 1
                if contact[labels[edge.first] * field.costs.columns + labels[edge.second]] > 1 { apart += 1 }
            }
            islands += field.islands(labels).sizes.count
        }
    }
}

extension StageContext {
    /// The areas' neighbours from the optional port `adjacency`.
    func adjacency() throws -> AreaGraph? {
        guard let input = try optionalInput("adjacency") else { return nil }
        do {
            return try AreaGraph(reading: input.path)
        } catch let error as AreaGraphError {
            throw StageError(.badInput, error.problem, port: input.port, file: input.path)
        }
    }
}
