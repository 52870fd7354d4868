public import NDArray

/// How a section was stained, mounted and scanned: everything about its look that is not anatomy.
public struct SectionStain: Sendable, Equatable {
    /// Factor on every optical density.
    public var gain: Double = 1
    /// Exponent of the scanner's contrast curve about a darkness of 0.4, that of gray matter.
    public var gamma: Double = 1
    /// Light that the empty slide lets through, as a share of white.
    public var background: Double = 0.90
    /// Optical density of what lies between the cells of gray matter, above that of the mounted tissue.
    public var neuropil: Double = 0.14
    /// Standard deviation of the scanner's blur in pixels.
    public var blurPx: Double = 0.6
    /// Standard deviation of the tissue's grain in optical density.
    public var grain: Double = 0.03
    public var grainUm: Double = 28
    /// Width over which gray turns into white matter.
    public var fadeUm: Double = 160
    /// Standard deviation of the stain across the section, as a share; changes over centimetres.
    public var unevenness: Double = 0.08
    /// The same of the light; changes over the scan.
    public var lightUnevenness: Double = 0.012
    /// Standard deviation of the camera's noise in gray levels.
    public var noiseLevels: Double = 1.3
    public var vesselsPerMm2: Double = 0.30
    public var specksPerMm2: Double = 0.006

    public init() {}

    /// Which laboratory stained the brain.
    public enum Laboratory: String, Sendable, CaseIterable {
        /// The one of the brains that a network is trained on.
        case usual
        /// Another one: stronger, flatter in contrast, grainier.
        case shifted
    }

    /// A stain drawn at random (design: what a small phantom can show).
    ///
    /// Half of the variance is the brain's, half the section's: sections of one brain were stained together, and still differ.
    ///
    /// - Parameters:
    ///   - spread: factor on the standard deviations, 0 for the middle of the design.
    ///   - brain: a generator that all sections of the brain start alike.
    ///   - section: a generator of the section's own.
    public static func drawn(
        _ laboratory: Laboratory = .usual, spread: Double = 1, brain: inout SeededGenerator,
        section: inout SeededGenerator
    ) -> SectionStain {
        func draw() -> Double {
            let value = 0.7071 * brain.normal() + 0.7071 * section.normal()
            return spread * min(max(value, -1.8), 1.8)
        }
        var stain = SectionStain()
        stain.gain = Math.exp(0.25 * draw())
        stain.gamma = Math.exp(0.30 * draw())
        stain.background = min(stain.background + 0.05 * draw(), 0.985)
        stain.neuropil = max(stain.neuropil + 0.07 * draw(), 0.04)
        stain.blurPx = 0.45 + 0.35 * section.uniform()
        stain.grain = min(max(0.025 * Math.exp(0.5 * draw()), 0.01), 0.05)
        stain.unevenness *= Math.exp(0.25 * draw())
        if laboratory == .shifted {
            stain.gain *= 1.35
            stain.gamma *= 0.8
            stain.grain *= 1.6
        }
        return stain
    }

    /// Optical density of gray matter without its cells; mounted tissue is never quite clear, and fine processes are stained.
    var grayDensity: Float { Float(0.10 + neuropil) }

    /// Optical density of white matter without its cells: myelin takes no stain.
    var whiteDensity: Float { Float(0.06 + 0.2 * neuropil) }

    /// Gray levels by optical density, in steps of `1 / densitySteps`.
    func exposure() -> [Float] {
        (0...6 * SectionStain.densitySteps).map { step in
            let darkness = 1 - Math.exp(-Double(step) / Double(SectionStain.densitySteps))
            let seen = darkness > 0 ? 0.4 * Math.pow(darkness / 0.4, gamma) : 0
            return Float(255 * background * (1 - min(seen, 0.97)))
        }
    }

    static let densitySteps = 1024
}
