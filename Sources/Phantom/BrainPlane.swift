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
    /// For blocks of `blockSide`² elements, the largest distance to the tissue's border in the block.
    let deepest: Image<Float>
    /// For the same blocks, whether any tissue is in the block or near it.
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
        let reach = -2 * Float(spacingUm)
        deepest = BrainPlane.deepest(in: fields)
        occupied = deepest.map { $0 > reach }
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

    private static func deepest(in fields: Image<SIMD2<Float>>) -> Image<Float> {
        let (rows, columns) = (fields.rows / blockSide + 1, fields.columns / blockSide + 1)
        var blocks = Image(rows: rows, columns: columns, filledWith: -Float.infinity)
        let width = fields.columns
        blocks.elements.withUnsafeMutableBufferPointer { blocks in
            fields.elements.withUnsafeBufferPointer { values in
                for row in 0..<fields.rows {
                    let start = row / blockSide * columns
                    for block in 0..<columns {
                        var most = blocks[start + block]
                        let first = block * blockSide
                        for column in first..<min(first + blockSide, width) {
                            let here = values[row &* width &+ column][0]
                            if here > most { most = here }
                        }
                        blocks[start + block] = most
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
        let rows = (image.rows - 1) * times + 1
        let width = image.columns
        let columns = (width - 1) * times + 1
        // A line of the image at a row between its rows, with one more value on its left and one on its right.
        var line = [SIMD2<Float>](repeating: .zero, count: width + 2)
        let elements = [SIMD2<Float>](unsafeUninitializedCapacity: rows * columns) { buffer, count in
            image.elements.withUnsafeBufferPointer { source in
                line.withUnsafeMutableBufferPointer { line in
                    guard let source = source.baseAddress, let line = line.baseAddress, let target = buffer.baseAddress
                    else { return }
                    for row in 0..<rows {
                        let base = min(row / times, image.rows - 1)
                        let (after, next) = (min(base + 1, image.rows - 1), min(base + 2, image.rows - 1))
                        combine(
                            weights[row % times], source + max(base - 1, 0) * width, source + base * width,
                            source + after * width, source + next * width, count: width, into: line + 1, stride: 1)
                        (line[0], line[width + 1]) = (line[1], line[width])
                        let start = target + row * columns
                        for step in 0..<times {
                            combine(
                                weights[step], line, line + 1, line + 2, line + 3, count: width - 1,
                                into: start + step, stride: times)
                        }
                        start[columns - 1] = line[width]
                    }
                }
            }
            count = rows * columns
        }
        return Image(rows: rows, columns: columns, elements: elements)
    }
}

/// Weighted sums of four rows of values, each `stride` after the one before it; two at a time.
private func combine(
    _ weights: SIMD4<Float>, _ one: UnsafePointer<SIMD2<Float>>, _ two: UnsafePointer<SIMD2<Float>>,
    _ three: UnsafePointer<SIMD2<Float>>, _ four: UnsafePointer<SIMD2<Float>>, count: Int,
    into target: UnsafeMutablePointer<SIMD2<Float>>, stride: Int
) {
    func pair(_ values: UnsafePointer<SIMD2<Float>>, _ index: Int) -> SIMD4<Float> {
        UnsafeRawPointer(values + index).loadUnaligned(as: SIMD4<Float>.self)
    }
    var index = 0
    while index &+ 1 < count {
        let first = weights[0] * pair(one, index) + weights[1] * pair(two, index)
        let second = weights[2] * pair(three, index) + weights[3] * pair(four, index)
        let both = first + second
        target[index &* stride] = both.lowHalf
        target[(index &+ 1) &* stride] = both.highHalf
        index &+= 2
    }
    guard index < count else { return }
    let first = weights[0] * one[index] + weights[1] * two[index]
    let second = weights[2] * three[index] + weights[3] * four[index]
    target[index * stride] = first + second
}
