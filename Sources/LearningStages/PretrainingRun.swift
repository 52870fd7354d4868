public import Networks
internal import StageKit
public import Torch

/// A training from the first step to the last, with checkpoints on the way.
///
/// Batches and augmentations follow from the seed and the step alone, so that a run that is taken up from a checkpoint ends with
/// the bytes of an unbroken one, on the same machine with the same libtorch and number of threads: libtorch adds in an order
/// that depends on the number of threads.
public final class PretrainingRun {
    public let trainer: Trainer
    private let config: PretrainingConfig
    private let patches: PatchSet
    private let order: EpochOrder
    private let seed: UInt64
    private let threads: Int
    private let recipe = AugmentationRecipe()

    public init(
        _ config: PretrainingConfig, patches: PatchSet, seed: UInt64, threads: Int, device: Device = .cpu
    ) throws {
        try patches.check(for: config.objective)
        let needed = augmentationWindowSide(patchSide: config.patchSide, spacingUm: patches.spacingUm)
        guard patches.windowSide >= needed, (patches.windowSide - config.patchSide) % 2 == 0 else {
            throw StageError(
                .badInput,
                "patches of \(config.patchSide) px that are turned and shifted need windows of \(needed) px; these have "
                    + "\(patches.windowSide)", port: "patches")
        }
        self.config = config
        self.patches = patches
        self.seed = seed
        self.threads = threads
        order = try EpochOrder(sampleCount: patches.count, batchSize: config.batchSize, seed: seed)
        let parameters = ParameterStore(seed: seed, device: device, threads: threads)
        let backbone = try config.network.build(parameters)
        let output: any OutputLayers =
            config.objective == .classification
            ? try Classifier(features: backbone.featureCount, classes: patches.classCount, parameters: parameters)
            : try ProjectionHead(
                features: backbone.featureCount, outputs: config.projectionWidth, parameters: parameters)
        let optimizer: any Optimizer =
            switch config.optimization {
            case .lars:
                LARS(
                    parameters, trust: config.trust, momentum: config.momentum, weightDecay: config.weightDecay)
            case .adamw: AdamW(parameters, weightDecay: config.weightDecay)
            }
        trainer = Trainer(
            backbone: backbone, output: output, parameters: parameters, objective: config.objective,
            optimizer: optimizer, schedule: config.rates)
        trainer.mixedPrecision = config.mixedPrecision
        trainer.checkpoints = config.gradientCheckpoints
        trainer.partSize = config.partSize
    }

    /// Goes on from a checkpoint, if there is one, to the last step.
    ///
    /// - Parameters:
    ///   - checkpoint: path of the checkpoint file.
    ///   - fingerprint: of all that must be the same when the training goes on.
    ///   - each: called after each step.
    public func train(checkpoint: String, fingerprint: String, each: (StepReport) throws -> Void) throws {
        if let state = try TrainingCheckpoint.read(checkpoint, fingerprint: fingerprint) { try trainer.restore(state) }
        while trainer.step < config.steps {
            let batch = try batch(ofStep: trainer.step)
            try each(try trainer.train(images: batch.images, targets: batch.targets))
            if trainer.step % config.checkpointSteps == 0, trainer.step < config.steps {
                try TrainingCheckpoint.write(trainer.state(), fingerprint: fingerprint, to: checkpoint)
            }
        }
    }

    /// The augmented patches of a step, (views · samples, 1, side, side), and what is known of them.
    func batch(ofStep step: Int) throws -> (images: Tensor, targets: BatchTargets) {
        let points = order.batch(ofStep: step)
        let epoch = order.epoch(ofStep: step)
        let windows = try patches.windows(of: points)
        var pixels: [Float] = []
        for view in 0..<config.objective.views {
            pixels += try augment(
                windows: windows, windowSide: patches.windowSide, patchSide: config.patchSide,
                spacingUm: patches.spacingUm,
                draws: points.map { AugmentationDraw(recipe, seed: seed, epoch: epoch, sample: $0, view: view) },
                threads: threads)
        }
        let images = try Tensor(
            pixels, shape: [points.count * config.objective.views, 1, config.patchSide, config.patchSide])
        return (images, patches.targets(of: points))
    }

    /// The trained model; fails where a value is not finite.
    public func model() throws -> ModelFile {
        ModelFile(
            network: config.network, objective: config.objective, spacingUm: patches.spacingUm,
            tensors: try trainer.state().tensors)
    }
}
