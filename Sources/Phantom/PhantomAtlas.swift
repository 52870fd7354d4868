internal import NDArray

/// The areas of a species and how each is built; brains of the species vary them.
///
/// An area departs from the base profile by a smooth field over the cortex (60 %: neighbours are alike) and by a draw of its own
/// (80 %, in quadrature). A fifth of the areas is koniocortex; of the rest a quarter is agranular; a quarter of all has giant cells
/// in layer V, and a quarter a pale stripe.
public struct PhantomAtlas: Sendable {
    /// An area of the cortex, the same in both hemispheres.
    public struct Area: Sendable, Equatable {
        /// Value in area maps, from 1 on.
        public let index: UInt8
        public let name: String
        /// Its profile in the species; brains depart from it.
        public let profile: AreaProfile
    }

    public let areas: [Area]
    public let speciesSeed: UInt64
    public let halfLengthMm: Float

    /// Standard deviations of the logarithms between areas; brains depart from their species half as much.
    static let deviation: (fraction: Float, cells: Float, size: Float, thickness: Float) = (0.40, 0.29, 0.22, 0.22)

    /// Draws the areas of a species.
    ///
    /// - Parameters:
    ///   - speciesSeed: the same seed, names and centres give the same atlas.
    ///   - names: one for each area, at most 254.
    ///   - centresMm: where each area lies on the right hemisphere; near ones are alike.
    ///   - halfLengthMm: half the brain's length along its planes.
    public init(speciesSeed: UInt64, names: [String], centresMm: [PointMm], halfLengthMm: Float) {
        precondition(names.count == centresMm.count && names.count < 255, "An atlas has up to 254 areas with centres.")
        self.speciesSeed = speciesSeed
        self.halfLengthMm = halfLengthMm
        var random = SeededGenerator(seed: speciesSeed, stream: "areas")
        // A field for each of 6 fractions, 6 cell numbers, 6 cell sizes, and the thickness.
        let fields = (0..<19).map { _ in
            WaveNoise(wavelengthMm: 1.6 * Double(halfLengthMm), bandwidth: 0.3, waves: 16, generator: &random)
        }
        let special = SpecialAreas(count: names.count, generator: &random)
        areas = names.indices.map { index in
            var own = SeededGenerator(seed: speciesSeed, stream: "area", index)
            let deviations = fields.map { field in
                0.6 * min(max(field.value(centresMm[index]), -2), 2) + 0.8 * bounded(own.normal())
            }
            var profile = AreaProfile.base.varied(
                by: deviations, deviation: PhantomAtlas.deviation)
            special.apply(to: &profile, area: index, generator: &own)
            return Area(index: UInt8(index + 1), name: names[index], profile: profile)
        }
    }

    /// The cell architecture of one brain.
    ///
    /// - Parameter individual: seed of what is this brain's own; nil for the species' own architecture.
    public func architecture(individual: UInt64?) -> BrainArchitecture {
        let half = PhantomAtlas.deviation
        let own = areas.map { area in
            guard let individual else { return area.profile }
            var random = SeededGenerator(seed: individual, stream: "profile", Int(area.index))
            let deviations = (0..<19).map { _ in bounded(random.normal()) }
            return area.profile.varied(
                by: deviations,
                deviation: (half.fraction / 2, half.cells / 2, half.size / 2, 0.08))
        }
        // Layers III and V are denser on the left.
        func side(_ factor: Float) -> [AreaProfile] {
            own.map { profile in
                var profile = profile
                for layer in [2, 4] { profile.cellsPerMm2[layer] *= factor }
                return profile
            }
        }
        return BrainArchitecture(
            names: areas.map(\.name), left: side(1.06), right: side(0.94), speciesSeed: speciesSeed,
            halfLengthMm: halfLengthMm)
    }
}

extension AreaProfile {
    /// The profile with each value multiplied by exp(deviation × draw).
    ///
    /// - Parameter draws: 19 standard normal values: fractions, cells, sizes, thickness.
    func varied(
        by draws: [Float], deviation: (fraction: Float, cells: Float, size: Float, thickness: Float)
    ) -> AreaProfile {
        func times(_ values: [Float], _ deviation: Float, from first: Int) -> [Float] {
            values.indices.map { values[$0] * Math.expf(deviation * draws[first + $0]) }
        }
        return AreaProfile(
            fractions: times(fractions, deviation.fraction, from: 0),
            cellsPerMm2: times(cellsPerMm2, deviation.cells, from: 6),
            cellAreaUm2: times(cellAreaUm2, deviation.size, from: 12),
            thicknessFactor: thicknessFactor * Math.expf(deviation.thickness * draws[18]),
            isKoniocortex: isKoniocortex, isAgranular: isAgranular, giantCellsPerMm2: giantCellsPerMm2,
            paleStripe: paleStripe)
    }
}

/// Which areas have something special.
private struct SpecialAreas {
    var koniocortex: Set<Int>
    var agranular: Set<Int>
    var giant: Set<Int>
    var stripe: Set<Int>

    init(count: Int, generator: inout SeededGenerator) {
        func share(_ part: Double, of areas: [Int]) -> Set<Int> {
            Set(areas.shuffled(using: &generator).prefix(Int((part * Double(areas.count)).rounded())))
        }
        let all = Array(0..<count)
        koniocortex = share(0.2, of: all)
        let konio = koniocortex
        let rest = all.filter { !konio.contains($0) }
        agranular = share(0.25, of: rest)
        giant = share(0.25, of: all)
        stripe = share(0.25, of: all)
    }

    func apply(to profile: inout AreaProfile, area: Int, generator: inout SeededGenerator) {
        // Drawn for every area, so that one area's kind doesn't shift its other draws.
        let giantCells = Float(3 + 6 * generator.uniform())
        let depth = Float(0.35 + 0.25 * generator.uniform())
        let strength = Float(0.45 + 0.25 * generator.uniform())
        var fractions = profile.fractions
        if koniocortex.contains(area) {
            fractions[3] *= 2
            profile.cellsPerMm2[3] *= 1.5
            profile.cellAreaUm2[3] *= 0.8
            profile.isKoniocortex = true
        }
        if agranular.contains(area) {
            fractions[3] *= 0.15
            profile.cellsPerMm2[3] *= 0.6
            profile.isAgranular = true
        }
        profile = AreaProfile(
            fractions: fractions, cellsPerMm2: profile.cellsPerMm2, cellAreaUm2: profile.cellAreaUm2,
            thicknessFactor: profile.thicknessFactor, isKoniocortex: profile.isKoniocortex,
            isAgranular: profile.isAgranular, giantCellsPerMm2: giant.contains(area) ? giantCells : 0,
            paleStripe: stripe.contains(area)
                ? AreaProfile.PaleStripe(depth: depth, width: 0.05, strength: strength) : nil)
    }
}

/// A normal draw within two standard deviations.
private func bounded(_ draw: Double) -> Float { Float(min(max(draw, -2), 2)) }
