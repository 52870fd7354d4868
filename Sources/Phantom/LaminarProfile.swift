/// How strongly cortex is stained from the pia to the white surface: cell bodies in six layers.
///
/// Optical densities of a cell-body stain, mean over the cortex about 0.38: pale layer I, dense II and IV, the pale upper
/// part of V, VI fading into white matter. Fractions and densities follow cell counts (see `stages.md`, phantom).
public struct LaminarProfile: Sendable {
    /// Optical density at evenly spaced depths, 0 at the pia, 1 at the white surface.
    public let density: [Float]

    /// The profile of six layers.
    ///
    /// - Parameters:
    ///   - fractions: share of the thickness of layers I to VI; they are scaled to the sum 1.
    ///   - densities: optical density of the layers.
    ///   - softness: standard deviation of the transitions, as a share of the thickness.
    public init(
        fractions: [Float] = [0.09, 0.08, 0.33, 0.09, 0.20, 0.21],
        densities: [Float] = [0.22, 0.46, 0.40, 0.47, 0.33, 0.37], softness: Float = 0.02, samples: Int = 512
    ) {
        precondition(
            fractions.count == densities.count && !fractions.isEmpty && samples > 1,
            "A profile needs as many densities as fractions.")
        let total = fractions.reduce(0, +)
        var stepped = [Float](repeating: 0, count: samples)
        for index in 0..<samples {
            let depth = (Float(index) + 0.5) / Float(samples) * total
            var (layer, end) = (0, fractions[0])
            while depth > end, layer + 1 < fractions.count {
                layer += 1
                end += fractions[layer]
            }
            stepped[index] = densities[layer]
        }
        // A triangle of the asked deviation: half width σ √6.
        let reach = max(Int((softness * Float(6).squareRoot() * Float(samples)).rounded()), 0)
        density = (0..<samples).map { index in
            var (sum, weights) = (Float(0), Float(0))
            for offset in -reach...reach {
                let weight = Float(reach + 1 - abs(offset))
                sum += weight * stepped[min(max(index + offset, 0), samples - 1)]
                weights += weight
            }
            return sum / weights
        }
    }
}
