internal import HDF5
internal import StageKit

/// Scores of one classifier on the sets of brains (type classification-scores).
struct ClassificationRun {
    enum Strategy: String, CaseIterable {
        case linearProbe = "linear-probe"
        case finetune

        var shown: String { self == .linearProbe ? "linear probing" : "finetuning" }
    }

    static let metrics = ["macro_f1", "top1", "top3"]
    static let setOrder = ["seen", "transfer", "unseen"]

    let source: ReportSource
    let variant: Variant
    let strategy: Strategy
    /// P (projection), M (another template) and the like; empty for the plain one.
    let form: String
    /// Distinct labels an area that it was trained on; nil for all.
    let labelsPerArea: Int?
    /// Scores by set and metric.
    let scores: [String: [String: Double]]

    init(_ source: ReportSource, seedAxes: [String]) throws {
        self.source = source
        let file = try HDF5File(reading: source.path)
        let start = file.hasAttribute("start") ? try file.textAttribute("start") : nil
        // What the file itself says is not told apart by coordinates once more.
        variant = source.variant(without: seedAxes).without(["strategy", "labels_per_area", "labels"]).with(
            start: start)
        let named = file.hasAttribute("strategy") ? try file.textAttribute("strategy") : "linear-probe"
        guard let strategy = Strategy(rawValue: named) else {
            throw StageError(
                .badInput, "the strategy is '\(named)', but linear-probe or finetune is known", port: source.port,
                file: source.path)
        }
        self.strategy = strategy
        let form = file.hasAttribute("variant") ? try file.textAttribute("variant") : ""
        self.form = ["plain", "features", "none", "default"].contains(form) ? "" : form
        let labels = file.hasAttribute("labels_per_area") ? try? file.attribute("labels_per_area", as: Int.self) : nil
        labelsPerArea = labels.flatMap { $0 > 0 ? $0 : nil }
        let sets = try file.readTexts("/scores/set")
        var scores: [String: [String: Double]] = [:]
        for metric in ClassificationRun.metrics where file.contains("/scores/\(metric)") {
            for (set, value) in zip(sets, try file.read("/scores/\(metric)", as: Double.self)) {
                scores[set, default: [:]][metric] = value
            }
            // Of several draws of the training points the mean counts.
            guard file.contains("/repeats/\(metric)") else { continue }
            let repeats = try file.read("/repeats/\(metric)", as: Double.self)
            for (place, set) in sets.enumerated() {
                let own = stride(from: place, to: repeats.count, by: sets.count).map { repeats[$0] }
                scores[set, default: [:]][metric] = own.reduce(0, +) / Double(own.count)
            }
        }
        self.scores = scores
    }

    /// What is averaged over seeds.
    struct Kind: Hashable {
        var stage: String
        var variant: Variant
        var strategy: Strategy
        var form: String
        var labelsPerArea: Int?
    }

    var kind: Kind {
        Kind(stage: source.stage, variant: variant, strategy: strategy, form: form, labelsPerArea: labelsPerArea)
    }
}

/// All classifiers of the page, the runs of each kind together.
struct ClassificationScores {
    private(set) var kinds: [ClassificationRun.Kind] = []
    private var runsByKind: [ClassificationRun.Kind: [ClassificationRun]] = [:]
    let sets: [String]

    init(_ sources: [ReportSource], in report: ReportContext) throws {
        var sets: [String] = []
        for source in sources {
            let run = try ClassificationRun(source, seedAxes: report.seedAxes)
            if runsByKind[run.kind] == nil { kinds.append(run.kind) }
            runsByKind[run.kind, default: []].append(run)
            for set in run.scores.keys where !sets.contains(set) { sets.append(set) }
        }
        self.sets = sets.sorted {
            let order = ClassificationRun.setOrder
            let (one, other) = (order.firstIndex(of: $0) ?? order.count, order.firstIndex(of: $1) ?? order.count)
            return (one, $0) < (other, $1)
        }
    }

    var isEmpty: Bool { kinds.isEmpty }

    func runs(_ kind: ClassificationRun.Kind) -> [ClassificationRun] { runsByKind[kind] ?? [] }

    func spread(_ kind: ClassificationRun.Kind, _ set: String, _ metric: String) -> Spread {
        Spread(runs(kind).compactMap { $0.scores[set]?[metric] })
    }

    var mostRuns: Int { runsByKind.values.map(\.count).max() ?? 0 }

    /// Variants and forms, each with its two strategies, with all labels or the most that there are.
    var rows: [(variant: Variant, form: String)] {
        var rows: [(variant: Variant, form: String)] = []
        for kind in kinds where !rows.contains(where: { $0.variant == kind.variant && $0.form == kind.form }) {
            rows.append((kind.variant, kind.form))
        }
        return rows
    }

    /// Those with a classifier that had all labels; all, where none had.
    func withAllLabels(_ rows: [(variant: Variant, form: String)]) -> [(variant: Variant, form: String)] {
        let full = rows.filter { row in
            kinds.contains { $0.variant == row.variant && $0.form == row.form && $0.labelsPerArea == nil }
        }
        return full.isEmpty ? rows : full
    }

    /// With so many labels an area, or all (nil).
    func kind(
        _ row: (variant: Variant, form: String), _ strategy: ClassificationRun.Strategy, labels: Int?
    ) -> ClassificationRun.Kind? {
        kinds.first {
            $0.variant == row.variant && $0.form == row.form && $0.strategy == strategy && $0.labelsPerArea == labels
        }
    }

    /// With all labels or the most; of several stages that say the same, the first.
    func kind(_ row: (variant: Variant, form: String), _ strategy: ClassificationRun.Strategy)
        -> ClassificationRun.Kind?
    {
        var best: ClassificationRun.Kind?
        for kind in kinds where kind.variant == row.variant && kind.form == row.form && kind.strategy == strategy {
            guard let known = best else {
                best = kind
                continue
            }
            if (kind.labelsPerArea ?? .max) > (known.labelsPerArea ?? .max) { best = kind }
        }
        return best
    }
}
