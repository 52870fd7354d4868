public import NDArray

/// How a section was stained, mounted and scanned: everything about its look that is not anatomy.
public struct SectionStain: Sendable, Equatable {
    /// Gray level of the empty slide.
    public var slideLevel: Double = 246
    /// Factor on every optical density.
    public var gain: Double = 1
    public var whiteDensity: Double = 0.15
    public var nucleusDensity: Double = 0.31
    /// Width over which gray turns into white matter.
    public var fadeUm: Double = 260
    /// Standard deviation of the stain across the section, as a share; changes over centimetres.
    public var unevenness: Double = 0.08
    /// The same of the light; changes over the scan.
    public var lightUnevenness: Double = 0.012
    /// Standard deviation of the grain's density, as a share, at a grain of `grainUm`.
    public var grain: Double = 0.20
    public var grainUm: Double = 55
    /// Standard deviation of the camera's noise in gray levels.
    public var noiseLevels: Double = 1.3
    public var vesselsPerMm2: Double = 0.30
    public var dustSpecks: Int = 25

    public init() {}

    /// A stain with the gain of its section drawn at random.
    public static func drawn(gainSpread: Double = 0.15, generator: inout SeededGenerator) -> SectionStain {
        var stain = SectionStain()
        stain.gain = Math.exp(gainSpread * min(max(generator.normal(), -2), 2))
        stain.slideLevel = 246 + 3 * min(max(generator.normal(), -2), 2)
        stain.unevenness *= Math.exp(0.25 * min(max(generator.normal(), -2), 2))
        stain.grain *= Math.exp(0.2 * min(max(generator.normal(), -2), 2))
        return stain
    }
}
