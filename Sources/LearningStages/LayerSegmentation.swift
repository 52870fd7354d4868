internal import HDF5
internal import Networks
internal import ScoreTables
public import StageKit
internal import Statistics
internal import Torch

/// Tells the six layers of the cortex and the background at every place of a network's map by a linear layer, trained on growing
/// shares of the patches that people annotated.
///
/// **Reference** Methods 3.6. **Differs** the paper does not say how long is trained: here for `steps` batches, whatever the share.
public struct LayerSegmentation: Stage {
    public static let name = "layer-segmentation"
    public static let summary =
        "Cortical layers on a network's map by a linear layer, by share of annotated patches (Methods 3.6)."

    private enum SplitUnit: String, CaseIterable {
        case patch, section, brain
    }

    public static func run(_ context: StageContext) throws {
        let config = context.config
        let input = try context.input("patches")
        let patches = try PatchSet(reading: input.path)
        let recipe = try TrainingRecipe(config)
        let strategy: TrainingStrategy = try config.choice("strategy")
        let fractions = try config.doubles("fractions")
        guard !fractions.isEmpty, fractions.allSatisfy({ $0 > 0 && $0 <= 1 }) else {
            throw StageError(.badJob, "config.fractions must be numbers above 0, 1 at most, not \(fractions)")
        }
        let steps = try config.integer("steps", in: 1...)
        let rows = try PatchRows([input])
        let splits = try LayerSplits(
            groups: groups(rows, count: patches.count, by: try config.choice("split")),
            testFraction: try config.double("test_fraction", in: 0.001...0.999), fractions: fractions,
            folds: try config.integer("folds", in: 2...),
            foldTraining: try config.choice("fold_training"), seed: context.seed)

        try Torch.setThreads(context.cores)
        let device = try context.device()
        let (network, model) = try network(context, patches, device)
        let mapSide = network.residual.mapSide(imageSide: network.imageSide)
        guard patches.windowSide == network.imageSide else {
            throw StageError(
                .badInput,
                "layer patches of \(patches.windowSide) px do not fit a network for \(network.imageSide) px: masks belong to whole "
                    + "patches", port: "patches", file: input.path)
        }
        let masks = try LayerMasks(input, mapSide: mapSide)
        let inference = PatchInference(patchSide: network.imageSide, threads: context.cores, device: device)
        // A GPU is shared better within a model than among models.
        let atATime = device == .cpu ? context.cores : 1
        let source: any LayerSource
        if strategy == .linearProbe {
            guard let model else {
                throw StageError(.badJob, "a linear probe needs a model; without one, strategy must be finetune")
            }
            let placewise = PlacewiseBackbone(model.backbone)
            source = try FrozenMaps(
                patches, places: mapSide * mapSide, featureCount: placewise.featureCount, inference: inference,
                scratch: context.scratch + "/maps.h5", network: { try placewise($0, .inference).features },
                progress: { context.progress(0.1 * $0, "maps") })
        } else {
            source = LayerPatches(
                patches: patches,
                inference: PatchInference(
                    patchSide: network.imageSide, threads: atATime > 1 ? 1 : context.cores, device: device),
                network: network,
                weights: try model.map { try $0.parameters.values() })
        }
        let training = LayerTraining(source: source, masks: masks, recipe: recipe, steps: steps)
        let shown = spread(min(try config.integer("examples", in: 0...), splits.test.count), over: splits.test.count)
        let models = splits.training.enumerated().flatMap { index, folds in
            folds.enumerated().map { fold, rows in
                LayerTraining.Model(training: rows, seed: context.seed &+ UInt64(1000 * index + fold))
            }
        }
        let predicted = try training.predictions(models, test: splits.test, threads: atATime) { done in
            context.progress(
                0.1 + 0.9 * Double(done) / Double(models.count), "\(done) of \(models.count) models trained")
        }
        var scores: [[Confusion]] = []
        var examples: [[[UInt8]]] = []
        var next = 0
        for folds in splits.training {
            let own = predicted[next..<next + folds.count]
            next += folds.count
            scores.append(own.map { confusion($0, splits.test, masks) })
            examples.append(shown.map { own[own.startIndex][$0] })
        }
        try write(scores, examples, shown.map { splits.test[$0] }, splits, fractions, masks, patches, context) { file in
            try file.setAttribute("network", to: json(network))
            try file.setAttribute("strategy", to: strategy.rawValue)
            try file.setAttribute("start", to: model == nil ? "scratch" : "model")
            try file.setAttribute("test_patches", to: splits.test.count)
        }
    }

    /// The network, with its trained weights where there is a model.
    private static func network(
        _ context: StageContext, _ patches: PatchSet, _ device: Device
    ) throws -> (NetworkDescription, LoadedModel?) {
        guard let input = try context.optionalInput("model") else {
            let architecture: PretrainingConfig.Architecture = try context.config.choice("network")
            return (architecture.network(imageSide: patches.windowSide), nil)
        }
        let model = try LoadedModel(input, device: device, withProjection: false)
        try model.check(patches, port: "patches")
        return (model.file.network, model)
    }

    /// A number for each patch, the same for patches that must not be parted.
    private static func groups(_ rows: PatchRows, count: Int, by unit: SplitUnit) -> [Int] {
        let names = (0..<count).map { row -> String in
            switch unit {
            case .patch: "\(row)"
            case .section: rows.brains[rows.brain[row]].name + "/" + rows.section[row]
            case .brain: rows.brains[rows.brain[row]].name
            }
        }
        var numbers: [String: Int] = [:]
        return names.map { name in
            let number = numbers[name] ?? numbers.count
            numbers[name] = number
            return number
        }
    }

    /// Places that have a label, of all tested patches.
    private static func confusion(_ predicted: [[UInt8]], _ test: [Int], _ masks: LayerMasks) -> Confusion {
        var truth: [Int] = []
        var guesses: [Int] = []
        for (classes, patch) in zip(predicted, test) {
            for (label, guess) in zip(masks.labels(of: patch), classes) where label >= 0 {
                truth.append(label)
                guesses.append(Int(guess))
            }
        }
        return Confusion(truth: truth, predicted: guesses)
    }

    /// `count` places spread evenly over a range.
    private static func spread(_ count: Int, over range: Int) -> [Int] {
        (0..<count).map { (2 * $0 + 1) * range / (2 * count) }
    }

    private static func write(
        _ scores: [[Confusion]], _ examples: [[[UInt8]]], _ shown: [Int], _ splits: LayerSplits, _ fractions: [Double],
        _ masks: LayerMasks, _ patches: PatchSet, _ context: StageContext, _ attributes: (HDF5File) throws -> Void
    ) throws {
        let folds = scores.first?.count ?? 0
        let side = masks.mapSide
        try context.write("scores") { file in
            try file.write(fractions, to: "/fraction")
            try file.write(splits.subsets.map { Int64($0.count) }, to: "/patches")
            try file.write(scores.flatMap { $0.map(\.macroF1) }, shape: [scores.count, folds], to: "/macro_f1")
            try file.write(
                scores.flatMap { $0.flatMap { classF1($0) } }, shape: [scores.count, folds, LayerMasks.classCount],
                to: "/class_f1")
            try file.write(
                patches.windows(of: shown), shape: [shown.count, patches.windowSide, patches.windowSide],
                to: "/example/pixels")
            try file.write(
                shown.flatMap { masks.labels(of: $0).map { $0 < 0 ? UInt8(255) : UInt8($0) } },
                shape: [shown.count, side, side], to: "/example/true")
            try file.write(
                examples.flatMap { $0.flatMap { $0 } }, shape: [scores.count, shown.count, side, side],
                to: "/example/predicted")
            try file.write(shown.map { Int64($0) }, to: "/example/row")
            try attributes(file)
        }
        var summary = ScoreSummary()
        let names = ["background", "I", "II", "III", "IV", "V", "VI"]
        var table: [[ScoreSummary.Cell]] = []
        for (index, fraction) in fractions.enumerated() {
            let macro = MeanAndDeviation(scores[index].map(\.macroF1))
            let percent = (1000 * fraction).rounded() / 10
            let name = percent == percent.rounded() ? "\(Int(percent))" : "\(percent)"
            summary.figures["macro_f1_at_\(name)_percent"] = macro.mean
            context.figure("macro_f1_at_\(name)_percent", macro.mean)
            let classes = (0..<LayerMasks.classCount).map { label in
                MeanAndDeviation(scores[index].map { classF1($0)[label] }.filter(\.isFinite)).mean
            }
            table.append(
                [.number(fraction), .count(splits.subsets[index].count), .number(macro.mean), .number(macro.deviation)]
                    + classes.map { .number($0) })
        }
        summary.tables.append(
            ScoreSummary.Table(
                name: "layer_segmentation",
                caption:
                    "Layers on the network's map: share and number of annotated patches, macro-F1 (mean and standard deviation "
                    + "over \(folds) folds) on \(splits.test.count) test patches, mean F1 of each class",
                columns: ["fraction", "patches", "macro_f1", "macro_f1_sd"] + names, rows: table))
        try summary.write(to: try context.output("summary"))
    }

    /// F1 of background and layers I … VI; NaN for a class that is neither true nor predicted anywhere.
    private static func classF1(_ confusion: Confusion) -> [Double] {
        let scores = confusion.f1Scores
        return (0..<LayerMasks.classCount).map { label in
            confusion.labels.firstIndex(of: label).map { scores[$0] } ?? .nan
        }
    }
}
