public import NDArray

/// A smooth random field with one wavelength: a sum of plane waves in random directions.
///
/// Narrow-band noise is what folding looks like: its zero set is a labyrinth of winding curves about half a wavelength
/// apart, with branches and ends, and it has no lattice that could shine through. A field of `waves` waves has mean 0 and
/// standard deviation 1, and is as smooth as one wants: no grid stands behind it.
///
/// **Reference**: Berry 1977, DOI 10.1088/0305-4470/10/12/016 (the random wave model).
public struct WaveNoise: Sendable {
    /// Eight waves side by side.
    private struct Waves {
        /// Wave vectors in turns per mm.
        var alongPlane = SIMD8<Float>()
        var alongRow = SIMD8<Float>()
        var alongColumn = SIMD8<Float>()
        var phaseTurns = SIMD8<Float>()
    }
    private var groups: [Waves] = []
    private let gain: Float

    /// A field drawn from the generator.
    ///
    /// - Parameters:
    ///   - wavelengthMm: middle of the band.
    ///   - bandwidth: half width of the band as a fraction of its middle, 0 for a single wavelength.
    ///   - waves: how many waves, rounded up to a multiple of eight; from about 24 on the values are nearly normal.
    public init(
        wavelengthMm: Double, bandwidth: Double = 0.25, waves: Int = 24, generator: inout SeededGenerator
    ) {
        precondition(wavelengthMm > 0 && waves > 0, "A wave field needs a wavelength and at least one wave.")
        for _ in 0..<(waves + 7) / 8 {
            var eight = Waves()
            for lane in 0..<8 {
                let wavenumber = (1 + bandwidth * (2 * generator.uniform() - 1)) / wavelengthMm
                let height = 2 * generator.uniform() - 1
                let azimuth = 2 * Double.pi * generator.uniform()
                let across = (1 - height * height).squareRoot()
                eight.alongPlane[lane] = Float(wavenumber * height)
                eight.alongRow[lane] = Float(wavenumber * across * Math.cos(azimuth))
                eight.alongColumn[lane] = Float(wavenumber * across * Math.sin(azimuth))
                eight.phaseTurns[lane] = Float(generator.uniform())
            }
            groups.append(eight)
        }
        gain = Float((2.0 / Double(8 * groups.count)).squareRoot())
    }

    /// The field's value at a point in mm; mean 0, standard deviation 1, never beyond √(2 · waves).
    public func value(_ point: PointMm) -> Float {
        var sum = SIMD8<Float>(repeating: 0)
        for eight in groups {
            let turns =
                eight.alongPlane * point.plane + eight.alongRow * point.row + eight.alongColumn * point.column
                + eight.phaseTurns
            sum += cosine(ofTurns: turns)
        }
        return sum.sum() * gain
    }
}

/// A point of the brain in mm: plane from posterior to anterior, row from dorsal to ventral, column from left to right.
public struct PointMm: Sendable, Equatable {
    public var plane: Float
    public var row: Float
    public var column: Float

    public init(plane: Float, row: Float, column: Float) {
        self.plane = plane
        self.row = row
        self.column = column
    }
}

/// cos(2πt) in each lane, error below 2·10⁻⁴: Taylor to the twelfth power after reduction to half a turn.
///
/// Made of additions and multiplications only, so that every machine gives the same bits.
@inline(__always)
func cosine(ofTurns turns: SIMD8<Float>) -> SIMD8<Float> {
    // Adding 1.5 · 2²³ leaves no bits for the fraction: the nearest integer, without a call.
    let rounding = SIMD8<Float>(repeating: 12_582_912)
    let part = turns - ((turns + rounding) - rounding)
    let x = part * part
    var sum = x * 7.903536 - 26.426257
    sum = sum * x + 60.244644
    sum = sum * x - 85.456817
    sum = sum * x + 64.939394
    sum = sum * x - 19.739209
    return sum * x + 1
}
