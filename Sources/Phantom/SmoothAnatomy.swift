internal import NDArray

/// The slowly varying part of one hemisphere's anatomy on a coarse grid, to be interpolated: waves are dear, cubic interpolation
/// is cheap, and the shortest wave is 20 nodes long.
struct SmoothAnatomy: Sendable {
    /// What stands in the lanes of a node.
    enum Lane {
        /// Depth below the hull.
        static let hull = 0
        /// The primary sulci's wave field, their depth, the field's slope per mm; then the same of the secondary ones.
        static let primary = 1
        static let secondary = 4
        /// Half width of a sulcus, offset from the lateral fissure, cortical thickness.
        static let halfWidth = 7
        static let fissure = 8
        static let thickness = 9
        /// The point of the species' space, three lanes, and the place in the area map, three lanes.
        static let point = 10
        static let place = 13
    }

    static let spacingMm: Float = 0.6

    /// −1 left, 1 right.
    let side: Float
    let planes: Int
    let rows: Int
    let columns: Int
    /// Position of node (0, 0, 0).
    let origin: PointMm
    private(set) var nodes: [SIMD16<Float>]

    /// Evaluates the anatomy on a grid that covers one side of `grid` with two nodes to spare.
    init(_ anatomy: BrainAnatomy, side: Float, covering grid: Grid, threads: Int) {
        let spacing = SmoothAnatomy.spacingMm
        func nodes(_ from: Float, _ to: Float) -> (Float, Int) {
            let first = (from / spacing).rounded(.down) - 2
            return (first * spacing, Int(((to / spacing).rounded(.up) + 3 - first).rounded()))
        }
        let last = grid.point(grid.planes - 1, grid.rows - 1, grid.columns - 1)
        let (plane0, planes) = nodes(grid.origin.plane, last.plane)
        let (row0, rows) = nodes(grid.origin.row, last.row)
        let (column0, columns) = side < 0 ? nodes(grid.origin.column, 0) : nodes(0, last.column)
        (self.side, self.planes, self.rows, self.columns) = (side, planes, rows, columns)
        origin = PointMm(plane: plane0, row: row0, column: column0)
        let first = origin
        let factors = anatomy.architecture.profiles(side < 0 ? .left : .right).map(\.thicknessFactor)
        self.nodes = [SIMD16<Float>](unsafeUninitializedCapacity: planes * rows * columns) { buffer, count in
            count = planes * rows * columns
            let target = DisjointSlices(buffer)
            parallelFor(planes, threads: threads) { plane in
                for row in 0..<rows {
                    for column in 0..<columns {
                        let own = PointMm(
                            plane: first.plane + Float(plane) * spacing, row: first.row + Float(row) * spacing,
                            column: first.column + Float(column) * spacing)
                        (target.base + (plane * rows + row) * columns + column)
                            .initialize(to: anatomy.node(own, side: side, thicknessFactors: factors))
                    }
                }
            }
        }
        addSlopes(threads: threads)
    }

    /// |∇f| of the two folding fields, by central differences.
    private mutating func addSlopes(threads: Int) {
        let (planes, rows, columns) = (planes, rows, columns)
        let scale = 1 / (2 * SmoothAnatomy.spacingMm)
        var slopes = [SIMD2<Float>](repeating: .zero, count: nodes.count)
        slopes.withUnsafeMutableBufferPointer { slopes in
            let slopes = DisjointSlices(slopes)
            parallelFor(planes, threads: threads) { [nodes] plane in
                for row in 0..<rows {
                    for column in 0..<columns {
                        let index = (plane * rows + row) * columns + column
                        var squares = SIMD2<Float>()
                        for (place, count, stride) in [
                            (plane, planes, rows * columns), (row, rows, columns), (column, columns, 1),
                        ] {
                            let after = nodes[place + 1 < count ? index + stride : index]
                            let before = nodes[place > 0 ? index - stride : index]
                            let step =
                                SIMD2(
                                    after[Lane.primary] - before[Lane.primary],
                                    after[Lane.secondary] - before[Lane.secondary]) * scale
                            squares += step * step
                        }
                        slopes[index] = SIMD2(squares[0].squareRoot(), squares[1].squareRoot())
                    }
                }
            }
        }
        for index in nodes.indices {
            nodes[index][Lane.primary + 2] = slopes[index][0]
            nodes[index][Lane.secondary + 2] = slopes[index][1]
        }
    }

    /// Interpolates one plane of a finer grid: Catmull–Rom along all axes.
    ///
    /// - Parameters:
    ///   - planeMm: where the plane lies.
    ///   - columnRange: the fine grid's columns of this side.
    ///   - body: gets each row of the plane with its values by column of the range.
    func forEachRow(
        planeMm: Float, grid: Grid, columnRange: Range<Int>,
        _ body: (_ row: Int, _ values: UnsafeBufferPointer<SIMD16<Float>>) -> Void
    ) {
        let spacing = SmoothAnatomy.spacingMm
        func weights(_ position: Float, _ start: Float, _ count: Int) -> (Int, SIMD4<Float>) {
            let place = (position - start) / spacing
            // Nodes and fine voxels often coincide: what is a node to rounding is a node.
            let base = min(max(Int((place + 1e-4).rounded(.down)), 1), count - 3)
            let t = max(place - Float(base), 0)
            return (
                base - 1,
                SIMD4(
                    ((2 - t) * t - 1) * t / 2, ((3 * t - 5) * t * t + 2) / 2, ((4 - 3 * t) * t + 1) * t / 2,
                    (t - 1) * t * t / 2)
            )
        }
        let sheet = rows * columns
        let (firstPlane, p) = weights(planeMm, origin.plane, planes)
        let across = columnRange.map {
            weights(grid.origin.column + Float($0) * grid.spacingMm, origin.column, columns)
        }
        withUnsafeTemporaryAllocation(of: SIMD16<Float>.self, capacity: sheet + columns + columnRange.count) { space in
            guard let flat = space.baseAddress else { return }
            let line = flat + sheet
            let fine = line + columns
            nodes.withUnsafeBufferPointer { nodes in
                let start = firstPlane * sheet
                for index in 0..<sheet {
                    let near = p[1] * nodes[start + sheet + index] + p[2] * nodes[start + 2 * sheet + index]
                    let far = p[0] * nodes[start + index] + p[3] * nodes[start + 3 * sheet + index]
                    (flat + index).initialize(to: near + far)
                }
            }
            for row in 0..<grid.rows {
                let (firstRow, r) = weights(
                    grid.origin.row + Float(row) * grid.spacingMm, origin.row, rows)
                let above = flat + firstRow * columns
                for column in 0..<columns {
                    let near = r[1] * above[columns + column] + r[2] * above[2 * columns + column]
                    let far = r[0] * above[column] + r[3] * above[3 * columns + column]
                    (line + column).initialize(to: near + far)
                }
                for (index, (first, c)) in across.enumerated() {
                    let near = c[1] * line[first + 1] + c[2] * line[first + 2]
                    let far = c[0] * line[first] + c[3] * line[first + 3]
                    (fine + index).initialize(to: near + far)
                }
                body(row, UnsafeBufferPointer(start: fine, count: columnRange.count))
            }
        }
    }
}

extension BrainAnatomy {
    /// The smooth fields at a point of the brain; slopes are left out.
    fileprivate func node(_ own: PointMm, side: Float, thicknessFactors: [Float]) -> SIMD16<Float> {
        typealias Lane = SmoothAnatomy.Lane
        let point = deformation.templatePoint(own)
        let depth = hull.depth(point, side: side, parts: parts)
        var node = SIMD16<Float>(repeating: 0)
        node[Lane.hull] = depth
        node[Lane.point] = point.plane
        node[Lane.point + 1] = point.row
        node[Lane.point + 2] = point.column
        node[Lane.primary] = 1
        node[Lane.secondary] = 1
        node[Lane.halfWidth] = 0.26
        node[Lane.fissure] = 10
        node[Lane.thickness] = thicknessMm
        guard depth > -4, depth < 16 else { return node }
        let folds = folding(point, hullDepthMm: depth, side: side)
        let place = areaMap.place(onHull: borders.moved(folds.above), side: side)
        let factor = areaMap.blended(thicknessFactors, at: place)
        node[Lane.primary] = folds.primary
        node[Lane.primary + 1] = folds.primaryDepthMm
        node[Lane.secondary] = folds.secondary
        node[Lane.secondary + 1] = folds.secondaryDepthMm
        node[Lane.halfWidth] = folds.halfWidthMm
        node[Lane.fissure] = lateralFissureOffset(point, side: side)
        node[Lane.thickness] = corticalThickness(point, hullDepthMm: depth, areaFactor: factor)
        node[Lane.place] = place.plane
        node[Lane.place + 1] = place.row
        node[Lane.place + 2] = place.column
        return node
    }

    /// Signed distance to the pia in mm from interpolated fields, positive inside, right near the pia only.
    @inline(__always)
    func pialDistance(_ fields: SIMD16<Float>, side: Float) -> Float {
        typealias Lane = SmoothAnatomy.Lane
        let hull = fields[Lane.hull]
        let half = fields[Lane.halfWidth]
        var distance = Float(100)
        if hull > -3, hull < 14 {
            // Sulci gape at the hull.
            let widening = 0.8 * Math.expf(-max(hull, 0) / 1.2)
            distance = sheetDistance(
                fields[Lane.primary], slope: fields[Lane.primary + 2], hull: hull, depth: fields[Lane.primary + 1],
                half: half + widening)
            distance = min(
                distance,
                sheetDistance(
                    fields[Lane.secondary], slope: fields[Lane.secondary + 2], hull: hull,
                    depth: fields[Lane.secondary + 1], half: max(0.8 * half, 0.17) + widening))
            // The lateral fissure ends at the insula, and in front and behind.
            let lateral = fields[Lane.point + 2] * side
            let off = fields[Lane.fissure]
            let short = max(14 - lateral, 0)
            let ahead = max(abs(fields[Lane.point] - 4) - 17, 0)
            let fissure = (off * off + short * short + ahead * ahead).squareRoot()
            distance = min(distance, fissure - 0.7 * half - 0.12 - 0.06 * max(lateral - 22, 0))
        }
        // Nothing folds into the body that joins the hemispheres: white matter runs out of it between the sulci. The
        // fissure ends at its surface.
        let body = parts.body(point(of: fields))
        return smoothMinimum(max(hull, body + 0.5), max(distance, body + 3.6), radius: 1.6)
    }

    @inline(__always)
    func point(of fields: SIMD16<Float>) -> PointMm {
        typealias Lane = SmoothAnatomy.Lane
        return PointMm(plane: fields[Lane.point], row: fields[Lane.point + 1], column: fields[Lane.point + 2])
    }
}

/// Signed distance in mm to a sulcus: a sheet along the zero set of a field, from the hull to `depth`, `half` wide to
/// either side, with a round bottom.
@inline(__always)
func sheetDistance(_ value: Float, slope: Float, hull: Float, depth: Float, half: Float) -> Float {
    guard depth > 0 else { return 100 }
    let aside = abs(value) / max(slope, 1e-4)
    let below = max(hull - depth, 0)
    // A sulcus that is ending is also narrower.
    return (aside * aside + below * below).squareRoot() - half * min(depth / 2, 1)
}
