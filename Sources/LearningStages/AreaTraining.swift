internal import Foundation
internal import Networks
internal import StageKit
internal import Statistics
internal import Torch

/// Training a linear classifier of areas on a backbone, with or without the backbone, and asking it (Methods 3.5).
final class AreaTraining {
    /// The areas that can be told, by ascending label.
    let classes: [Int]
    let trainer: Trainer
    let steps: Int
    /// What the classifier stands on, and what the trainer trains.
    private let attached: any Backbone
    private let classifier: Classifier
    private let patches: GatheredPatches
    /// Rows of the patches, as often as they were drawn.
    private let sample: [Int]
    private let labels: [Int]
    private let order: EpochOrder
    private let patchSide: Int
    private let seed: UInt64
    private let threads: Int

    /// - Parameters:
    ///   - attached: gives the features that are classified; frozen or not.
    ///   - sample: rows of `patches` to train on, an area as often as any other; `labels` of all rows.
    ///   - epochs: how often the sample is seen, unless `steps` says how many batches.
    /// - Throws: `StageError` for windows too narrow to be turned and shifted, or a sample that fills no batch.
    init(
        _ attached: any Backbone, recipe: TrainingRecipe, patches: GatheredPatches, patchSide: Int, sample: [Int],
        labels: [Int], epochs: Int, steps: Int?, seed: UInt64, threads: Int
    ) throws {
        let needed = augmentationWindowSide(patchSide: patchSide, spacingUm: patches.spacingUm)
        guard patches.windowSide >= needed, (patches.windowSide - patchSide) % 2 == 0 else {
            throw StageError(
                .badInput,
                "patches of \(patchSide) px that are turned and shifted need windows of \(needed) px; these have "
                    + "\(patches.windowSide)", port: "patches")
        }
        guard sample.count >= recipe.batchSize else {
            throw StageError(
                .badJob,
                "\(sample.count) training patches do not fill one batch of \(recipe.batchSize); lower batch_size")
        }
        self.attached = attached
        self.patches = patches
        self.sample = sample
        self.labels = labels
        self.patchSide = patchSide
        self.seed = seed
        self.threads = threads
        classes = Set(sample.map { labels[$0] }).sorted()
        order = try EpochOrder(sampleCount: sample.count, batchSize: recipe.batchSize, seed: seed)
        self.steps = steps ?? epochs * order.batchesPerEpoch
        classifier = try Classifier(
            features: attached.featureCount, classes: classes.count, parameters: attached.parameters)
        trainer = recipe.trainer(attached, classifier, steps: self.steps)
    }

    /// Trains to the last step, from a checkpoint where there is one.
    ///
    /// - Parameters:
    ///   - checkpoint: path of the checkpoint file, written every so many steps.
    ///   - fingerprint: of all that must be the same when the training goes on.
    func train(
        checkpoint: String, every checkpointSteps: Int, fingerprint: String, each: (StepReport) -> Void
    ) throws {
        if let state = try TrainingCheckpoint.read(checkpoint, fingerprint: fingerprint) { try trainer.restore(state) }
        let place = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, $0) })
        while trainer.step < steps {
            let drawn = order.batch(ofStep: trainer.step)
            let epoch = order.epoch(ofStep: trainer.step)
            let rows = drawn.map { sample[$0] }
            // A patch that was drawn twice is augmented twice: the draw belongs to the place in the sample.
            let pixels = try patches.patches(
                of: rows, patchSide: patchSide,
                draws: drawn.map { AugmentationDraw(AugmentationRecipe(), seed: seed, epoch: epoch, sample: $0) },
                threads: threads)
            let images = try Tensor(pixels, shape: [rows.count, 1, patchSide, patchSide])
            each(
                try trainer.train(
                    images: images, targets: BatchTargets(labels: rows.map { place[labels[$0]] ?? -1 })))
            if trainer.step % checkpointSteps == 0, trainer.step < steps {
                try TrainingCheckpoint.write(trainer.state(), fingerprint: fingerprint, to: checkpoint)
            }
        }
    }

    /// The logits of some rows, (rows, classes).
    func logits(of rows: [Int], inference: PatchInference, progress: (Double) -> Void) throws -> Matrix {
        var values: [Float] = []
        values.reserveCapacity(rows.count * classes.count)
        try inference.run(patches, rows: rows) { images in
            [try classifier(attached(images, .inference).features, .inference)]
        } each: { range, outputs in
            values += outputs[0]
            progress(Double(range.upperBound) / Double(rows.count))
        }
        return Matrix(rows: rows.count, columns: classes.count, elements: values)
    }
}

/// Rows to train a classifier on: the same number of every area, with replacement (Methods 3.5).
///
/// - Parameters:
///   - labels: of all rows; only `candidates` are drawn from.
///   - perArea: how often an area is drawn.
///   - distinct: how many different rows an area has at most; nil for all.
func stratifiedRows(
    _ candidates: [Int], labels: [Int], perArea: Int, distinct: Int?, seed: UInt64
) -> [Int] {
    var pool = candidates
    if let distinct {
        pool = stratifiedSample(
            labels: pool.map { labels[$0] }, perLabel: distinct, replacement: false, seed: seed
        ).map { pool[$0] }
    }
    return stratifiedSample(labels: pool.map { labels[$0] }, perLabel: perArea, replacement: true, seed: seed)
        .map { pool[$0] }
}
