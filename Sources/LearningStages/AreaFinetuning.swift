internal import Foundation
internal import HDF5
internal import Networks
internal import ScoreTables
public import StageKit
internal import Statistics
internal import Torch

/// Trains a linear classifier of cortical areas on a pretrained network, or a network from scratch, and tests it on seen,
/// transfer and unseen brains.
///
/// Trained on the training sections of seen brains, the same number of patches of every area drawn with replacement; tested on the
/// test sections of seen brains and on all labelled points of the others. Projection layers give way to one linear layer without
/// bias, unless it is attached to the projection (the paper's variant P).
///
/// **Reference** Methods 3.5.
public struct AreaFinetuning: Stage {
    public static let name = "area-finetuning"
    public static let summary = "Finetunes or probes a network on cortical areas, with augmentation (Methods 3.5)."

    /// What the classifier stands on.
    private enum Attachment: String, CaseIterable {
        case features, projection
    }

    public static func run(_ context: StageContext) throws {
        let recipe = try TrainingRecipe(context.config)
        let strategy: TrainingStrategy = try context.config.choice("strategy")
        let attachment: Attachment = try context.config.choice("attach")
        let inputs = try context.inputs("patches")
        let patches = try GatheredPatches(inputs, sections: context.optionalInputs("sections"))
        let rows = try PatchRows(inputs)
        let graph = try context.optionalInput("adjacency").map { try AreaGraph(reading: $0.path) }
        let distinct = try context.config.optionalInteger("labels_per_area", in: 1...)
        let sample = stratifiedRows(
            try trainingRows(rows), labels: rows.label, perArea: try context.config.integer("per_area", in: 1...),
            distinct: distinct, seed: context.seed)

        try Torch.setThreads(context.cores)
        let start = try start(context, strategy, attachment, patches)
        let training = try AreaTraining(
            start.attached, recipe: recipe, patches: patches, patchSide: start.network.imageSide, sample: sample,
            labels: rows.label, epochs: try context.config.integer("epochs", in: 1...),
            steps: try context.config.optionalInteger("steps", in: 1...), seed: context.seed, threads: context.cores)
        let fingerprint =
            try json(recipe)
            + " \(strategy) \(attachment) steps \(training.steps) seed \(context.seed) areas \(training.classes) sample \(sample.hashValueOfRows) inputs "
            + (inputs + context.optionalInputs("model")).map(\.digest).joined(separator: " ")
        try training.train(
            checkpoint: context.checkpoints + "/checkpoint.h5",
            every: try context.config.integer("checkpoint_steps", in: 1...), fingerprint: fingerprint
        ) { report in
            context.progress(
                0.9 * Double(report.step + 1) / Double(training.steps),
                String(format: "step %d of %d, loss %.3f", report.step + 1, training.steps, report.loss))
        }
        let scores = try test(training, rows, start.network.imageSide, context, strategy, attachment, distinct, graph)
        try context.write("scores") { file in
            try scores.write(to: file)
            try file.setAttribute("start", to: start.isScratch ? "scratch" : "model")
            try file.setAttribute("network", to: json(start.network))
        }
        try context.write("model") { file in
            let frozen = strategy == .linearProbe ? try start.frozen?.values() ?? [] : []
            try ModelFile(
                network: start.network, objective: .classification, spacingUm: patches.spacingUm,
                tensors: frozen + (try training.trainer.state().tensors)
            ).write(to: file)
            let losses = training.trainer.losses
            try file.write(losses, to: "/history/loss")
            let rates = recipe.rates(steps: training.steps)
            try file.write(losses.indices.map { rates.rate(step: $0) }, to: "/history/learning_rate")
            try file.write(training.classes.map { Int32($0) }, to: "/classes")
        }
        let summary = scores.summary()
        try summary.write(to: try context.output("summary"))
        for (name, value) in summary.figures.sorted(by: { $0.key < $1.key }) { context.figure(name, value) }
    }

    /// Rows of training sections of seen brains whose area is known.
    private static func trainingRows(_ rows: PatchRows) throws -> [Int] {
        let found = (0..<rows.count).filter { rows.label[$0] >= 0 && rows.role($0) == "seen" && !rows.isTest[$0] }
        let classes = Set(found.map { rows.label[$0] })
        guard classes.count >= 2 else {
            let roles = Set(rows.brains.map(\.role)).sorted().joined(separator: ", ")
            throw StageError(
                .badInput,
                "training needs labelled points of two areas or more in training sections (/test 0) of brains with the role seen; "
                    + "there are \(found.count) points of \(classes.count) areas in brains with the roles: \(roles)",
                port: "patches")
        }
        return found
    }

    /// The network that the training starts from.
    private struct Start {
        var network: NetworkDescription
        /// What the classifier stands on.
        var attached: any Backbone
        /// The tensors that are not trained, for the model that is written.
        var frozen: ParameterStore?
        var isScratch: Bool
    }

    private static func start(
        _ context: StageContext, _ strategy: TrainingStrategy, _ attachment: Attachment, _ patches: GatheredPatches
    ) throws -> Start {
        guard let input = try context.optionalInput("model") else {
            guard strategy == .finetune, attachment == .features else {
                throw StageError(
                    .badJob,
                    "without a model the network is trained from scratch: strategy must be finetune and attach features"
                )
            }
            let architecture: PretrainingConfig.Architecture = try context.config.choice("network")
            let network = architecture.network(imageSide: try context.config.integer("patch_side_px", in: 8...))
            let backbone = try network.build(
                ParameterStore(seed: context.seed, device: try context.device(), threads: context.cores))
            return Start(network: network, attached: backbone, frozen: nil, isScratch: true)
        }
        let withHead = attachment == .projection
        let device = try context.device()
        let model = try LoadedModel(input, device: device, seed: context.seed, withProjection: withHead)
        try model.check(patches, port: "patches")
        var attached = model.backbone
        if withHead {
            guard let head = model.projection else {
                throw StageError(
                    .badInput, "the model has no projection head to attach a classifier to; attach features",
                    port: "model", file: input.path)
            }
            attached = ProjectedBackbone(attached, head: head, outputs: model.projectionCount)
        }
        if strategy == .linearProbe {
            attached = FrozenBackbone(attached, trained: ParameterStore(seed: context.seed, device: device))
        }
        return Start(network: model.file.network, attached: attached, frozen: model.parameters, isScratch: false)
    }

    /// Asks the classifier of all test points.
    private static func test(
        _ training: AreaTraining, _ rows: PatchRows, _ patchSide: Int, _ context: StageContext,
        _ strategy: TrainingStrategy, _ attachment: Attachment, _ distinct: Int?, _ graph: AreaGraph?
    ) throws -> ClassificationScores {
        let tested = (0..<rows.count).filter { rows.label[$0] >= 0 && (rows.role($0) != "seen" || rows.isTest[$0]) }
        let logits = try training.logits(
            of: tested,
            inference: PatchInference(
                patchSide: patchSide, threads: context.cores, device: training.trainer.parameters.device)
        ) { context.progress(0.9 + 0.1 * $0, "testing \(tested.count) patches") }
        let place = Dictionary(uniqueKeysWithValues: training.classes.enumerated().map { ($1, $0) })
        let (predicted, margins) = predictions(from: logits)
        let ranks = classRanks(truth: tested.map { place[rows.label[$0]] ?? -1 }, scores: logits)
        let unknown = Set(tested.map { rows.label[$0] }).subtracting(training.classes).sorted()
        if !unknown.isEmpty {
            context.warn(
                "\(unknown.count) areas of the test points have no training points and cannot be told: \(unknown)")
        }
        return ClassificationScores(
            brains: rows.brains,
            rows: tested.indices.map { index in
                var row = rows.scored(tested[index])
                row.predicted = training.classes[predicted[index]]
                row.margin = margins[index]
                row.correctRank = ranks[index]
                return row
            },
            strategy: strategy.rawValue, variant: attachment.rawValue, labelsPerArea: distinct, graph: graph,
            logits: ClassificationScores.Logits(
                classes: training.classes, names: training.classes.map { rows.areaName($0) }, values: logits))
    }
}

extension [Int] {
    /// A number that tells this list of rows from another, the same in every process.
    fileprivate var hashValueOfRows: UInt64 {
        reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64(bitPattern: Int64($1))) &* 0x0000_0100_0000_01b3 }
    }
}
