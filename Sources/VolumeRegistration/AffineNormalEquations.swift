internal import NDArray
internal import SpatialTransforms

/// The sums of one Gauss–Newton step of an affine registration.
struct AffineNormalEquations: Sendable {
    /// Upper triangle and lower, 12 × 12; the unknowns are the rows (x, y, z) of (E | e), each with four columns.
    var matrix = [Double](repeating: 0, count: 144)
    var right = [Double](repeating: 0, count: 12)
    /// Weighted sum of squared differences, and of the squares of both.
    var difference = 0.0
    var power = 0.0

    /// How badly the two fit: 0 equal, 1 nothing in common.
    var misfit: Double { power > 0 ? difference / power : 1 }

    mutating func add(_ other: AffineNormalEquations) {
        for index in 0..<144 { matrix[index] += other.matrix[index] }
        for index in 0..<12 { right[index] += other.right[index] }
        difference += other.difference
        power += other.power
    }
}

/// Linearises how a moving brain differs from the template when it is seen through `map`.
///
/// The slopes of both images count, half and half: the step of the symmetric problem, whose region of convergence is wider
/// (efficient second-order minimisation, Malis 2004; Vercauteren 2009 uses it for demons).
///
/// - Parameters:
///   - map: from template mm to the moving brain's mm.
///   - centreMm: where the unknown linear part turns about; `unitMm` is the length that makes its entries compare
///     with shifts.
///   - withSlopes: false for the misfit alone.
func linearise(
    template: ChannelGrid, moving: ChannelGrid, map: AffineTransform, centreMm: SIMD3<Double>, unitMm: Double,
    channelWeights: SIMD4<Float>, withSlopes: Bool, threads: Int
) -> AffineNormalEquations {
    let (size, movingSize) = (template.size, SIMD3<Int32>(truncatingIfNeeded: moving.size))
    // From the template's voxel to the moving brain's voxel.
    let toMoving = AffineTransform.scaling(template.spacingMm, offset: template.originMm)
        .followed(by: map)
        .followed(by: .scaling(1 / moving.spacingMm, offset: -1 / moving.spacingMm * moving.originMm))
    let columns = (
        SIMD3<Float>(toMoving.x), SIMD3<Float>(toMoving.y), SIMD3<Float>(toMoving.z)
    )
    var planes = [AffineNormalEquations](repeating: AffineNormalEquations(), count: size.z)
    let stride = (row: size.x, plane: size.x * size.y)
    planes.withUnsafeMutableBufferPointer { buffer in
        let planes = DisjointSlices(buffer)
        parallelFor(size.z, threads: threads) { plane in
            var sums = AffineNormalEquations()
            var products = SlopeProducts()
            // Lanes beyond the grid's own face repeat it.
            let (below, above) = (plane > 0 ? stride.plane : 0, plane < size.z - 1 ? stride.plane : 0)
            template.values.withUnsafeBufferPointer { fixed in
                moving.values.withUnsafeBufferPointer { moving in
                    for row in 0..<size.y {
                        let start = SIMD3<Float>(toMoving(SIMD3(0, Double(row), Double(plane))))
                        let (before, after) = (row > 0 ? stride.row : 0, row < size.y - 1 ? stride.row : 0)
                        for column in 0..<size.x {
                            let index = (plane * size.y + row) * size.x + column
                            let one = fixed[index]
                            guard one.w > 0 else { continue }
                            let point = start + Float(column) * columns.0
                            let other = sampleWithSlope(moving, at: point, size: movingSize)
                            let weight = one.w * other.value.w
                            guard weight > 0 else { continue }
                            let r = one - other.value
                            let weights = weight * channelWeights
                            sums.difference += Double((weights * r * r).sum())
                            sums.power += Double((weights * (one * one + other.value * other.value)).sum())
                            guard withSlopes else { continue }
                            let (left, next) = (column > 0 ? 1 : 0, column < size.x - 1 ? 1 : 0)
                            var x = fixed[index + next] - fixed[index - left]
                            var y = fixed[index + after] - fixed[index - before]
                            var z = fixed[index + above] - fixed[index - below]
                            // Central differences of the template; the moving slopes turned into its voxels.
                            x =
                                0.25 * x
                                + 0.5
                                * (columns.0.x * other.slopeX + columns.0.y * other.slopeY + columns.0.z * other.slopeZ)
                            y =
                                0.25 * y
                                + 0.5
                                * (columns.1.x * other.slopeX + columns.1.y * other.slopeY + columns.1.z * other.slopeZ)
                            z =
                                0.25 * z
                                + 0.5
                                * (columns.2.x * other.slopeX + columns.2.y * other.slopeY + columns.2.z * other.slopeZ)
                            let mm =
                                template.originMm
                                + template.spacingMm * SIMD3(Double(column), Double(row), Double(plane))
                            let u = SIMD3<Float>((mm - centreMm) / unitMm)
                            let place = SIMD4(u, 1)
                            products.add(SIMD3(x.x, y.x, z.x), at: place, weight: weights.x, difference: r.x)
                            products.add(SIMD3(x.y, y.y, z.y), at: place, weight: weights.y, difference: r.y)
                            products.add(SIMD3(x.z, y.z, z.z), at: place, weight: weights.z, difference: r.z)
                        }
                    }
                }
            }
            // Slopes are per voxel, unknowns in mm.
            let scale = 1 / template.spacingMm
            for i in 0..<12 {
                sums.right[i] = Double(products.right(i)) * scale
                for j in i..<12 {
                    sums.matrix[12 * i + j] = Double(products.upper(i, j)) * scale * scale
                    sums.matrix[12 * j + i] = sums.matrix[12 * i + j]
                }
            }
            planes[plane] = sums
        }
    }
    var sums = AffineNormalEquations()
    for plane in planes { sums.add(plane) }
    return sums
}

/// Weighted sums of the products of twelve slopes: of three directions, each times (x, y, z, 1) of the place.
private struct SlopeProducts {
    /// Rows of the matrix's blocks of 4 × 4 that lie on its diagonal and above.
    private struct Block {
        var rows = (SIMD4<Float>(), SIMD4<Float>(), SIMD4<Float>(), SIMD4<Float>())

        @inline(__always) mutating func add(_ factors: SIMD4<Float>, _ slopes: SIMD4<Float>) {
            rows.0 += factors.x * slopes
            rows.1 += factors.y * slopes
            rows.2 += factors.z * slopes
            rows.3 += factors.w * slopes
        }

        subscript(row: Int, column: Int) -> Float {
            [rows.0, rows.1, rows.2, rows.3][row][column]
        }
    }

    private var (xx, xy, xz, yy, yz, zz) = (Block(), Block(), Block(), Block(), Block(), Block())
    private var (rightX, rightY, rightZ) = (SIMD4<Float>(), SIMD4<Float>(), SIMD4<Float>())

    @inline(__always)
    mutating func add(_ slope: SIMD3<Float>, at place: SIMD4<Float>, weight: Float, difference: Float) {
        guard weight > 0, slope.x != 0 || slope.y != 0 || slope.z != 0 else { return }
        let (x, y, z) = (slope.x * place, slope.y * place, slope.z * place)
        let pull = weight * difference
        rightX += pull * x
        rightY += pull * y
        rightZ += pull * z
        let (weightedX, weightedY) = (weight * x, weight * y)
        xx.add(weightedX, x)
        xy.add(weightedX, y)
        xz.add(weightedX, z)
        yy.add(weightedY, y)
        yz.add(weightedY, z)
        zz.add(weight * z, z)
    }

    func right(_ row: Int) -> Float { [rightX, rightY, rightZ][row / 4][row % 4] }

    /// An entry on the diagonal or above.
    func upper(_ row: Int, _ column: Int) -> Float {
        let blocks = [[xx, xy, xz], [yy, yz], [zz]]
        return blocks[row / 4][column / 4 - row / 4][row % 4, column % 4]
    }
}
