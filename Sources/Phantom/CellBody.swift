internal import NDArray

/// How a stained cell body takes away light: a dark core with a paler rim.
///
/// Optical density is constant in the core and falls linearly to nothing over the rim (dendrites, and what lies out of focus in
/// a section of 20 µm). Cells of a Poisson process multiply the light, so the light that passes on average is
/// exp(−density × area × `cover`), with the integral of 1 − transmission over one cell in units of its area as `cover`.
enum CellBody {
    static let coreDensity: Float = 1.35
    static let rimDensity: Float = 0.42
    /// Outer radius of the rim in radii of the core.
    static let reach: Float = 1.9
    /// Standard deviation of the logarithm of a cell's area.
    static let areaSpread: Float = 0.40
    /// Giant pyramidal cells of layer V.
    static let giantAreaUm2: Float = 1100

    /// E[a²] / E[a]² of a log-normal area.
    static var areaMoment: Float { Math.expf(areaSpread * areaSpread) }

    /// Light taken away by one cell, in units of its core's area, where the stain is `gain` times as strong.
    static func cover(gain: Float) -> Float {
        let core = 1 - Math.expf(-gain * coreDensity)
        // Midpoint rule over the rim: 2ρ dρ is a ring's area in units of the core's.
        let steps = 64
        var rim: Float = 0
        for step in 0..<steps {
            let share = (Float(step) + 0.5) / Float(steps)
            let radius = 1 + (reach - 1) * share
            rim += (1 - Math.expf(-gain * rimDensity * (1 - share))) * 2 * radius * (reach - 1) / Float(steps)
        }
        return core + rim
    }

    /// Share of the variance that is left of cells' cover when it is averaged over a pixel, against cells that are points.
    ///
    /// A cell is taken for a Gaussian of the standard deviation `sigmaUm` along each axis: the autocorrelation of the box and that of
    /// the Gaussian, integrated over one axis, squared for two.
    static func retainedVariance(pixelUm: Float, sigmaUm: Float) -> Float {
        guard sigmaUm > 0 else { return 1 }
        let width = 1.414214 * sigmaUm
        let steps = 64
        var sum: Float = 0
        for step in 0..<steps {
            let x = (Float(step) + 0.5) / Float(steps) * pixelUm
            let t = x / width
            sum += (1 - x / pixelUm) * Math.expf(-0.5 * t * t)
        }
        let along = 2 * sum * pixelUm / Float(steps) / (width * 2.506628)
        return min(along, 1) * min(along, 1)
    }
}
