internal import NDArray

/// How one brain's space maps to the template's: a change of size and a smooth deformation without folds.
///
/// The map from the brain to the template is a formula; its inverse is found by iteration. The plane between the hemispheres stays where it is:
/// they are grown one by one up to it, and what moved across would be cut off.
public struct BrainDeformation: Sendable {
    /// Standard deviation of the displacement along each axis, its wavelength.
    public static let amplitudeMm: Float = 1.5
    public static let wavelengthMm = 42.0
    /// So far from the plane between the hemispheres two thirds of the displacement across it are reached.
    static let medialReachMm: Float = 12

    private let waves: [WaveNoise]
    /// Size of the brain along each axis, relative to the template.
    public let size: PointMm

    /// - Parameter individual: seed of the brain; nil for the identity.
    public init(individual: UInt64?) {
        guard let individual else {
            (waves, size) = ([], PointMm(plane: 1, row: 1, column: 1))
            return
        }
        var own = SeededGenerator(seed: individual, stream: "deformation")
        let whole = 0.02 * own.normal()
        func axis() -> Float { Float(Math.exp(min(max(whole + 0.012 * own.normal(), -0.045), 0.045))) }
        size = PointMm(plane: axis(), row: axis(), column: axis())
        waves = (0..<3).map { _ in
            WaveNoise(wavelengthMm: BrainDeformation.wavelengthMm, waves: 16, generator: &own)
        }
    }

    /// The point of the template's space that a point of the brain corresponds to.
    public func templatePoint(_ point: PointMm) -> PointMm {
        guard waves.count == 3 else { return point }
        // The amplitude stays far below the wavelength over 2π, so that the map has no folds.
        let amplitude = BrainDeformation.amplitudeMm
        return PointMm(
            plane: point.plane / size.plane + amplitude * waves[0].value(point),
            row: point.row / size.row + amplitude * waves[1].value(point),
            column: point.column / size.column + amplitude * BrainDeformation.freedom(point) * waves[2].value(point))
    }

    /// Share of the displacement across the plane between the hemispheres: 0 in it, 1 far from it, without a crease.
    private static func freedom(_ point: PointMm) -> Float {
        let away = point.column / medialReachMm
        return 1 - Math.expf(-away * away)
    }

    /// The point of the brain that corresponds to a point of the template's space: `templatePoint` undone, to about 10 nm.
    ///
    /// Fixed-point iteration x ← size · (y − displacement(x)): the displacement's slope is below one, so it converges.
    public func brainPoint(_ target: PointMm) -> PointMm {
        guard waves.count == 3 else { return target }
        let amplitude = BrainDeformation.amplitudeMm
        var point = PointMm(
            plane: target.plane * size.plane, row: target.row * size.row, column: target.column * size.column)
        for _ in 0..<60 {
            let next = PointMm(
                plane: size.plane * (target.plane - amplitude * waves[0].value(point)),
                row: size.row * (target.row - amplitude * waves[1].value(point)),
                column: size.column
                    * (target.column - amplitude * BrainDeformation.freedom(point) * waves[2].value(point)))
            let moved = next.square(to: point)
            point = next
            // A float holds 40 mm to 4 · 10⁻⁶ mm.
            if moved < 1e-10 { break }
        }
        return point
    }
}
