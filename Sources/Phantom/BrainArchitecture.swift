internal import NDArray

/// The cell architecture of one brain: the profile of each area in each hemisphere, and what changes slowly besides.
public struct BrainArchitecture: Sendable {
    /// Names of the areas; area `i` of a map stands at `i − 1`.
    public let names: [String]
    /// Profiles of the left and of the right hemisphere, in the order of the names.
    public let left: [AreaProfile]
    public let right: [AreaProfile]
    /// Seed of what the brain's species has in common.
    public let speciesSeed: UInt64
    /// Half the brain's length along its planes.
    public let halfLengthMm: Float

    private let gradients: [WaveNoise]

    public init(
        names: [String], left: [AreaProfile], right: [AreaProfile], speciesSeed: UInt64, halfLengthMm: Float
    ) {
        precondition(
            left.count == names.count && right.count == names.count, "Each area needs a profile in each hemisphere.")
        precondition(halfLengthMm > 0, "A brain needs a length.")
        self.names = names
        self.left = left
        self.right = right
        self.speciesSeed = speciesSeed
        self.halfLengthMm = halfLengthMm
        var random = SeededGenerator(seed: speciesSeed, stream: "gradients")
        // About one turn along the brain, whatever its size.
        gradients = (0..<6).map { _ in
            WaveNoise(wavelengthMm: 1.2 * Double(halfLengthMm), bandwidth: 0.3, waves: 16, generator: &random)
        }
    }

    /// The profile of an area in a hemisphere.
    ///
    /// - Parameter area: 1 … n; for 0, where the map has no area, the base profile.
    public func profile(area: UInt8, hemisphere: Hemisphere) -> AreaProfile {
        guard area > 0, Int(area) <= names.count else { return .base }
        return profiles(hemisphere)[Int(area) - 1]
    }

    /// The profiles of a hemisphere, area 1 first.
    public func profiles(_ hemisphere: Hemisphere) -> [AreaProfile] { hemisphere == .left ? left : right }

    /// What multiplies the cells of each layer at a point of the brain: smooth fields of 0.08 a layer, and 0.10 fewer cells
    /// at the front end than in the middle, 0.10 more at the back.
    public func slowFactors(at point: PointMm) -> SlowFactors {
        var cells = SIMD8<Float>(repeating: 1)
        let along = min(max(point.plane / halfLengthMm, -1), 1)
        for layer in 0..<6 {
            let field = min(max(gradients[layer].value(point), -2.5), 2.5)
            cells[layer] = Math.expf(0.08 * field) * (1 - 0.10 * along)
        }
        return SlowFactors(cells: cells)
    }
}
