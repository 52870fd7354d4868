internal import NDArray

/// How one brain's area borders lie apart from its species': moved smoothly along the cortex, each hemisphere in its own way.
struct AreaBorders: Sendable {
    private let waves: [WaveNoise]

    init(individual: UInt64?) {
        guard let individual else {
            waves = []
            return
        }
        var own = SeededGenerator(seed: individual, stream: "area borders")
        waves = (0..<3).map { _ in WaveNoise(wavelengthMm: 34, bandwidth: 0.3, waves: 16, generator: &own) }
    }

    /// A point of the hull moved by 2.5 mm (standard deviation across a border).
    func moved(_ point: PointMm) -> PointMm {
        guard waves.count == 3 else { return point }
        return PointMm(
            plane: point.plane + 2.5 * waves[0].value(point), row: point.row + 2.5 * waves[1].value(point),
            column: point.column + 2.5 * waves[2].value(point))
    }
}
