public import NDArray

/// One plane of a phantom brain, refined so that linear interpolation places its boundaries smoothly.
public struct BrainPlane: Sendable {
    /// Signed distance to the tissue's border and to the white matter's, in µm, positive inside; their ratio is the depth.
    public let fields: Image<SIMD2<Float>>
    /// What the tissue at each element of `fields` is.
    public let kinds: Image<TissueKind>
    public let spacingUm: Double
    /// Position of element (0, 0) in the plane of the brain.
    public let originUm: (row: Double, column: Double)
    /// Position of the plane along the brain.
    public let positionUm: Double
    /// For blocks of `blockSide`² elements, whether any tissue is in the block or near it.
    let occupied: Image<Bool>

    static let blockSide = 8

    /// Cuts a brain at a position along its planes: linear between planes, Catmull–Rom within the plane.
    ///
    /// - Parameters:
    ///   - refinement: how many times finer than the brain's grid the plane becomes.
    /// - Returns: nil where the brain has no planes on both sides of the position.
    public init?(_ brain: BrainFields, positionUm: Double, refinement: Int = 4) {
        precondition(refinement >= 1, "A plane cannot be refined \(refinement) times.")
        let place = (positionUm - brain.originUm.plane) / brain.spacingUm
        let (rows, columns) = (brain.tissueUm.rows, brain.tissueUm.columns)
        guard place >= 0, place <= Double(brain.tissueUm.planes - 1), rows > 1, columns > 1 else { return nil }
        let first = min(Int(place), max(brain.tissueUm.planes - 2, 0))
        let second = min(first + 1, brain.tissueUm.planes - 1)
        let share = Float(place - Double(first))
        let voxels = rows * columns
        let coarse = Image(
            rows: rows, columns: columns,
            elements: [SIMD2<Float>](unsafeUninitializedCapacity: voxels) { buffer, count in
                brain.tissueUm.elements.withUnsafeBufferPointer { tissue in
                    brain.whiteUm.elements.withUnsafeBufferPointer { white in
                        let (before, after) = (first * voxels, second * voxels)
                        for index in 0..<voxels {
                            let one = SIMD2(Float(tissue[before + index]), Float(white[before + index]))
                            let two = SIMD2(Float(tissue[after + index]), Float(white[after + index]))
                            buffer[index] = one + share * (two - one)
                        }
                    }
                }
                count = voxels
            })
        // A name cannot be interpolated along the brain: the nearer plane has it.
        let named = share < 0.5 ? first : second
        kinds = TissueKind.refined(
            areas: brain.areas, parts: brain.parts, plane: named, times: refinement)
        fields = BrainPlane.refined(coarse, times: refinement)
        spacingUm = brain.spacingUm / Double(refinement)
        originUm = (brain.originUm.row, brain.originUm.column)
        self.positionUm = positionUm
        // Between elements of a distance field the value rises by less than the spacing.
        occupied = BrainPlane.occupancy(fields, reach: -2 * Float(spacingUm))
    }

    /// The fields at a point of the plane, bilinear; outside the grid the nearest element's.
    @inlinable public func sample(rowUm: Double, columnUm: Double) -> SIMD2<Float> {
        let row = min(max((rowUm - originUm.row) / spacingUm, 0), Double(fields.rows - 1))
        let column = min(max((columnUm - originUm.column) / spacingUm, 0), Double(fields.columns - 1))
        let (r0, c0) = (min(Int(row), fields.rows - 2), min(Int(column), fields.columns - 2))
        let (dr, dc) = (Float(row - Double(r0)), Float(column - Double(c0)))
        let upper = fields[r0, c0] + dc * (fields[r0, c0 + 1] - fields[r0, c0])
        let lower = fields[r0 + 1, c0] + dc * (fields[r0 + 1, c0 + 1] - fields[r0 + 1, c0])
        return upper + dr * (lower - upper)
    }

    /// What the tissue at a point is: that of the nearest element.
    public func kind(rowUm: Double, columnUm: Double) -> TissueKind {
        let row = min(max(((rowUm - originUm.row) / spacingUm).rounded(), 0), Double(fields.rows - 1))
        let column = min(max(((columnUm - originUm.column) / spacingUm).rounded(), 0), Double(fields.columns - 1))
        return kinds[Int(row), Int(column)]
    }

    /// Whether a point lies on the grid.
    func holds(rowUm: Double, columnUm: Double) -> Bool {
        let (row, column) = ((rowUm - originUm.row) / spacingUm, (columnUm - originUm.column) / spacingUm)
        return row >= 0 && column >= 0 && row <= Double(fields.rows - 1) && column <= Double(fields.columns - 1)
    }

    /// Unit vector (row, column) in the plane that points away from the slide, into the tissue.
    func inward(rowUm: Double, columnUm: Double) -> (row: Double, column: Double) {
        let step = 0.8 * spacingUm
        let down =
            sample(rowUm: rowUm + step, columnUm: columnUm)[0] - sample(rowUm: rowUm - step, columnUm: columnUm)[0]
        let across =
            sample(rowUm: rowUm, columnUm: columnUm + step)[0] - sample(rowUm: rowUm, columnUm: columnUm - step)[0]
        let length = max((down * down + across * across).squareRoot(), 1e-6)
        return (Double(down / length), Double(across / length))
    }

    private static func occupancy(_ fields: Image<SIMD2<Float>>, reach: Float) -> Image<Bool> {
        let (rows, columns) = (fields.rows / blockSide + 1, fields.columns / blockSide + 1)
        var blocks = Image(rows: rows, columns: columns, filledWith: false)
        let width = fields.columns
        blocks.elements.withUnsafeMutableBufferPointer { blocks in
            fields.elements.withUnsafeBufferPointer { values in
                for row in 0..<fields.rows {
                    let start = row / blockSide * columns
                    for column in 0..<width where values[row * width + column][0] > reach {
                        blocks[start + column / blockSide] = true
                    }
                }
            }
        }
        return blocks
    }

    /// The image with `times − 1` Catmull–Rom values between neighbours along both axes; edges are repeated.
    static func refined(_ image: Image<SIMD2<Float>>, times: Int) -> Image<SIMD2<Float>> {
        guard times > 1, image.rows > 1, image.columns > 1 else { return image }
        let weights: [SIMD4<Float>] = (0..<times).map { step in
            let t = Float(step) / Float(times)
            return SIMD4(
                ((2 - t) * t - 1) * t / 2, ((3 * t - 5) * t * t + 2) / 2, ((4 - 3 * t) * t + 1) * t / 2,
                (t - 1) * t * t / 2)
        }
        func neighbours(_ base: Int, _ count: Int) -> (Int, Int, Int, Int) {
            (max(base - 1, 0), base, min(base + 1, count - 1), min(base + 2, count - 1))
        }
        let rows = (image.rows - 1) * times + 1
        let width = image.columns
        let columns = (width - 1) * times + 1
        var line = [SIMD2<Float>](repeating: .zero, count: width)
        let elements = [SIMD2<Float>](unsafeUninitializedCapacity: rows * columns) { buffer, count in
            image.elements.withUnsafeBufferPointer { source in
                line.withUnsafeMutableBufferPointer { line in
                    weights.withUnsafeBufferPointer { weights in
                        for row in 0..<rows {
                            let (a, b, c, d) = neighbours(min(row / times, image.rows - 1), image.rows)
                            let w = weights[row % times]
                            for column in 0..<width {
                                line[column] = combined(
                                    w, source[a * width + column], source[b * width + column],
                                    source[c * width + column], source[d * width + column])
                            }
                            let start = row * columns
                            for base in 0..<width - 1 {
                                let (a, b, c, d) = neighbours(base, width)
                                let (one, two, three, four) = (line[a], line[b], line[c], line[d])
                                let place = start + base * times
                                for step in 0..<times {
                                    buffer[place + step] = combined(weights[step], one, two, three, four)
                                }
                            }
                            buffer[start + columns - 1] = line[width - 1]
                        }
                    }
                }
            }
            count = rows * columns
        }
        return Image(rows: rows, columns: columns, elements: elements)
    }
}

@inline(__always)
private func combined(
    _ weights: SIMD4<Float>, _ a: SIMD2<Float>, _ b: SIMD2<Float>, _ c: SIMD2<Float>, _ d: SIMD2<Float>
) -> SIMD2<Float> {
    let first: SIMD2<Float> = weights[0] * a + weights[1] * b
    let second: SIMD2<Float> = weights[2] * c + weights[3] * d
    return first + second
}
