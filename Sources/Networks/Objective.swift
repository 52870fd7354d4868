public import Torch

/// What is known of the samples of a batch.
public struct BatchTargets: Sendable {
    /// Places in the shared space, mm; empty where the objective needs none.
    public var positionsMm: [SIMD3<Double>]
    /// Classes; −1 for none. Empty where the objective needs none.
    public var labels: [Int]

    public init(positionsMm: [SIMD3<Double>] = [], labels: [Int] = []) {
        self.positionsMm = positionsMm
        self.labels = labels
    }
}

/// What a training makes small.
public enum Objective: Sendable, Codable, Equatable {
    /// CytoNet: near places, similar features (Eq. 1, 2).
    case spatial(sigmaMm: Double, temperature: Double)
    /// SimCLR: two views of a patch, similar features. The batch holds all first views, then all second ones.
    case pairedViews(temperature: Double)
    /// SupCon: same label, similar features.
    case sameLabel(temperature: Double)
    /// Scratch: the label itself.
    case classification

    /// How many augmented views of each sample a batch holds.
    public var views: Int {
        if case .pairedViews = self { 2 } else { 1 }
    }

    /// The loss of a batch's outputs, (samples, d) or (samples, classes).
    public func loss(_ outputs: Tensor, _ targets: BatchTargets) throws -> Tensor {
        switch self {
        case .spatial(let sigmaMm, let temperature):
            return try spatialNCE(
                outputs, positionsMm: targets.positionsMm, sigmaMm: sigmaMm, temperature: temperature)
        case .pairedViews(let temperature):
            return try contrastiveLoss(
                outputs, .pairedViews(sampleCount: outputs.shape[0]), temperature: temperature)
        case .sameLabel(let temperature):
            return try contrastiveLoss(outputs, .sameLabel(targets.labels), temperature: temperature)
        case .classification:
            return try crossEntropy(outputs, labels: targets.labels)
        }
    }
}
