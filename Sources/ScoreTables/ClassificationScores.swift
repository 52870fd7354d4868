public import HDF5
public import Statistics

/// The areas that a classifier gave to test points: what both area-classification (features) and area-finetuning (patches) write,
/// in one layout.
public struct ClassificationScores: Sendable {
    /// One test point.
    public struct Row: Sendable, Equatable {
        /// Place in `brains`.
        public var brain = 0
        public var truth = 0
        public var predicted = 0
        /// The highest logit less the second.
        public var margin: Float = .nan
        /// 0-based place of the true area among all.
        public var correctRank = 0
        /// Row in the gathered inputs.
        public var row = 0
        public var mniMm = SIMD3<Double>(repeating: .nan)
        public var section = ""
        /// Row and column in the section, µm.
        public var positionUm = SIMD2<Double>(repeating: .nan)
        /// 0 left, 1 right.
        public var hemisphere = 0
        /// Plane, row and column in the reconstruction, µm; NaN where unknown.
        public var reconstructionUm = SIMD3<Double>(repeating: .nan)

        public init() {}
    }

    /// What the classifier said of each row.
    public struct Logits: Sendable {
        /// The areas that it knows, in the order of the columns.
        public var classes: [Int]
        public var names: [String]
        /// `rows × classes`.
        public var values: Matrix

        public init(classes: [Int], names: [String], values: Matrix) {
            precondition(
                classes.count == values.columns && names.count == classes.count,
                "\(classes.count) classes with \(names.count) names for \(values.columns) columns.")
            self.classes = classes
            self.names = names
            self.values = values
        }
    }

    /// A brain and what it is for.
    public struct Brain: Sendable, Equatable {
        public var name: String
        /// `seen`, `transfer`, `unseen`, or another.
        public var role: String

        public init(name: String, role: String) {
            self.name = name
            self.role = role
        }
    }

    /// The scores of the points of one role.
    public struct SetScores: Sendable, Equatable {
        /// The role of its brains.
        public var set: String
        public var points: Int
        public var macroF1: Double
        public var top1: Double
        public var top3: Double
        /// Mean of the hops of the wrong predictions; NaN where there are none or no graph.
        public var meanHopsOfErrors: Double
        /// Median of the margins of right and of wrong predictions; NaN where there are none.
        public var medianMargin: (right: Double, wrong: Double)

        public static func == (a: SetScores, b: SetScores) -> Bool {
            a.set == b.set && a.points == b.points && a.macroF1 == b.macroF1 && a.top1 == b.top1 && a.top3 == b.top3
        }
    }

    public var brains: [Brain]
    public var rows: [Row]
    /// `linear-probe` or `finetune`.
    public var strategy: String
    /// What the classifier was attached to or given, for example `features`, `projection`, `features+mni`.
    public var variant: String
    /// How many different training points an area has at most; nil for all.
    public var labelsPerArea: Int?
    /// To tell hops; nil where the areas' neighbours are not known.
    public var graph: AreaGraph?
    /// Nil where they are not kept.
    public var logits: Logits?

    public init(
        brains: [Brain], rows: [Row], strategy: String, variant: String, labelsPerArea: Int? = nil,
        graph: AreaGraph? = nil, logits: Logits? = nil
    ) {
        precondition(logits.map { $0.values.rows == rows.count } ?? true, "Logits of other rows.")
        precondition(rows.allSatisfy { brains.indices.contains($0.brain) }, "A row is of a brain that is not listed.")
        self.brains = brains
        self.rows = rows
        self.strategy = strategy
        self.variant = variant
        self.labelsPerArea = labelsPerArea
        self.graph = graph
        self.logits = logits
    }

    /// The sets, seen, transfer and unseen first, that have a brain.
    public var sets: [String] {
        let roles = Set(brains.map(\.role))
        let known = ["seen", "transfer", "unseen"].filter(roles.contains)
        return known + roles.subtracting(known).sorted()
    }

    /// Steps on the graph from each row's true area to the predicted one; −1 where unknown.
    public func hops() -> [Int] {
        guard let graph else { return rows.map { _ in -1 } }
        var known: [Int: [Int: Int]] = [:]
        return rows.map { row in
            if row.truth == row.predicted { return 0 }
            let from = known[row.truth] ?? graph.hops(from: row.truth)
            known[row.truth] = from
            return from[row.predicted] ?? -1
        }
    }

    /// The scores of each set, in the order of `sets`; NaN for a set without points.
    public func scores() -> [SetScores] {
        let hops = hops()
        return sets.map { set in
            let chosen = rows.indices.filter { brains[rows[$0].brain].role == set }
            func share(_ k: Int) -> Double {
                chosen.isEmpty ? .nan : Double(chosen.count { rows[$0].correctRank < k }) / Double(chosen.count)
            }
            let wrong = chosen.filter { rows[$0].truth != rows[$0].predicted }
            let right = chosen.filter { rows[$0].truth == rows[$0].predicted }
            let steps = wrong.map { hops[$0] }.filter { $0 >= 0 }
            return SetScores(
                set: set, points: chosen.count,
                macroF1: macroF1(truth: chosen.map { rows[$0].truth }, predicted: chosen.map { rows[$0].predicted }),
                top1: share(1), top3: share(3),
                meanHopsOfErrors: steps.isEmpty ? .nan : Double(steps.reduce(0, +)) / Double(steps.count),
                medianMargin: (median(right.map { rows[$0].margin }), median(wrong.map { rows[$0].margin })))
        }
    }

    /// Writes the artifact's datasets and attributes (type classification-scores).
    public func write(to file: HDF5File) throws {
        try file.write(rows.map { Int32($0.brain) }, to: "/brain")
        try file.write(texts: brains.map(\.name), to: "/brains/name")
        try file.write(texts: brains.map(\.role), to: "/brains/role")
        try file.write(rows.map { Int32($0.truth) }, to: "/true")
        try file.write(rows.map { Int32($0.predicted) }, to: "/predicted")
        try file.write(rows.map(\.margin), to: "/margin")
        try file.write(rows.map { Int32($0.correctRank) }, to: "/correct_rank")
        try file.write(hops().map { Int32($0) }, to: "/hops")
        try file.write(rows.map { Int64($0.row) }, to: "/row")
        try file.write(rows.flatMap { [$0.mniMm.x, $0.mniMm.y, $0.mniMm.z] }, shape: [rows.count, 3], to: "/mni_mm")
        try file.write(texts: rows.map(\.section), to: "/section_name")
        try file.write(
            rows.flatMap { [$0.positionUm.x, $0.positionUm.y] }, shape: [rows.count, 2], to: "/position_um")
        try file.write(rows.map { UInt8($0.hemisphere) }, to: "/hemisphere")
        if rows.contains(where: { $0.reconstructionUm.x.isFinite }) {
            let places = rows.flatMap { [$0.reconstructionUm.x, $0.reconstructionUm.y, $0.reconstructionUm.z] }
            try file.write(places, shape: [rows.count, 3], to: "/reconstruction_um")
            try file.setAttribute("unit", to: "um", of: "/reconstruction_um")
        }
        if let logits {
            try logits.values.withUnsafeElements {
                try file.write(Array($0), shape: [logits.values.rows, logits.values.columns], to: "/logits")
            }
            try file.write(logits.classes.map { Int32($0) }, to: "/classes")
            try file.write(texts: logits.names, to: "/class_names")
        }
        let scores = scores()
        try file.write(texts: scores.map(\.set), to: "/scores/set")
        try file.write(scores.map { Int64($0.points) }, to: "/scores/points")
        try file.write(scores.map(\.macroF1), to: "/scores/macro_f1")
        try file.write(scores.map(\.top1), to: "/scores/top1")
        try file.write(scores.map(\.top3), to: "/scores/top3")
        try file.write(scores.map(\.meanHopsOfErrors), to: "/scores/mean_hops_of_errors")
        try file.setAttribute("strategy", to: strategy)
        try file.setAttribute("variant", to: variant)
        try file.setAttribute("labels_per_area", to: labelsPerArea ?? 0)  // 0: all
    }

    /// Figures `macro_f1_seen`, `top1_seen`, `top3_seen`, … and one table with a row a set.
    public func summary() -> ScoreSummary {
        var summary = ScoreSummary()
        let scores = scores()
        for score in scores {
            summary.figures["macro_f1_\(score.set)"] = score.macroF1
            summary.figures["top1_\(score.set)"] = score.top1
            summary.figures["top3_\(score.set)"] = score.top3
            if score.meanHopsOfErrors.isFinite {
                summary.figures["mean_hops_of_errors_\(score.set)"] = score.meanHopsOfErrors
            }
        }
        summary.tables.append(
            ScoreSummary.Table(
                name: "area_classification",
                caption:
                    "Areas by \(strategy) on \(variant): macro-F1, share of points whose area is the first or among the "
                    + "first three, hops of the wrong ones on the adjacency graph, median margin of right and wrong ones",
                columns: [
                    "set", "points", "macro_f1", "top1", "top3", "mean_hops_of_errors", "margin_right", "margin_wrong",
                ],
                rows: scores.map {
                    [
                        .text($0.set), .count($0.points), .number($0.macroF1), .number($0.top1), .number($0.top3),
                        .number($0.meanHopsOfErrors), .number($0.medianMargin.right), .number($0.medianMargin.wrong),
                    ]
                }))
        return summary
    }
}

private func median(_ values: [Float]) -> Double {
    guard !values.isEmpty else { return .nan }
    let sorted = values.map(Double.init).sorted()
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
}
