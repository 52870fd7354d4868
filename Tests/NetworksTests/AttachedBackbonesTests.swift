import Networks
import Testing
import Torch

@Suite struct AttachedBackbonesTests {
    private func images(_ count: Int = 4) throws -> Tensor {
        try Tensor((0..<count * 32 * 32).map { Float($0 * 7919 % 251) / 251 }, shape: [count, 1, 32, 32])
    }

    private func backbone() throws -> ResidualNetwork {
        try ResidualNetwork(.small, parameters: ParameterStore(seed: 1))
    }

    @Test func aFrozenBackboneChangesNeitherWeightsNorStatistics() throws {
        let inner = try backbone()
        let before = try inner.parameters.values()
        let head = ParameterStore(seed: 2)
        let frozen = FrozenBackbone(inner, trained: head)
        let classifier = try Classifier(features: frozen.featureCount, classes: 2, parameters: head)
        let trainer = Trainer(
            backbone: frozen, output: classifier, parameters: head, objective: .classification,
            optimizer: NesterovSGD(head), schedule: LearningRateSchedule(base: 1, totalSteps: 3))
        let first = try head.values()
        for _ in 0..<3 { _ = try trainer.train(images: images(), targets: BatchTargets(labels: [0, 1, 0, 1])) }
        #expect(try inner.parameters.values() == before)
        #expect(try head.values() != first)
    }

    @Test func aPlacewiseBackboneWithAClassifierIsAConvolutionOfOnePixel() throws {
        let inner = try backbone()
        let placewise = PlacewiseBackbone(inner)
        let images = try images(2)
        let output = try withoutGradients { try placewise(images, .inference) }
        let map = try withoutGradients { try inner(images, .inference).map }
        let sizes = map.shape
        #expect(output.features.shape == [2 * sizes[2] * sizes[3], 256])
        let weight = try Tensor((0..<7 * 256).map { Float($0 % 13) - 6 }, shape: [7, 256])
        let dense = try map.convolved(with: weight.reshaped([7, 256, 1, 1]), stride: 1, padding: 0)
            .permuted([0, 2, 3, 1]).reshaped([-1, 7]).array(of: Float.self)
        let linear = try output.features.linear(weight: weight, bias: nil).array(of: Float.self)
        let scale = dense.map(abs).max() ?? 1
        // 256 products in another order.
        #expect(zip(dense, linear).allSatisfy { abs($0 - $1) <= 1e-5 * scale })
    }

    @Test func aProjectedBackboneGivesTheHeadsOutputs() throws {
        let inner = try backbone()
        let head = try ProjectionHead(features: 256, outputs: 10, parameters: inner.parameters)
        let projected = ProjectedBackbone(inner, head: head, outputs: 10)
        let images = try images(2)
        let found = try withoutGradients { try projected(images, .inference).features.array(of: Float.self) }
        let wanted = try withoutGradients {
            try head(inner(images, .inference).features, .inference).array(of: Float.self)
        }
        #expect(found == wanted && projected.featureCount == 10 && found.count == 20)
    }

    @Test func precomputedFeaturesGoThrough() throws {
        let store = ParameterStore(seed: 1)
        let features = PrecomputedFeatures(featureCount: 3, trained: store)
        let values = (0..<12).map { Float($0) }
        let output = try features(Tensor(values, shape: [2, 2, 3]), .inference)
        #expect(output.features.shape == [4, 3])
        #expect(try output.features.array(of: Float.self) == values)
    }
}

@Suite struct NesterovSGDTests {
    /// f(w) = w²/2 from w = 1 with PyTorch's rule by hand: g = w + λw; v = m v + g; w −= lr (g + m v).
    @Test func stepsFollowTheRule() throws {
        let store = ParameterStore(seed: 1)
        let classifier = try Classifier(features: 1, classes: 1, parameters: store)
        try store.set("classifier.weight", to: [1])
        let optimizer = NesterovSGD(store, momentum: 0.9, weightDecay: 0.1)
        var (w, v) = (1.0, 0.0)
        for _ in 0..<5 {
            try store.clearGradients()
            let y = try classifier(Tensor([1] as [Float], shape: [1, 1]), .inference)
            try (y * y).sum().backward()  // gradient 2 w
            try optimizer.step(learningRate: 0.05)
            let g = 2 * w + 0.1 * w
            v = 0.9 * v + g
            w -= 0.05 * (g + 0.9 * v)
            let found = try #require(store.tensor(named: "classifier.weight")).array(of: Float.self)[0]
            #expect(abs(Double(found) - w) < 1e-6)
        }
    }

    @Test func aRestoredStateGoesOnAsUnbroken() throws {
        func run(_ breakAt: Int?) throws -> [Float] {
            let store = ParameterStore(seed: 3)
            let classifier = try Classifier(features: 2, classes: 2, parameters: store)
            var optimizer = NesterovSGD(store)
            for step in 0..<4 {
                if step == breakAt {
                    let state = try optimizer.state
                    optimizer = NesterovSGD(store)
                    try optimizer.restore(state)
                }
                try store.clearGradients()
                try crossEntropy(
                    classifier(Tensor([1, 2, 3, 5] as [Float], shape: [2, 2]), .inference), labels: [0, 1]
                ).backward()
                try optimizer.step(learningRate: 0.1)
            }
            return try #require(store.tensor(named: "classifier.weight")).array(of: Float.self)
        }
        #expect(try run(2) == run(nil))
        let store = ParameterStore(seed: 3)
        _ = try Classifier(features: 2, classes: 2, parameters: store)
        #expect(throws: NetworkError.self) {
            try NesterovSGD(store).restore([NamedState(name: "momentum/other", values: [1])])
        }
    }
}
