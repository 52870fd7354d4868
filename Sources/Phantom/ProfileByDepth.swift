/// A cell profile in the depth steps of `CompositionTables`.
struct ProfileByDepth: Sendable {
    /// The layer, 1 … 6, of each step.
    let layers: [UInt8]
    private let profile: AreaProfile
    private let cellsPerMm2: SIMD8<Float>
    private let shares: [SIMD8<Float>]
    /// Factor of the pale stripe on the cells, 1 beside it.
    private let pale: [Float]

    /// Half the width over which a layer turns into the next, as a share of the thickness.
    private static let softness: Float = 0.022

    init(_ profile: AreaProfile) {
        self.profile = profile
        let depths = (0..<CompositionTables.depths).map { (Float($0) + 0.5) / Float(CompositionTables.depths) }
        layers = depths.map { ProfileByDepth.layer(profile.fractions, depth: $0) }
        shares = depths.map { ProfileByDepth.layerShares(profile.fractions, depth: $0) }
        pale = depths.map { depth in
            guard let stripe = profile.paleStripe else { return 1 }
            let away = abs(depth - stripe.depth) / max(stripe.width / 2, 1e-3)
            return 1 - stripe.strength * min(max(2 * (1 - away), 0), 1)
        }
        var cells = SIMD8<Float>(repeating: 0)
        for layer in 0..<6 { cells[layer] = profile.cellsPerMm2[layer] }
        cellsPerMm2 = cells
    }

    /// Adds the cells of each step, where they vary over the cortex by `slow`.
    func addTable(to table: inout [SIMD4<Float>], slow: SlowFactors, pixel: PixelAveraging) {
        var areas = SIMD8<Float>(repeating: 0)
        for layer in 0..<6 { areas[layer] = profile.cellAreaUm2[layer] }
        for step in shares.indices {
            let density = shares[step] * cellsPerMm2 * slow.cells
            let area = density * areas
            var (cells, covered) = (Float(0), Float(0))
            for layer in 0..<6 {
                cells += density[layer]
                covered += area[layer]
            }
            let mean = cells > 0 ? covered / cells : 0
            table.append(
                CellComposition(
                    cellsPerMm2: cells * pale[step], areaUm2: mean,
                    giantPerMm2: shares[step][4] * profile.giantCellsPerMm2, pixel: pixel
                ).lanes)
        }
    }

    private static func layer(_ fractions: [Float], depth: Float) -> UInt8 {
        var (layer, border) = (0, fractions[0])
        while layer < 5, depth > border {
            layer += 1
            border += fractions[layer]
        }
        return UInt8(layer + 1)
    }

    /// How much of each layer a depth has: a partition of 1, blended at the borders.
    private static func layerShares(_ fractions: [Float], depth: Float) -> SIMD8<Float> {
        var shares = SIMD8<Float>(repeating: 0)
        var (border, above) = (Float(0), Float(1))
        for layer in 0..<6 {
            border += fractions[layer]
            let below = layer == 5 ? 0 : min(max((depth - border) / (2 * softness) + 0.5, 0), 1)
            shares[layer] = max(above - below, 0)
            above = min(above, below)
        }
        return shares
    }
}
