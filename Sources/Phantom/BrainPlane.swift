public import NDArray

/// One plane of a phantom brain, refined so that linear interpolation places its boundaries smoothly.
public struct BrainPlane: Sendable {
    /// Distance to the tissue's border, to the white matter's border, cortical thickness, distance to the deep nuclei;
    /// all in µm, positive inside.
    public let fields: Image<SIMD4<Float>>
    public let spacingUm: Double
    /// Position of element (0, 0) in the plane of the brain.
    public let originUm: (row: Double, column: Double)

    /// Cuts a brain at a position along its planes: linear between planes, Catmull–Rom within the plane.
    ///
    /// - Parameters:
    ///   - refinement: how many times finer than the brain's grid the plane becomes.
    /// - Returns: nil where the brain has no planes on both sides of the position.
    public init?(_ brain: BrainFields, positionUm: Double, refinement: Int = 4) {
        precondition(refinement >= 1, "A plane cannot be refined \(refinement) times.")
        let place = (positionUm - brain.originUm.plane) / brain.spacingUm
        guard place >= 0, place <= Double(brain.tissueUm.planes - 1) else { return nil }
        let first = min(Int(place), max(brain.tissueUm.planes - 2, 0))
        let second = min(first + 1, brain.tissueUm.planes - 1)
        let share = Float(place - Double(first))
        let (rows, columns) = (brain.tissueUm.rows, brain.tissueUm.columns)
        let voxels = rows * columns
        func blended(_ volume: Volume<Int16>, _ index: Int) -> Float {
            let before = Float(volume.elements[first * voxels + index])
            let after = Float(volume.elements[second * voxels + index])
            return before + share * (after - before)
        }
        let coarse = Image(
            rows: rows, columns: columns,
            elements: (0..<voxels).map { index in
                let (tissue, white) = (blended(brain.tissueUm, index), blended(brain.whiteUm, index))
                let isNucleus = brain.parts.elements[first * voxels + index] != 0
                return SIMD4(tissue, white, max(tissue - white, 300), isNucleus ? -white : -500)
            })
        fields = refined(coarse, times: refinement)
        spacingUm = brain.spacingUm / Double(refinement)
        originUm = (brain.originUm.row, brain.originUm.column)
    }

    /// The fields at a point of the plane, bilinear; outside the grid the nearest element's.
    @inlinable public func sample(rowUm: Double, columnUm: Double) -> SIMD4<Float> {
        let row = min(max((rowUm - originUm.row) / spacingUm, 0), Double(fields.rows - 1))
        let column = min(max((columnUm - originUm.column) / spacingUm, 0), Double(fields.columns - 1))
        let (r0, c0) = (min(Int(row), fields.rows - 2), min(Int(column), fields.columns - 2))
        let (dr, dc) = (Float(row - Double(r0)), Float(column - Double(c0)))
        let upper = fields[r0, c0] + dc * (fields[r0, c0 + 1] - fields[r0, c0])
        let lower = fields[r0 + 1, c0] + dc * (fields[r0 + 1, c0 + 1] - fields[r0 + 1, c0])
        return upper + dr * (lower - upper)
    }
}

/// The image with `times − 1` Catmull–Rom values between neighbours along both axes; edges are repeated.
func refined(_ image: Image<SIMD4<Float>>, times: Int) -> Image<SIMD4<Float>> {
    guard times > 1, image.rows > 1, image.columns > 1 else { return image }
    let weights: [SIMD4<Float>] = (0..<times).map { step in
        let t = Float(step) / Float(times)
        return SIMD4(
            ((2 - t) * t - 1) * t / 2, ((3 * t - 5) * t * t + 2) / 2, ((4 - 3 * t) * t + 1) * t / 2,
            (t - 1) * t * t / 2)
    }
    func along(_ count: Int, _ place: Int) -> (Int, Int, Int, Int, SIMD4<Float>) {
        let base = min(place / times, count - 1)
        return (
            max(base - 1, 0), base, min(base + 1, count - 1), min(base + 2, count - 1), weights[place % times]
        )
    }
    let rows = (image.rows - 1) * times + 1
    let columns = (image.columns - 1) * times + 1
    var tall = Image(rows: rows, columns: image.columns, filledWith: SIMD4<Float>(repeating: 0))
    for row in 0..<rows {
        let (a, b, c, d, w) = along(image.rows, row)
        for column in 0..<image.columns {
            tall[row, column] =
                w[0] * image[a, column] + w[1] * image[b, column] + w[2] * image[c, column] + w[3] * image[d, column]
        }
    }
    var result = Image(rows: rows, columns: columns, filledWith: SIMD4<Float>(repeating: 0))
    for row in 0..<rows {
        for column in 0..<columns {
            let (a, b, c, d, w) = along(image.columns, column)
            result[row, column] =
                w[0] * tall[row, a] + w[1] * tall[row, b] + w[2] * tall[row, c] + w[3] * tall[row, d]
        }
    }
    return result
}
