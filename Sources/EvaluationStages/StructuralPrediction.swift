internal import HDF5
internal import ScoreTables
public import StageKit
internal import Statistics

/// Predicts properties of the tissue from features and from intensity profiles by linear regression (Methods 3.7, Figure 4).
public struct StructuralPrediction: Stage {
    public static let name = "structural-prediction"
    public static let summary =
        "R² of curvature, thickness, cutting angle, place and cell densities from features and from profiles (Fig. 4)."

    public static func run(_ context: StageContext) throws {
        let config = context.config
        let components = try config.doubles("components").map { value in
            guard let count = Int(exactly: value), count >= 0, count <= 1_000_000 else {
                throw StageError(.badJob, "config.components holds \(value), not numbers of components (0: raw)")
            }
            return count
        }
        guard !components.isEmpty, Set(components).count == components.count else {
            throw StageError(.badJob, "config.components must name some numbers of components, each once")
        }
        let settings = StructuralRegression.Settings(
            components: components, folds: try config.integer("folds", in: 2...1000),
            attributed: try config.integer("attributed_components", in: 1...10_000),
            seed: streamSeed(context.seed, "folds"), threads: context.cores)
        context.progress(0, "reading")
        var parts: [Part] = []
        for tissue in [try StructuralRows.points(context), try StructuralRows.layerPatches(context)].compactMap(\.self)
        {
            for (name, inputs) in try tissue.inputs() {
                context.progress(0.1 + 0.2 * Double(parts.count), "\(name) of \(tissue.name)")
                let regression = try told {
                    () throws(StatisticsError) in
                    try StructuralRegression(inputs, targets: tissue.usedTargets, settings: settings)
                }
                parts.append(
                    Part(
                        input: name, tissue: tissue.name, targets: tissue.targets.map(\.name), rows: inputs.rows,
                        regression: regression))
            }
        }
        guard !parts.isEmpty else {
            throw StageError(
                .badJob,
                "there is nothing to predict: connect features and properties, or layer_features and layer_densities")
        }
        try context.write("scores") { file in try write(parts, settings, to: file) }
        try summary(parts, settings).write(to: context)
    }

    /// One kind of input for one set of rows.
    private struct Part {
        var input: String
        var tissue: String
        var targets: [String]
        var rows: Int
        var regression: StructuralRegression

        /// R² of the folds of a target at a place in the list of components; empty where nothing was fitted.
        func folds(_ place: Int, _ target: Int, _ settings: StructuralRegression.Settings) -> [Double] {
            let start = (place * targets.count + target) * settings.folds
            let values = Array(regression.scores[start..<start + settings.folds])
            return values.contains { $0.isNaN } ? [] : values
        }
    }

    private static func told<Result>(_ body: () throws(StatisticsError) -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            throw StageError(.noResult, error.message)
        }
    }

    /// `/r2` and its axes over all inputs and targets; NaN where a pair does not meet or nothing was fitted.
    private static func write(
        _ parts: [Part], _ settings: StructuralRegression.Settings, to file: HDF5File
    ) throws {
        let inputs = unique(parts.map(\.input))
        let targets = unique(parts.flatMap(\.targets))
        let (dims, folds) = (settings.components.count, settings.folds)
        var r2 = [Double](repeating: .nan, count: inputs.count * dims * targets.count * folds)
        var attribution = [Double](repeating: .nan, count: inputs.count * targets.count * settings.attributed)
        var rows = [Int64](repeating: 0, count: inputs.count * targets.count)
        for part in parts {
            guard let input = inputs.firstIndex(of: part.input) else { continue }
            for (own, name) in part.targets.enumerated() {
                guard let target = targets.firstIndex(of: name) else { continue }
                rows[input * targets.count + target] = Int64(part.regression.rows[own])
                for place in 0..<dims {
                    let from = (place * part.targets.count + own) * folds
                    let to = ((input * dims + place) * targets.count + target) * folds
                    for fold in 0..<folds { r2[to + fold] = part.regression.scores[from + fold] }
                }
                for component in 0..<settings.attributed {
                    attribution[(input * targets.count + target) * settings.attributed + component] =
                        part.regression.attributions[own * settings.attributed + component]
                }
            }
        }
        try file.write(r2, shape: [inputs.count, dims, targets.count, folds], to: "/r2")
        try file.write(texts: inputs, to: "/inputs")
        try file.write(settings.components.map(Int32.init), to: "/components")
        try file.write(texts: targets, to: "/targets")
        try file.write(rows, shape: [inputs.count, targets.count], to: "/rows")
        try file.write(attribution, shape: [inputs.count, targets.count, settings.attributed], to: "/attribution")
        for part in parts {
            try file.write(part.regression.explained, to: "/explained_variance/\(part.tissue)/\(part.input)")
        }
    }

    private static func summary(_ parts: [Part], _ settings: StructuralRegression.Settings) -> ScoreSummary {
        var summary = ScoreSummary()
        var rows: [[ScoreSummary.Cell]] = []
        var shares: [[ScoreSummary.Cell]] = []
        for part in parts {
            for (target, name) in part.targets.enumerated() {
                for (place, count) in settings.components.enumerated() {
                    let folds = part.folds(place, target, settings)
                    rows.append(
                        [.text(part.input), .text(name), .text(count == 0 ? "raw" : "\(count)")]
                            + ScoreSummary.Cell.meanAndDeviation(folds) + [.count(part.regression.rows[target])])
                }
                // The most components that could be fitted stand for the pair.
                let most = settings.components.indices.filter {
                    settings.components[$0] > 0 && !part.folds($0, target, settings).isEmpty
                }.max { settings.components[$0] < settings.components[$1] }
                if let most {
                    summary.figures["r2_\(part.input)_\(name)"] =
                        MeanAndDeviation(part.folds(most, target, settings)).mean
                }
            }
            for count in settings.components where count > 0 && count <= part.regression.explained.count {
                shares.append([
                    .text(part.tissue), .text(part.input), .count(count), .number(part.regression.explained[count - 1]),
                ])
            }
        }
        summary.tables.append(
            ScoreSummary.Table(
                name: "structural_prediction",
                caption:
                    "R² of linear regression on held-out folds, mean and standard deviation of \(settings.folds) folds",
                columns: ["input", "target", "components", "r2_mean", "r2_sd", "rows"], rows: rows))
        summary.tables.append(
            ScoreSummary.Table(
                name: "explained_variance", caption: "Share of the inputs' variance in the first components",
                columns: ["rows_of", "input", "components", "cumulative"], rows: shares))
        return summary
    }

    private static func unique(_ names: [String]) -> [String] {
        var seen: Set<String> = []
        return names.filter { seen.insert($0).inserted }
    }
}
