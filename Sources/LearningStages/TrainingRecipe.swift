public import Networks
internal import StageKit
internal import Torch

/// Whether the backbone's weights and statistics stay as they are while a classifier on it is trained.
enum TrainingStrategy: String, CaseIterable {
    case linearProbe = "linear-probe"
    case finetune
}

/// How weights are moved, as the config of every stage that trains says it: optimizer, rates, batches, precision.
public struct TrainingRecipe: Sendable, Codable, Equatable {
    /// The optimizers by name.
    public enum Optimization: String, Sendable, Codable, CaseIterable {
        case sgd, lars, adamw
    }

    public var optimization: Optimization
    public var batchSize: Int
    public var learningRate: Double
    public var schedule: LearningRateSchedule.Shape
    public var warmUpFraction: Double
    public var momentum: Double
    public var trust: Double
    public var weightDecay: Double
    public var partSize: Int?
    public var mixedPrecision: Bool

    /// Reads the config of a job.
    ///
    /// - Parameter smallestBatch: 2 where the loss compares samples.
    init(_ config: StageConfig, smallestBatch: Int = 1) throws {
        optimization = try config.choice("optimizer")
        batchSize = try config.integer("batch_size", in: smallestBatch...)
        learningRate = try config.double("learning_rate", in: 0...)
        schedule = try config.choice("schedule")
        warmUpFraction = try config.double("warm_up_fraction", in: 0...1)
        momentum = try config.double("momentum", in: 0..<1)
        trust = try config.double("trust", in: 0...)
        weightDecay = try config.double("weight_decay", in: 0...)
        partSize = try config.optionalInteger("part_size", in: 2...)
        mixedPrecision = try config.bool("mixed_precision")
    }

    /// The rate of each step.
    public func rates(steps: Int) -> LearningRateSchedule {
        LearningRateSchedule(
            base: learningRate, shape: schedule, warmUpSteps: Int(warmUpFraction * Double(steps)), totalSteps: steps)
    }

    /// A trainer of the tensors in the backbone's store, which is the output layers' too.
    func trainer(
        _ backbone: any Backbone, _ output: any OutputLayers, objective: Objective = .classification, steps: Int
    ) -> Trainer {
        let parameters = backbone.parameters
        let optimizer: any Optimizer =
            switch optimization {
            case .sgd: NesterovSGD(parameters, momentum: momentum, weightDecay: weightDecay)
            case .lars: LARS(parameters, trust: trust, momentum: momentum, weightDecay: weightDecay)
            case .adamw: AdamW(parameters, weightDecay: weightDecay)
            }
        let trainer = Trainer(
            backbone: backbone, output: output, parameters: parameters, objective: objective, optimizer: optimizer,
            schedule: rates(steps: steps))
        trainer.mixedPrecision = mixedPrecision
        trainer.partSize = partSize
        return trainer
    }
}
