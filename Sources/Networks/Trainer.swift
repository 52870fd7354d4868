public import Torch

/// What one step of training came to.
public struct StepReport: Sendable, Equatable {
    /// The step's number, from 0.
    public let step: Int
    public let loss: Float
    public let learningRate: Double
}

/// Trains a network step by step; its state can be kept and taken up again at any step.
///
/// A batch that is too large for the memory goes through in parts, and the result is that of the whole: the outputs of all parts are
/// computed without gradients, the loss of all together gives the gradient of each output, and each part runs once more to
/// carry its share back (Gao et al. 2021, arXiv 2101.06983). Batch normalisation then sees the parts.
public final class Trainer {
    public let parameters: ParameterStore
    private let backbone: any Backbone
    private let output: any OutputLayers
    private let objective: Objective
    private let optimizer: any Optimizer
    private let schedule: LearningRateSchedule
    /// Runs products in bfloat16.
    public var mixedPrecision = false
    /// Runs blocks again for their gradients instead of keeping what they computed.
    public var checkpoints = false
    /// At most this many samples go through the network at once; nil for all.
    public var partSize: Int?
    /// Processes that train together, each on its share of every batch; nil for this one alone.
    ///
    /// The outputs of all are gathered, so that the loss is that of the whole batch; batch normalisation takes the statistics of
    /// all; gradients are summed. The result is that of one process with the whole batch, but for rounding (Methods 3.9).
    public var group: ProcessGroup?
    /// Steps taken.
    public private(set) var step = 0
    /// The loss of each step taken.
    public private(set) var losses: [Float] = []

    /// - Parameter parameters: the store of `backbone` and `output` both.
    public init(
        backbone: any Backbone, output: any OutputLayers, parameters: ParameterStore, objective: Objective,
        optimizer: any Optimizer, schedule: LearningRateSchedule
    ) {
        precondition(backbone.parameters === parameters, "Backbone and output layers share one store.")
        self.parameters = parameters
        self.backbone = backbone
        self.output = output
        self.objective = objective
        self.optimizer = optimizer
        self.schedule = schedule
    }

    private func outputs(_ images: Tensor, _ pass: ForwardPass) throws -> Tensor {
        try withMixedPrecision(mixedPrecision, on: parameters.device) {
            try output(backbone(images, pass).features, pass)
        }
        .converted(to: parameters.precision.elementType)
    }

    /// One step on one batch.
    ///
    /// - Parameters:
    ///   - images: (samples, channels, side, side); for two views (2 · samples, …). In a group, this process's share.
    ///   - targets: of the samples, in their order. In a group, those of all processes, in the order of ranks.
    /// - Throws: `NetworkError` with `diverged` where the loss is not a number; nothing is changed then but running statistics.
    public func train(images: Tensor, targets: BatchTargets) throws -> StepReport {
        try parameters.clearGradients()
        let images = try images.converted(to: parameters.precision.elementType).moved(to: parameters.device)
        let count = images.shape[0]
        let pass = ForwardPass.training(checkpoints: checkpoints, group: group)
        let loss: Tensor
        if let partSize, partSize < count {
            loss = try accumulate(images, targets, partSize: max(1, partSize), pass)
        } else {
            loss = try self.loss(outputs(images, pass), targets)
            try checkFinite(loss)
            try loss.backward()
        }
        try group?.sum(parameters.trained.compactMap(\.tensor.gradient))
        let rate = schedule.rate(step: step)
        try optimizer.step(learningRate: rate)
        try parameters.clearGradients()
        let report = StepReport(step: step, loss: Float(try loss.number()), learningRate: rate)
        losses.append(report.loss)
        step += 1
        return report
    }

    private func accumulate(
        _ images: Tensor, _ targets: BatchTargets, partSize: Int, _ pass: ForwardPass
    ) throws -> Tensor {
        let count = images.shape[0]
        // Parts of nearly equal size: batch normalisation must not see a single sample at the end.
        let parts = (count + partSize - 1) / partSize
        let ranges = (0..<parts).map { $0 * count / parts..<($0 + 1) * count / parts }
        var first = pass
        first.updatesStatistics = false
        let computed = try withoutGradients {
            try ranges.map { try outputs(images.slice($0, axis: 0), first) }
        }
        let whole = try Tensor.concatenated(computed, axis: 0).detached().requiringGradient()
        let loss = try self.loss(whole, targets)
        try checkFinite(loss)
        try loss.backward()
        guard let gradient = whole.gradient else { return loss }
        for range in ranges {
            let part = try outputs(images.slice(range, axis: 0), pass)
            try (part * gradient.slice(range, axis: 0)).sum().backward()
        }
        return loss
    }

    /// The loss of the outputs of all processes.
    private func loss(_ outputs: Tensor, _ targets: BatchTargets) throws -> Tensor {
        guard let group, group.size > 1 else { return try objective.loss(outputs, targets) }
        var all = try group.gathered(outputs)
        let views = objective.views
        if views > 1 {
            // Each process gives its first views, then its second ones; the objective wants all first views first.
            let own = outputs.shape[0] / views
            let order = (0..<views).flatMap { view in
                (0..<group.size).flatMap { rank in (0..<own).map { Int64((rank * views + view) * own + $0) } }
            }
            all = try all.selecting(Tensor(order, shape: [order.count]).moved(to: all.device), axis: 0)
        }
        return try objective.loss(all, targets)
    }

    private func checkFinite(_ loss: Tensor) throws {
        guard try loss.isFinite() else {
            throw NetworkError(
                .diverged,
                "The loss of step \(step) is \(try loss.number()): training has diverged. \(remedy(step: step))")
        }
    }

    private func remedy(step: Int) -> String {
        "Begin anew with a lower learning rate (now \(schedule.rate(step: step))) or a longer warm-up."
    }

    /// All that goes on from here as if unbroken.
    ///
    /// - Throws: `NetworkError` with `diverged` where a tensor is not finite: such a state is not worth keeping.
    public func state() throws -> TrainingState {
        for entry in parameters.tensors where try !entry.tensor.isFinite() {
            throw NetworkError(
                .diverged,
                "After step \(step - 1), '\(entry.name)' holds values that are not numbers: training has diverged. "
                    + remedy(step: step - 1))
        }
        return TrainingState(
            step: step, losses: losses, tensors: try parameters.values(), optimizer: try optimizer.state)
    }

    /// Goes on from a state.
    ///
    /// - Throws: `NetworkError` where it is of another network or optimizer.
    public func restore(_ state: TrainingState) throws {
        guard state.losses.count == state.step, state.step >= 0 else {
            throw NetworkError(.mismatch, "The state has \(state.losses.count) losses for \(state.step) steps.")
        }
        try parameters.restore(state.tensors)
        try optimizer.restore(state.optimizer)
        step = state.step
        losses = state.losses
    }
}

/// A training between two steps.
public struct TrainingState: Sendable {
    /// Steps taken.
    public let step: Int
    /// The loss of each of them.
    public let losses: [Float]
    /// The network's tensors.
    public let tensors: [TensorValues]
    /// The optimizer's.
    public let optimizer: [NamedState]

    public init(step: Int, losses: [Float], tensors: [TensorValues], optimizer: [NamedState]) {
        self.step = step
        self.losses = losses
        self.tensors = tensors
        self.optimizer = optimizer
    }
}

/// One tensor's values, apart from libtorch.
public struct TensorValues: Sendable, Equatable {
    public let name: String
    public let shape: [Int]
    public let values: [Float]

    public init(name: String, shape: [Int], values: [Float]) {
        self.name = name
        self.shape = shape
        self.values = values
    }
}

extension ParameterStore {
    /// All tensors' values, running statistics included.
    public func values() throws -> [TensorValues] {
        try tensors.map {
            TensorValues(
                name: $0.name, shape: $0.tensor.shape,
                values: try $0.tensor.detached().converted(to: .float32).array(of: Float.self))
        }
    }

    /// Takes up the values of all tensors.
    ///
    /// - Throws: `NetworkError` where a name is missing or one too many, or a shape differs.
    public func restore(_ values: [TensorValues]) throws {
        var left = Dictionary(values.map { ($0.name, $0) }) { first, _ in first }
        for entry in tensors {
            guard let stored = left.removeValue(forKey: entry.name) else {
                throw NetworkError(.mismatch, "The stored model has no tensor '\(entry.name)': it is another network.")
            }
            guard stored.shape == entry.tensor.shape else {
                throw NetworkError(
                    .mismatch,
                    "'\(entry.name)' has the shape \(stored.shape) in the stored model and \(entry.tensor.shape) in this one."
                )
            }
            try set(entry.name, to: stored.values)
        }
        if let name = left.keys.min() {
            throw NetworkError(.mismatch, "The stored model has a tensor '\(name)' that this network has not.")
        }
    }
}
