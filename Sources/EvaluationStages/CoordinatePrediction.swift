internal import HDF5
internal import NDArray
internal import ScoreTables
public import StageKit
internal import Statistics

/// Whether features say where in the brain a point lies: linear models of one brain's coordinates, tried on the others (Supplement 7.3,
/// Table 4).
public struct CoordinatePrediction: Stage {
    public static let name = "coordinate-prediction"
    public static let summary =
        "Predicts template coordinates by linear models of one brain's features; errors per axis in every brain (Tab. 4)."

    private static let axes = ["left_right", "anterior_posterior", "inferior_superior"]

    public static func run(_ context: StageContext) throws {
        let folds = try context.config.integer("folds", in: 2...100)
        let table = try context.featureTable()
        let points = table.points
        let known = (0..<points.count).filter { points.mniMm[$0].x.isFinite }
        if known.count < points.count {
            context.warn("\(points.count - known.count) points without coordinates are left out")
        }
        let brain = try context.config.optionalText("brain").map { try points.brainIndex(named: $0, port: "features") }
        guard
            let model = brain ?? points.brains.firstIndex(where: { $0.role == "seen" }) ?? points.brains.indices.first
        else { return }
        let most = try context.config.integer("points", in: 10...)
        let own = subsample(
            known.filter { Int(points.brain[$0]) == model }, count: most, seed: context.seed, stream: "model points")
        guard own.count >= folds else {
            throw StageError(
                .badInput,
                "the brain \(points.brains[model].name) has \(own.count) points with /mni_mm, too few for \(folds) folds",
                port: "features")
        }
        if own.count * (folds - 1) / folds <= table.width {
            context.warn(
                "\(own.count * (folds - 1) / folds) points of a fold for \(table.width) features: the least squares are not unique, and those of least norm are taken"
            )
        }

        context.progress(0, "fitting")
        let ownFeatures = try table.matrix(rows: own)
        let splits = try foldSplits(count: own.count, folds: folds, shuffleSeed: context.seed)
        var models: [LinearModel] = []
        var meanMm: [SIMD3<Double>] = []
        for split in splits {
            models.append(
                try LinearModel(
                    leastSquares: ownFeatures.selecting(rows: split.train),
                    targets: points.coordinates(split.train.map { own[$0] }), threads: context.cores))
            let sum = split.train.reduce(SIMD3<Double>.zero) { $0 + points.mniMm[own[$1]] }
            meanMm.append(sum / Double(max(split.train.count, 1)))
            context.progress(0.4 * Double(models.count) / Double(folds))
        }
        let heldOut = splits.map { Set($0.test.map { own[$0] }) }

        // Of each brain and fold; the model's own brain is measured on what the fold held out.
        var errors: [[AxisErrors]] = .init(
            repeating: [AxisErrors](repeating: AxisErrors(), count: folds), count: points.brains.count)
        var baseline = errors
        var predicted = [SIMD3<Double>](repeating: SIMD3(repeating: .nan), count: points.count)
        for start in stride(from: 0, to: known.count, by: 8192) {
            let rows = Array(known[start..<min(start + 8192, known.count)])
            let features = try table.matrix(rows: rows)
            var sums = [SIMD3<Double>](repeating: .zero, count: rows.count)
            var counts = [Double](repeating: 0, count: rows.count)
            for fold in 0..<folds {
                let guesses = models[fold].predicted(for: features, threads: context.cores)
                for (place, row) in rows.enumerated() {
                    let index = Int(points.brain[row])
                    // In the models' own brain a fold is tested on what it held out.
                    if index == model, !heldOut[fold].contains(row) { continue }
                    let guess = SIMD3(
                        Double(guesses[place, 0]), Double(guesses[place, 1]), Double(guesses[place, 2]))
                    errors[index][fold].add(guess - points.mniMm[row])
                    baseline[index][fold].add(meanMm[fold] - points.mniMm[row])
                    sums[place] += guess
                    counts[place] += 1
                }
            }
            for (place, row) in rows.enumerated() { predicted[row] = sums[place] / counts[place] }
            context.progress(0.4 + 0.5 * Double(start) / Double(known.count), "predicting")
        }

        try context.write("predictions") { file in
            try points.write(rows: Array(0..<points.count), to: file)
            try file.write(
                predicted.flatMap { [$0.x, $0.y, $0.z] }, shape: [points.count, 3], to: "/predicted_mm")
            try file.setAttribute("unit", to: "mm", of: "/predicted_mm")
            try file.write(
                errors.flatMap { $0.flatMap { [$0.mean.x, $0.mean.y, $0.mean.z] } },
                shape: [points.brains.count, folds, 3], to: "/error_mm")
            try file.setAttribute("brain", to: points.brains[model].name)
        }
        try summary(points, model, errors, baseline).write(to: context)
    }

    private static func summary(
        _ points: PointTable, _ model: Int, _ errors: [[AxisErrors]], _ baseline: [[AxisErrors]]
    ) -> ScoreSummary {
        var summary = ScoreSummary()
        var rows: [[ScoreSummary.Cell]] = []
        for index in points.brains.indices {
            guard errors[index].contains(where: { $0.count > 0 }) else { continue }
            let brain = points.brains[index]
            var row: [ScoreSummary.Cell] = [.text(brain.name), .text(index == model ? "model" : brain.role)]
            for axis in 0..<3 { row += ScoreSummary.Cell.meanAndDeviation(errors[index].map { $0.mean[axis] }) }
            row += ScoreSummary.Cell.meanAndDeviation(errors[index].map(\.meanDistance))
            for axis in 0..<3 { row.append(.number(MeanAndDeviation(baseline[index].map { $0.mean[axis] }).mean)) }
            rows.append(row)
        }
        let sets: [(String, [Int])] =
            [("model", [model])]
            + EvaluationSet.allCases.map { set in
                (set.rawValue, points.brains.indices.filter { $0 != model && points.brains[$0].role == set.rawValue })
            }
        for (name, members) in sets {
            let all: [AxisErrors] = members.flatMap { (index: Int) -> [AxisErrors] in errors[index] }.filter {
                $0.count > 0
            }
            for (axis, axisName) in axes.enumerated() where !all.isEmpty {
                summary.figures["\(axisName)_mm_\(name)"] = MeanAndDeviation(all.map { $0.mean[axis] }).mean
            }
            if !all.isEmpty {
                summary.figures["distance_mm_\(name)"] = MeanAndDeviation(all.map(\.meanDistance)).mean
            }
        }
        summary.tables.append(
            ScoreSummary.Table(
                name: "coordinate_prediction",
                caption:
                    "Mean distance (mm) of predicted from true locations in the template along each axis and in space, mean and "
                    + "sd over the folds of the models fitted to \(points.brains[model].name); mean_…: of the brain's mean position",
                columns: ["brain", "role"] + axes.flatMap { [$0, "\($0)_sd"] } + ["distance", "distance_sd"]
                    + axes.map { "mean_\($0)" },
                rows: rows))
        return summary
    }
}

/// Sums of absolute errors along the axes.
private struct AxisErrors {
    var count = 0.0
    private var sum = SIMD3<Double>.zero
    private var distances = 0.0

    mutating func add(_ error: SIMD3<Double>) {
        count += 1
        sum += error.replacing(with: -error, where: error .< 0)
        distances += (error * error).sum().squareRoot()
    }

    /// Mean absolute error along each axis, mm; NaN of nothing.
    var mean: SIMD3<Double> { sum / count }
    /// Mean distance in space, mm.
    var meanDistance: Double { distances / count }
}

extension PointTable {
    /// The coordinates of some rows in the template's space, `rows × 3`, mm.
    func coordinates(_ rows: [Int]) -> Matrix {
        Matrix(
            rows: rows.count, columns: 3,
            elements: rows.flatMap { [Float(mniMm[$0].x), Float(mniMm[$0].y), Float(mniMm[$0].z)] })
    }
}
