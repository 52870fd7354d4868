internal import Networks
internal import StageKit
internal import Torch

/// How a classifier is trained, as the config says it: optimizer, rates, batches, steps.
struct TrainingRecipe: Codable, Equatable {
    enum Optimization: String, Codable, CaseIterable {
        case sgd, lars, adamw
    }
    /// Whether the backbone's weights and statistics stay as they are.
    enum Strategy: String, Codable, CaseIterable {
        case linearProbe = "linear-probe"
        case finetune
    }

    var strategy: Strategy
    var optimization: Optimization
    var batchSize: Int
    var learningRate: Double
    var schedule: String
    var warmUpFraction: Double
    var momentum: Double
    var trust: Double
    var weightDecay: Double
    var partSize: Int?
    var mixedPrecision: Bool

    init(_ config: StageConfig) throws {
        strategy = try config.choice("strategy")
        optimization = try config.choice("optimizer")
        batchSize = try config.integer("batch_size", in: 1...)
        learningRate = try config.double("learning_rate", in: 0...)
        let shape: LearningRateSchedule.Shape = try config.choice("schedule")
        schedule = shape.rawValue
        warmUpFraction = try config.double("warm_up_fraction", in: 0...1)
        momentum = try config.double("momentum", in: 0..<1)
        trust = try config.double("trust", in: 0...)
        weightDecay = try config.double("weight_decay", in: 0...)
        partSize = try config.optionalInteger("part_size", in: 2...)
        mixedPrecision = try config.bool("mixed_precision")
    }

    /// The rate of each step.
    func rates(steps: Int) -> LearningRateSchedule {
        LearningRateSchedule(
            base: learningRate, shape: LearningRateSchedule.Shape(rawValue: schedule) ?? .constant,
            warmUpSteps: Int(warmUpFraction * Double(steps)), totalSteps: steps)
    }

    /// A trainer of a classifier on a backbone's features, and of the backbone where its store is the same.
    func trainer(_ backbone: any Backbone, _ classifier: Classifier, steps: Int) -> Trainer {
        let parameters = backbone.parameters
        let optimizer: any Optimizer =
            switch optimization {
            case .sgd: NesterovSGD(parameters, momentum: momentum, weightDecay: weightDecay)
            case .lars: LARS(parameters, trust: trust, momentum: momentum, weightDecay: weightDecay)
            case .adamw: AdamW(parameters, weightDecay: weightDecay)
            }
        let trainer = Trainer(
            backbone: backbone, output: classifier, parameters: parameters, objective: .classification,
            optimizer: optimizer, schedule: rates(steps: steps))
        trainer.mixedPrecision = mixedPrecision
        trainer.partSize = partSize
        return trainer
    }
}
