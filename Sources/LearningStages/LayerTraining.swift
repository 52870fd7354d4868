internal import HDF5
internal import NDArray
internal import Networks
internal import StageKit
internal import Synchronization
internal import Torch

/// What layer classifiers are trained and tested on: the patches, or the maps that a frozen network makes of them.
protocol LayerSource {
    /// A backbone that takes `batch`es, with a store of its own for a new model, and whose features are those of each place.
    func backbone(seed: UInt64) throws -> any Backbone
    /// What the backbone takes, for some patches.
    func batch(_ patches: [Int]) throws -> Tensor
}

/// Maps of a frozen network, computed once for all models: in memory where they are few, else in a scratch file of which only the
/// batch at hand is in memory.
struct FrozenMaps: LayerSource {
    /// Maps of more bytes than these stay in the file.
    private static let memoryBytes = 256 << 20

    private enum Keeping {
        /// (patches, places, features).
        case memory(Tensor)
        case file(HDF5Dataset)
    }

    private let keeping: Keeping
    private let places: Int
    private let featureCount: Int
    private let device: Device

    /// Computes the maps.
    ///
    /// - Parameters:
    ///   - network: images -> (n · places, features).
    ///   - scratch: path of the file.
    init(
        _ patches: some PatchWindows, places: Int, featureCount: Int, inference: PatchInference, scratch: String,
        network: (Tensor) throws -> Tensor, progress: (Double) -> Void
    ) throws {
        self.places = places
        self.featureCount = featureCount
        device = inference.device
        let shape = [patches.count, places, featureCount]
        func compute(_ keep: (Range<Int>, [Float]) throws -> Void) throws {
            try inference.run(patches, rows: Array(0..<patches.count)) {
                [try network($0)]
            } each: { range, values in
                try keep(range, values[0])
                progress(Double(range.upperBound) / Double(patches.count))
            }
        }
        let count = shape.reduce(1, *)
        if count * MemoryLayout<Float>.size <= Self.memoryBytes {
            var maps: [Float] = []
            maps.reserveCapacity(count)
            try compute { maps += $1 }
            keeping = .memory(try Tensor(maps, shape: shape).moved(to: device))
        } else {
            try HDF5File.create(scratch) { file in
                let maps = try file.makeDataset("/maps", element: .float32, shape: shape, layout: .contiguous)
                try compute { range, values in
                    try maps.write(
                        values, at: [range.lowerBound, 0, 0], shape: [range.count, places, featureCount])
                }
            }
            keeping = .file(try HDF5File(reading: scratch).dataset("/maps"))
        }
    }

    func backbone(seed: UInt64) throws -> any Backbone {
        PrecomputedFeatures(featureCount: featureCount, trained: ParameterStore(seed: seed, device: device))
    }

    func batch(_ patches: [Int]) throws -> Tensor {
        switch keeping {
        case .memory(let maps):
            let indices = try Tensor(patches.map { Int64($0) }, shape: [patches.count]).moved(to: device)
            return try maps.selecting(indices, axis: 0)
        case .file(let maps):
            var values: [Float] = []
            values.reserveCapacity(patches.count * places * featureCount)
            for patch in patches {
                values += try maps.read(at: [patch, 0, 0], shape: [1, places, featureCount], as: Float.self)
            }
            return try Tensor(values, shape: [patches.count, places, featureCount]).moved(to: device)
        }
    }
}

/// The patches themselves, for a network that is trained with its classifier: every model begins with the same weights.
struct LayerPatches<Windows: PatchWindows>: LayerSource {
    let patches: Windows
    let inference: PatchInference
    let network: NetworkDescription
    /// The pretrained weights; nil to begin from scratch.
    let weights: [TensorValues]?

    func backbone(seed: UInt64) throws -> any Backbone {
        let store = ParameterStore(seed: seed, device: inference.device)
        let backbone = try network.build(store)
        if let weights { try store.restore(weights) }
        return PlacewiseBackbone(backbone)
    }

    func batch(_ patches: [Int]) throws -> Tensor {
        try Tensor(
            inference.images(self.patches, rows: patches),
            shape: [patches.count, 1, inference.patchSide, inference.patchSide]
        ).moved(to: inference.device)
    }
}

/// Trains models and asks them of the test patches.
struct LayerTraining: @unchecked Sendable {
    // Sendable because a source's maps and weights are only read, and every other tensor belongs to the thread that makes it.
    let source: any LayerSource
    let masks: LayerMasks
    let recipe: TrainingRecipe
    let steps: Int

    /// One model's training.
    struct Model {
        /// Patches to train on.
        var training: [Int]
        /// Of the model's first values and the order of its batches.
        var seed: UInt64
    }

    /// The class of each place of each tested patch, by each of several models.
    ///
    /// - Parameters:
    ///   - threads: models that are trained at a time, each with libtorch on one thread: the layers are so small that to share
    ///     one among threads takes longer than to compute it. The result does not depend on it.
    ///   - done: told after each model, from any thread, how many are done.
    func predictions(
        _ models: [Model], test: [Int], threads: Int, done: @Sendable (Int) -> Void
    ) throws -> [[[UInt8]]] {
        var results = [Result<[[UInt8]], any Error>?](repeating: nil, count: models.count)
        results.withUnsafeMutableBufferPointer { buffer in
            guard !buffer.isEmpty else { return }
            let slices = DisjointSlices(buffer)
            let finished = Atomic<Int>(0)
            parallelFor(models.count, threads: threads) { index in
                slices[index] = Result {
                    try Torch.setThreads(1)
                    return try predictions(training: models[index].training, test: test, seed: models[index].seed)
                }
                done(finished.add(1, ordering: .relaxed).newValue)
            }
        }
        return try results.compactMap { try $0?.get() }
    }

    /// The class of each place of each tested patch by one model.
    private func predictions(training: [Int], test: [Int], seed: UInt64) throws -> [[UInt8]] {
        let backbone = try source.backbone(seed: seed)
        let classifier = try Classifier(
            features: backbone.featureCount, classes: LayerMasks.classCount, parameters: backbone.parameters)
        let trainer = recipe.trainer(backbone, classifier, steps: steps)
        let order = try EpochOrder(
            sampleCount: training.count, batchSize: min(recipe.batchSize, training.count), seed: seed)
        for step in 0..<steps {
            let patches = order.batch(ofStep: step).map { training[$0] }
            _ = try trainer.train(
                images: source.batch(patches), targets: BatchTargets(labels: patches.flatMap { masks.labels(of: $0) }))
        }
        let places = masks.mapSide * masks.mapSide
        let batch = max(1, min(recipe.partSize ?? recipe.batchSize, recipe.batchSize))
        var result: [[UInt8]] = []
        for start in stride(from: 0, to: test.count, by: batch) {
            let patches = Array(test[start..<min(start + batch, test.count)])
            let classes = try withoutGradients {
                try classifier(backbone(source.batch(patches), .inference).features, .inference)
                    .indexOfMaximum(axis: 1).array(of: Int64.self)
            }
            for index in patches.indices {
                result.append(classes[index * places..<(index + 1) * places].map { UInt8($0) })
            }
        }
        return result
    }
}
