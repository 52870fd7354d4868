import NDArray
import Networks
import Testing
import Torch

@Suite(.serialized) struct TrainerTests {
    static let shape = ResidualNetworkShape(
        stemWidth: 4, stemStride: 2, widths: [4, 8], blocks: [1, 1], strides: [1, 2])

    private func trainer(
        _ objective: Objective = .spatial(sigmaMm: 10, temperature: 0.1), classes: Int? = nil, adam: Bool = false,
        seed: UInt64 = 1, rate: Double? = nil
    ) throws -> Trainer {
        let store = ParameterStore(seed: seed)
        let backbone = try ResidualNetwork(Self.shape, parameters: store)
        let output: any OutputLayers =
            try classes.map { try Classifier(features: 32, classes: $0, parameters: store) }
            ?? ProjectionHead(features: 32, outputs: 16, parameters: store)
        let optimizer: any Optimizer = adam ? AdamW(store) : LARS(store)
        let schedule = LearningRateSchedule(
            base: rate ?? (adam ? 0.004 : 0.4), shape: .cosine, warmUpSteps: 2, totalSteps: 60)
        return Trainer(
            backbone: backbone, output: output, parameters: store, objective: objective, optimizer: optimizer,
            schedule: schedule)
    }

    /// Stripes whose direction and width depend on the place, so that there is something to learn.
    private func batch(_ count: Int, step: Int) throws -> (images: Tensor, targets: BatchTargets) {
        var generator = SeededGenerator(seed: 11, stream: "batch", step)
        var pixels: [Float] = []
        var targets = BatchTargets()
        for _ in 0..<count {
            let place = generator.uniform()
            let label = Int(place * 4)
            let phase = generator.uniform() * 6
            targets.positionsMm.append(SIMD3(place * 60, 0, 0))
            targets.labels.append(label)
            for row in 0..<24 {
                for column in 0..<24 {
                    let along = place * Double(row) + (1 - place) * Double(column)
                    pixels.append(
                        Float(0.5 + 0.4 * Math.cos(along * (0.4 + place) + phase) + 0.05 * generator.normal()))
                }
            }
        }
        return (try Tensor(pixels, shape: [count, 1, 24, 24]), targets)
    }

    @Test(arguments: [
        Objective.spatial(sigmaMm: 5, temperature: 0.1), .pairedViews(temperature: 0.2),
        .sameLabel(temperature: 0.1),
        .classification,
    ])
    func everyObjectiveIsLearned(objective: Objective) throws {
        let trainer = try trainer(
            objective, classes: objective == .classification ? 4 : nil, adam: objective == .classification)
        for step in 0..<60 {
            var (images, targets) = try batch(24, step: step)
            if objective.views == 2 {
                let second = try images + Tensor(numbers("noise\(step)", images.count), shape: images.shape) * 0.05
                images = try Tensor.concatenated([images, second], axis: 0)
                targets = BatchTargets()
            }
            _ = try trainer.train(images: images, targets: targets)
        }
        let first = trainer.losses[..<5].reduce(0, +) / 5
        let last = trainer.losses[55...].reduce(0, +) / 5
        #expect(last < first - 0.1, "\(objective): \(first) -> \(last)")
    }

    @Test(arguments: [false, true])
    func aTrainingThatIsTakenUpAgainEndsWithTheSameBits(adam: Bool) throws {
        let whole = try trainer(adam: adam)
        for step in 0..<8 {
            let (images, targets) = try batch(12, step: step)
            _ = try whole.train(images: images, targets: targets)
        }
        let before = try trainer(adam: adam)
        for step in 0..<5 {
            let (images, targets) = try batch(12, step: step)
            _ = try before.train(images: images, targets: targets)
        }
        let after = try trainer(adam: adam, seed: 99)
        try after.restore(before.state())
        for step in after.step..<8 {
            let (images, targets) = try batch(12, step: step)
            _ = try after.train(images: images, targets: targets)
        }
        let (one, other) = try (whole.state(), after.state())
        #expect(one.tensors == other.tensors)
        #expect(one.optimizer == other.optimizer)
        #expect(one.losses == other.losses && other.losses.count == 8)
    }

    @Test func partsGiveTheGradientsOfTheWholeBatch() throws {
        // Batch normalisation sees the parts: each holds the same images here, so that their statistics are the whole's.
        let (images, targets) = try batch(6, step: 0)
        let twice = try Tensor.concatenated([images, images], axis: 0)
        var doubled = targets
        doubled.positionsMm += targets.positionsMm.map { $0 + SIMD3(0, 3, 0) }
        doubled.labels += targets.labels
        let whole = try trainer()
        let parts = try trainer()
        parts.partSize = 6
        // Two steps, so that a wrong gradient shows in the loss too.
        for _ in 0..<2 {
            let a = try whole.train(images: twice, targets: doubled)
            let b = try parts.train(images: twice, targets: doubled)
            #expect(abs(a.loss - b.loss) < 1e-4)
        }
        for (a, b) in try zip(whole.state().tensors, parts.state().tensors) where !a.name.contains("running") {
            // Two steps at rates up to 0.4 carry the rounding of gradients (sums of some 10³ terms of about 1) into the weights.
            for (x, y) in zip(a.values, b.values) { #expect(abs(x - y) < 5e-4, "\(a.name)") }
        }
    }

    @Test func mixedPrecisionAndCheckpointsLearnTheSame() throws {
        func run(_ change: (Trainer) -> Void) throws -> [Float] {
            let trainer = try trainer()
            change(trainer)
            for step in 0..<6 {
                let (images, targets) = try batch(16, step: step)
                _ = try trainer.train(images: images, targets: targets)
            }
            return trainer.losses
        }
        let plain = try run { _ in }
        #expect(try run { $0.checkpoints = true } == plain)
        let mixed = try run { $0.mixedPrecision = true }
        #expect(mixed != plain)
        // bfloat16's 2⁻⁹ a product, through six steps at a high rate: a tenth of the loss.
        for (a, b) in zip(mixed, plain) { #expect(abs(a - b) < 0.1 * b) }
    }

    @Test func aLossThatIsNoNumberStopsTheTraining() throws {
        let trainer = try trainer()
        let images = try Tensor([Float](repeating: .nan, count: 4 * 24 * 24), shape: [4, 1, 24, 24])
        let (_, targets) = try batch(4, step: 0)
        let error = #expect(throws: NetworkError.self) { try trainer.train(images: images, targets: targets) }
        #expect(error?.code == .diverged)
        #expect(error?.message.contains("step 0") == true)
        #expect(trainer.step == 0)
        #expect(throws: NetworkError.self) { try trainer.state() }  // the running statistics are no numbers
    }

    @Test func statesOfOtherTrainingsAreRefused() throws {
        let state = try trainer().state()
        let other = try trainer(classes: 5)
        #expect(throws: NetworkError.self) { try other.restore(state) }
        let torn = TrainingState(step: 3, losses: [], tensors: state.tensors, optimizer: [])
        #expect(throws: NetworkError.self) { try trainer().restore(torn) }
        let (images, targets) = try batch(6, step: 0)
        let trained = try trainer()
        _ = try trained.train(images: images, targets: targets)
        let adam = try trainer(adam: true)
        #expect(throws: NetworkError.self) { try adam.restore(trained.state()) }
    }

    @Test func everyEpochShowsEverySampleOnceInAnotherOrder() throws {
        let order = try EpochOrder(sampleCount: 10, batchSize: 3, seed: 4)
        #expect(order.batchesPerEpoch == 3)
        #expect(order.order(ofEpoch: 0).sorted() == Array(0..<10))
        #expect(order.order(ofEpoch: 0) != order.order(ofEpoch: 1))
        #expect(order.batch(ofStep: 4) == Array(order.order(ofEpoch: 1)[3..<6]))
        #expect(order.epoch(ofStep: 4) == 1)
        #expect(try EpochOrder(sampleCount: 10, batchSize: 3, seed: 5).order(ofEpoch: 0) != order.order(ofEpoch: 0))
        #expect(throws: NetworkError.self) { try EpochOrder(sampleCount: 2, batchSize: 3, seed: 4) }
        // All 24 orders of 4 samples come up alike: 24,000 epochs, 1000 each, sd √(1000 · 23/24) = 31.
        var counts: [[Int]: Int] = [:]
        let small = try EpochOrder(sampleCount: 4, batchSize: 1, seed: 7)
        for epoch in 0..<24_000 { counts[small.order(ofEpoch: epoch), default: 0] += 1 }
        #expect(counts.count == 24)
        #expect(counts.values.allSatisfy { abs($0 - 1000) < 5 * 31 })
    }
}
