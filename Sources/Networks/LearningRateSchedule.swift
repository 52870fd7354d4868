internal import Foundation

/// The learning rate of each step.
public struct LearningRateSchedule: Sendable, Equatable {
    /// What follows the warm-up.
    public enum Shape: String, Sendable, Codable, CaseIterable {
        /// The base rate to the end, as in the paper's pretraining.
        case constant
        /// Half a cosine from the base rate to 0 (Loshchilov, Hutter 2017, arXiv 1608.03983).
        case cosine
    }

    /// The rate after the warm-up.
    public var base: Double
    public var shape: Shape
    /// Steps in which the rate rises in a straight line; the first step has base / warmUpSteps.
    public var warmUpSteps: Int
    /// All steps, the warm-up's included.
    public var totalSteps: Int

    public init(base: Double, shape: Shape = .constant, warmUpSteps: Int = 0, totalSteps: Int) {
        self.base = base
        self.shape = shape
        self.warmUpSteps = warmUpSteps
        self.totalSteps = totalSteps
    }

    /// The paper's rule: a rate for 256 samples grows with the batch, 0.01 · (B / 256).
    public static func scaled(rate: Double, batchSize: Int) -> Double { rate * Double(batchSize) / 256 }

    /// The rate of step 0, 1, … `totalSteps` − 1; later ones have the last's.
    public func rate(step: Int) -> Double {
        let step = min(max(step, 0), max(0, totalSteps - 1))
        if step < warmUpSteps { return base * Double(step + 1) / Double(warmUpSteps) }
        switch shape {
        case .constant: return base
        case .cosine:
            let left = max(1, totalSteps - warmUpSteps)
            return base * (1 + cos(Double.pi * Double(step - warmUpSteps) / Double(left))) / 2
        }
    }
}
