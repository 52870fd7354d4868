import Foundation
import Networks
import Testing
import Torch

@Suite struct OptimizerTests {
    /// Five steps of the head of `losses.py` with the recorded rates; rounding of float32 grows little in them.
    private func run(
        _ recorded: LossVectors.Steps, rate: Double, breakAt: Int? = nil, _ make: (ParameterStore) -> any Optimizer
    ) throws {
        let store = ParameterStore(seed: nil)
        let head = try ProjectionHead(features: 6, outputs: 4, parameters: store)
        try fillHead(store)
        let batch = try Tensor(numbers("batch", 60), shape: [10, 6])
        var optimizer = make(store)
        for (step, factor) in [0.1, 0.2, 0.05, 0.1, 0.3].enumerated() {
            if step == breakAt {  // a new optimizer takes up the state
                let state = try optimizer.state
                optimizer = make(store)
                try optimizer.restore(state)
            }
            try store.clearGradients()
            let output = try head(batch, .training())
            let loss = try (output * output).mean()
            try loss.backward()
            #expect(abs(try loss.number() - recorded.losses[step]) < 1e-5)
            try optimizer.step(learningRate: rate * factor)
        }
        // The batch normalisation after it takes this bias out again: its gradient is nothing but rounding, which Adam would
        // blow up to full steps.
        for (name, values) in recorded.parameters where name != "projection.fc1.bias" {
            let ours = try #require(store.tensor(named: name)).array(of: Float.self)
            #expect(ours.count == values.count)
            for (a, b) in zip(ours, values) { #expect(abs(Double(a) - b) < 2e-5, "\(name)") }
        }
    }

    @Test(arguments: [nil, 3])
    func larsEqualsPyTorchWithAndWithoutABreak(breakAt: Int?) throws {
        try run(LossVectors.load().lars, rate: 1, breakAt: breakAt) { LARS($0, weightDecay: 0.01) }
    }

    @Test(arguments: [nil, 3])
    func adamWEqualsPyTorchWithAndWithoutABreak(breakAt: Int?) throws {
        try run(LossVectors.load().adamw, rate: 0.01, breakAt: breakAt) { AdamW($0, weightDecay: 0.05) }
    }

    @Test func aLarsStepHasTheLengthThatTrustAsksFor() throws {
        // Without momentum and decay a weight moves by lr · trust · ‖w‖, whatever the gradient's length.
        for scale in [1e-3, 1, 1e3] {
            let store = ParameterStore(seed: 1)
            let head = try ProjectionHead(features: 6, outputs: 4, parameters: store)
            let weight = try #require(store.tensor(named: "projection.fc2.weight"))
            let before = try weight.detached() + 0
            let output = try head(Tensor(numbers("batch", 60), shape: [10, 6]), .training())
            try ((output * output).sum() * scale).backward()
            try LARS(store, trust: 0.02, momentum: 0, weightDecay: 0).step(learningRate: 0.5)
            let moved = try (weight.detached() - before).norm().number() / before.norm().number()
            #expect(abs(moved - 0.01) < 1e-6)
        }
    }

    @Test func tensorsOfZerosAndWithoutGradientsGiveNumbers() throws {
        let store = ParameterStore(seed: 1)
        let head = try ProjectionHead(features: 6, outputs: 4, parameters: store)
        for name in ["projection.fc1.weight", "projection.fc2.weight"] {
            try store.set(name, to: [Float](repeating: 0, count: try #require(store.tensor(named: name)).count))
        }
        let lars = LARS(store)
        try lars.step(learningRate: 1)  // no gradients: nothing happens
        #expect(try lars.state.isEmpty)
        let output = try head(Tensor(numbers("batch", 60), shape: [10, 6]), .training())
        try (output * output).sum().backward()
        try lars.step(learningRate: 1)
        for entry in store.tensors { #expect(try entry.tensor.isFinite(), "\(entry.name)") }
    }

    @Test func stateOfAnotherNetworkIsRefused() throws {
        let store = ParameterStore(seed: 1)
        _ = try ProjectionHead(features: 6, outputs: 4, parameters: store)
        let foreign = [NamedState(name: "momentum/other", values: [1])]
        #expect(throws: NetworkError.self) { try LARS(store).restore(foreign) }
        #expect(throws: NetworkError.self) { try AdamW(store).restore(foreign) }
        let short = [NamedState(name: "momentum/projection.fc1.bias", values: [1])]
        #expect(throws: NetworkError.self) { try LARS(store).restore(short) }
        #expect(throws: NetworkError.self) { try LARS(store).restore(foreign + foreign) }
    }

    @Test func schedulesHaveTheirFormulas() {
        let constant = LearningRateSchedule(base: 0.08, totalSteps: 10)
        #expect((0..<12).allSatisfy { constant.rate(step: $0) == 0.08 })
        #expect(LearningRateSchedule.scaled(rate: 0.01, batchSize: 2048) == 0.08)
        let cosine = LearningRateSchedule(base: 2, shape: .cosine, warmUpSteps: 4, totalSteps: 12)
        #expect((0..<4).map { cosine.rate(step: $0) } == [0.5, 1, 1.5, 2])
        #expect(cosine.rate(step: 4) == 2)
        #expect(abs(cosine.rate(step: 8) - 1) < 1e-15)  // half way: half the rate
        #expect(cosine.rate(step: 11) > 0 && cosine.rate(step: 11) < 0.1)
        #expect((5..<12).allSatisfy { cosine.rate(step: $0) < cosine.rate(step: $0 - 1) })
        #expect(LearningRateSchedule(base: 1, shape: .cosine, totalSteps: 0).rate(step: 0) == 1)
    }
}
