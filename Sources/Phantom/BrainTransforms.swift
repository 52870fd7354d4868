internal import NDArray
public import SpatialTransforms

/// The transforms from a phantom brain to its template, as registration tools give them: exact, with a realistic error, linear.
///
/// Points are RAS mm: x = column, y = plane, z = −row.
public struct BrainTransforms: Sendable {
    /// Exact but for the field's grid.
    public let exact: DisplacementField
    /// The exact one and then a smooth error, as a good registration leaves it.
    public let realistic: DisplacementField
    /// The error alone, at the brain's points: realistic minus exact.
    public let error: DisplacementField
    /// The affine map that fits the exact one best over the brain.
    public let linear: AffineTransform

    /// - Parameters:
    ///   - spacingMm: grid of the fields; trilinear interpolation errs by about spacing² · 0.008 mm.
    ///   - errorMm: root mean square length of the error's vectors.
    ///   - seed: of the error.
    public init(
        _ deformation: BrainDeformation, halfAxesMm: PointMm, spacingMm: Double, errorMm: Double, seed: UInt64,
        threads: Int
    ) throws(SpatialTransformError) {
        var random = SeededGenerator(seed: seed, stream: "registration error")
        let waves = (0..<3).map { _ in WaveNoise(wavelengthMm: 45, bandwidth: 0.3, waves: 16, generator: &random) }
        let amplitude = Float(errorMm / 3.0.squareRoot())
        // Room for a brain that is 6 % larger than the species, and for points that lie beside it.
        func half(_ axis: Float) -> Int { Int((Double(axis) * 1.07 + 8) / spacingMm) + 1 }
        let (x, y, z) = (half(halfAxesMm.column), half(halfAxesMm.plane), half(halfAxesMm.row))
        let grid = try OrientedGrid(
            planes: 2 * z + 1, rows: 2 * y + 1, columns: 2 * x + 1,
            indexToMm: AffineTransform(
                x: [spacingMm, 0, 0], y: [0, spacingMm, 0], z: [0, 0, spacingMm],
                translation: [-spacingMm * Double(x), -spacingMm * Double(y), -spacingMm * Double(z)]))
        var exact = [Float](repeating: 0, count: 3 * grid.count)
        var wrong = exact
        exact.withUnsafeMutableBufferPointer { exact in
            wrong.withUnsafeMutableBufferPointer { wrong in
                let (exact, wrong) = (DisjointSlices(exact), DisjointSlices(wrong))
                parallelFor(grid.planes, threads: threads) { plane in
                    for row in 0..<grid.rows {
                        for column in 0..<grid.columns {
                            let point = grid.point(plane: plane, row: row, column: column)
                            let moved = deformation.templatePoint(PointMm(rasMm: point)).rasMm - point
                            let own = PointMm(rasMm: point)
                            let offset = 3 * ((plane * grid.rows + row) * grid.columns + column)
                            for axis in 0..<3 {
                                exact[offset + axis] = Float(moved[axis])
                                wrong[offset + axis] = amplitude * waves[axis].value(own)
                            }
                        }
                    }
                }
            }
        }
        self.exact = try DisplacementField(grid: grid, vectors: exact)
        error = try DisplacementField(grid: grid, vectors: wrong)
        realistic = try DisplacementField(grid: grid, vectors: zip(exact, wrong).map { $0 + $1 })
        linear = try BrainTransforms.fit(deformation, halfAxesMm: halfAxesMm)
    }

    /// Least squares over points spread evenly in the ellipsoid of the half axes.
    private static func fit(
        _ deformation: BrainDeformation, halfAxesMm: PointMm
    ) throws(SpatialTransformError) -> AffineTransform {
        var pairs: [(from: SIMD3<Double>, to: SIMD3<Double>)] = []
        for plane in stride(from: Float(-0.95), through: 0.95, by: 0.1) {
            for row in stride(from: Float(-0.95), through: 0.95, by: 0.1) {
                for column in stride(from: Float(-0.95), through: 0.95, by: 0.1)
                where plane * plane + row * row + column * column < 1 {
                    let point = PointMm(
                        plane: plane * halfAxesMm.plane, row: row * halfAxesMm.row, column: column * halfAxesMm.column)
                    pairs.append((point.rasMm, deformation.templatePoint(point).rasMm))
                }
            }
        }
        let count = Double(pairs.count)
        let meanFrom = pairs.reduce(SIMD3<Double>.zero) { $0 + $1.from } / count
        let meanTo = pairs.reduce(SIMD3<Double>.zero) { $0 + $1.to } / count
        // A · Σ f fᵀ = Σ t fᵀ, columns of both.
        var square = [SIMD3<Double>](repeating: .zero, count: 3)
        var mixed = square
        for pair in pairs {
            let (from, to) = (pair.from - meanFrom, pair.to - meanTo)
            for axis in 0..<3 {
                square[axis] += from * from[axis]
                mixed[axis] += to * from[axis]
            }
        }
        let inverse = try AffineTransform(x: square[0], y: square[1], z: square[2], translation: .zero).inverted()
        let linear = AffineTransform(x: mixed[0], y: mixed[1], z: mixed[2], translation: .zero).after(inverse)
        return AffineTransform(
            x: linear.x, y: linear.y, z: linear.z, translation: meanTo - linear.linear(meanFrom))
    }
}

extension PointMm {
    /// The point as RAS mm: x = column, y = plane, z = −row.
    public var rasMm: SIMD3<Double> { SIMD3(Double(column), Double(plane), -Double(row)) }

    public init(rasMm: SIMD3<Double>) {
        self.init(plane: Float(rasMm.y), row: Float(-rasMm.z), column: Float(rasMm.x))
    }
}
