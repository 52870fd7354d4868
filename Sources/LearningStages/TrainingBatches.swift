internal import Networks

/// Makes the batches of a training: which patches a step sees, and how they are augmented, follows from the seed and the step alone.
///
/// In a group of processes each makes its own share of every batch.
struct TrainingBatches: Sendable {
    /// One step's share, not yet where the network is.
    struct Batch: Sendable {
        /// (views · samples of this process, 1, side, side).
        var pixels: [Float]
        var imageCount: Int
        /// Of the samples of all processes.
        var targets: BatchTargets
    }

    let patches: PatchSet
    let order: EpochOrder
    let patchSide: Int
    let views: Int
    let seed: UInt64
    let threads: Int
    /// This process's number and how many there are.
    let rank: Int
    let processes: Int
    private let recipe = AugmentationRecipe()

    init(
        patches: PatchSet, order: EpochOrder, patchSide: Int, views: Int, seed: UInt64, threads: Int, rank: Int,
        processes: Int
    ) {
        self.patches = patches
        self.order = order
        self.patchSide = patchSide
        self.views = views
        self.seed = seed
        self.threads = threads
        self.rank = rank
        self.processes = processes
    }

    /// The share of a step, counted from 0 over all epochs.
    func batch(ofStep step: Int) throws -> Batch {
        let points = order.batch(ofStep: step)
        let share = points.count / processes
        let own = Array(points[rank * share..<(rank + 1) * share])
        let epoch = order.epoch(ofStep: step)
        let draws = (0..<views).map { view in
            own.map { AugmentationDraw(recipe, seed: seed, epoch: epoch, sample: $0, view: view) }
        }
        let pixels = try patches.augmented(own, patchSide: patchSide, draws: draws, threads: threads)
        return Batch(pixels: pixels, imageCount: own.count * views, targets: patches.targets(of: points))
    }
}
