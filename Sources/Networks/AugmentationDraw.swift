internal import Foundation
internal import NDArray

/// How patches are varied in training: the ranges of Methods 3.4 by default.
public struct AugmentationRecipe: Sendable, Equatable {
    /// Rotation by an angle in ± this, rad.
    public var maximumAngleRad = Double.pi
    /// Shift by up to this in a random direction, mm.
    public var maximumShiftMm = 0.2
    /// How often a patch is mirrored.
    public var mirrorProbability = 0.5
    /// α of α xᵞ + β.
    public var gain: ClosedRange<Double> = 0.9...1
    /// β of α xᵞ + β.
    public var offset: ClosedRange<Double> = -0.1...0.1
    /// Z of the unbiased γ lies in ± this; below 1/√2.
    public var gammaSpread = 0.05
    /// Standard deviation of the Gaussian that blurs or sharpens, px.
    public var sigmaPx: ClosedRange<Double> = 0.125...1
    /// How much of the difference to the blurred patch is added when sharpening.
    public var sharpening: ClosedRange<Double> = 0.5...1.5
    /// How often a patch is blurred.
    public var blurProbability = 0.25
    /// How often a patch is sharpened; never the same one that is blurred.
    public var sharpenProbability = 0.25

    public init() {}
}

/// What happens to one patch: drawn once, applied by `augment`.
public struct AugmentationDraw: Sendable, Equatable {
    /// What follows the intensities.
    public enum Filter: Sendable, Equatable {
        case none
        case blur(sigmaPx: Double)
        case sharpen(sigmaPx: Double, amount: Double)
    }

    public var angleRad = 0.0
    /// Of the patch's centre, mm.
    public var shiftRowMm = 0.0
    public var shiftColumnMm = 0.0
    /// Whether the patch's first row becomes its last.
    public var mirrored = false
    public var gain = 1.0
    public var offset = 0.0
    public var gamma = 1.0
    public var filter = Filter.none

    /// The patch as it is.
    public init() {}

    /// The draw of one sample in one epoch: the same whatever was drawn before, on whichever thread or process.
    ///
    /// γ = log(½ + Z/√2) / log(½ − Z/√2) with Z uniform in ± the spread, so that γ and 1/γ are equally likely.
    ///
    /// - Parameter view: tells several views of one sample apart, as NT-Xent needs them.
    ///
    /// **Reference** Methods 3.4; Pohlen et al. 2017, DOI 10.1109/CVPR.2017.353, for γ.
    public init(_ recipe: AugmentationRecipe, seed: UInt64, epoch: Int, sample: Int, view: Int = 0) {
        var generator = SeededGenerator(seed: seed, stream: "augmentation", epoch, sample, view)
        func uniform(_ range: ClosedRange<Double>) -> Double {
            range.lowerBound + (range.upperBound - range.lowerBound) * generator.uniform()
        }
        // Everything is drawn, used or not, so that no probability shifts what follows.
        angleRad = uniform(-recipe.maximumAngleRad...recipe.maximumAngleRad)
        let direction = uniform(-Double.pi...Double.pi)
        let distance = uniform(0...recipe.maximumShiftMm)
        shiftRowMm = distance * sin(direction)
        shiftColumnMm = distance * cos(direction)
        mirrored = generator.uniform() < recipe.mirrorProbability
        gain = uniform(recipe.gain)
        offset = uniform(recipe.offset)
        let z = uniform(-recipe.gammaSpread...recipe.gammaSpread) * 0.5.squareRoot()
        gamma = log(0.5 + z) / log(0.5 - z)
        let choice = generator.uniform()
        let sigmaPx = uniform(recipe.sigmaPx)
        let amount = uniform(recipe.sharpening)
        if choice < recipe.blurProbability {
            filter = .blur(sigmaPx: sigmaPx)
        } else if choice < recipe.blurProbability + recipe.sharpenProbability {
            filter = .sharpen(sigmaPx: sigmaPx, amount: amount)
        }
    }
}
