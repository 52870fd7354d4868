internal import HDF5
internal import Networks
internal import StageKit
internal import Torch

/// What layer classifiers are trained and tested on: the patches, or the maps that a frozen network makes of them.
protocol LayerSource {
    /// A backbone that takes `batch`es, with a store of its own for a new model, and whose features are those of each place.
    func backbone(seed: UInt64) throws -> any Backbone
    /// What the backbone takes, for some patches.
    func batch(_ patches: [Int]) throws -> Tensor
}

/// Maps of a frozen network, computed once for all models and kept in a scratch file: only the batch at hand is in memory.
struct FrozenMaps: LayerSource {
    private let maps: HDF5Dataset
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
        try HDF5File.create(scratch) { file in
            let maps = try file.makeDataset(
                "/maps", element: .float32, shape: [patches.count, places, featureCount], layout: .contiguous)
            try inference.run(patches, rows: Array(0..<patches.count)) {
                [try network($0)]
            } each: { range, values in
                try maps.write(
                    values[0], at: [range.lowerBound, 0, 0], shape: [range.count, places, featureCount])
                progress(Double(range.upperBound) / Double(patches.count))
            }
        }
        maps = try HDF5File(reading: scratch).dataset("/maps")
    }

    func backbone(seed: UInt64) throws -> any Backbone {
        PrecomputedFeatures(featureCount: featureCount, trained: ParameterStore(seed: seed, device: device))
    }

    func batch(_ patches: [Int]) throws -> Tensor {
        var values: [Float] = []
        values.reserveCapacity(patches.count * places * featureCount)
        for patch in patches {
            values += try maps.read(at: [patch, 0, 0], shape: [1, places, featureCount], as: Float.self)
        }
        return try Tensor(values, shape: [patches.count, places, featureCount]).moved(to: device)
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

/// Trains one model and asks it of the test patches.
struct LayerTraining {
    let source: any LayerSource
    let masks: LayerMasks
    let recipe: TrainingRecipe
    let steps: Int

    /// The class of each place of each tested patch.
    ///
    /// - Parameters:
    ///   - training: patches to train on.
    ///   - seed: of the model's first values and the order of its batches.
    func predictions(training: [Int], test: [Int], seed: UInt64) throws -> [[UInt8]] {
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
