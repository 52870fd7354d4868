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
    private let batches: TrainingBatches
    private let spacingUm: Double
    private let group: ProcessGroup?
    /// How many batches are made ahead, while the network works on the one before.
    private let ahead: Int

    /// - Parameters:
    ///   - precision: double is for comparisons.
    ///   - group: processes that share every batch; nil for this one alone.
    public init(
        _ config: PretrainingConfig, patches: PatchSet, seed: UInt64, threads: Int, device: Device = .cpu,
        precision: Precision = .single, group: ProcessGroup? = nil
    ) throws {
        guard precision == .single || !config.recipe.mixedPrecision else {
            throw StageError(.badJob, "products in bfloat16 are not of double precision: set mixed_precision to false")
        }
        let processes = group?.size ?? 1
        guard config.recipe.batchSize % processes == 0, config.recipe.batchSize > processes else {
            throw StageError(
                .badJob, "a batch of \(config.recipe.batchSize) cannot be shared evenly by \(processes) processes")
        }
        try patches.check(for: config.objective)
        let needed = augmentationWindowSide(patchSide: config.patchSide, spacingUm: patches.spacingUm)
        guard patches.windowSide >= needed, (patches.windowSide - config.patchSide) % 2 == 0 else {
            throw StageError(
                .badInput,
                "patches of \(config.patchSide) px that are turned and shifted need windows of \(needed) px; these have "
                    + "\(patches.windowSide)", port: "patches")
        }
        self.config = config
        self.group = group
        spacingUm = patches.spacingUm
        // One core would only be shared.
        ahead = device != .cpu ? 2 : threads > 1 ? 1 : 0
        batches = TrainingBatches(
            patches: patches,
            order: try EpochOrder(sampleCount: patches.count, batchSize: config.recipe.batchSize, seed: seed),
            patchSide: config.patchSide, views: config.objective.views, seed: seed, threads: threads,
            rank: group?.rank ?? 0, processes: processes)
        let parameters = ParameterStore(seed: seed, device: device, precision: precision, threads: threads)
        let backbone = try config.network.build(parameters)
        let output: any OutputLayers =
            config.objective == .classification
            ? try Classifier(features: backbone.featureCount, classes: patches.classCount, parameters: parameters)
            : try ProjectionHead(
                features: backbone.featureCount, outputs: config.projectionWidth, parameters: parameters)
        trainer = config.recipe.trainer(backbone, output, objective: config.objective, steps: config.steps)
        trainer.checkpoints = config.gradientCheckpoints
        trainer.group = group
    }

    /// Takes up a checkpoint, if there is one; gives the step that comes next.
    ///
    /// - Parameters:
    ///   - checkpoint: path of the checkpoint file; all processes read it.
    ///   - fingerprint: of all that must be the same when the training goes on.
    public func resume(_ checkpoint: String, fingerprint: String) throws -> Int {
        if let state = try TrainingCheckpoint.read(checkpoint, fingerprint: fingerprint) { try trainer.restore(state) }
        try checkThatAllBeginTogether()
        return trainer.step
    }

    /// Trains to the last step.
    ///
    /// - Parameters:
    ///   - checkpoint: path of the checkpoint file; rank 0 writes it.
    ///   - fingerprint: of all that must be the same when the training goes on.
    ///   - each: called after each step.
    /// - Throws: `StageError` with `inputOutput` where another process is lost; the last checkpoint stays.
    public func train(checkpoint: String, fingerprint: String, each: (StepReport) throws -> Void) throws {
        let made = Prefetcher(first: trainer.step, end: config.steps, ahead: ahead) { [batches] in
            try batches.batch(ofStep: $0)
        }
        while let batch = try made.next() {
            let images = try Tensor(batch.pixels, shape: [batch.imageCount, 1, config.patchSide, config.patchSide])
            try each(try step(images, batch.targets))
            let isDue = trainer.step % config.checkpointSteps == 0 && trainer.step < config.steps
            if isDue, group?.rank ?? 0 == 0 {
                try TrainingCheckpoint.write(trainer.state(), fingerprint: fingerprint, to: checkpoint)
            }
        }
    }

    private func step(_ images: Tensor, _ targets: BatchTargets) throws -> StepReport {
        do {
            return try trainer.train(images: images, targets: targets)
        } catch let error as TorchError where group != nil && error.code != .outOfMemory {
            throw lost(error)
        }
    }

    private func lost(_ error: TorchError) -> StageError {
        StageError(
            .inputOutput,
            "rank \(group?.rank ?? 0) of \(group?.size ?? 1) lost the others at step \(trainer.step): one of them has ended or "
                + "does not answer (\(error.message)); the last checkpoint stays, and the next run goes on from it")
    }

    private func checkThatAllBeginTogether() throws {
        guard let group else { return }
        do {
            let steps = try group.gathered(
                Tensor([Float(trainer.step)], shape: [1]).moved(to: trainer.parameters.device)
            )
            .array(of: Float.self)
            guard steps.allSatisfy({ $0 == steps[0] }) else {
                throw StageError(
                    .badInput,
                    "the processes go on from different steps (\(steps.map { Int($0) })): they do not see the same "
                        + "folder of checkpoints")
            }
        } catch let error as TorchError {
            throw lost(error)
        }
    }

    /// The trained model; fails where a value is not finite.
    public func model() throws -> ModelFile {
        ModelFile(
            network: config.network, objective: config.objective, spacingUm: spacingUm,
            tensors: try trainer.state().tensors)
    }
}
