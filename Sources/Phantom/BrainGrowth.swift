internal import NDArray

extension BrainAnatomy {
    /// Lays the anatomy out on a grid.
    ///
    /// What varies slowly is evaluated every 0.6 mm and interpolated; the pia follows from it voxel by voxel; distances to the
    /// pia and, from what lies a cortical thickness below it, to the white surface come from sweeps. A draft on the coarse grid
    /// finds where the sheet of cortex would have a handle (two blades of white matter that meet across a gyrus) and
    /// white matter is taken away there.
    ///
    /// - Parameters:
    ///   - spacingUm: edge of a voxel; 300 keeps sulci of a few hundred µm open.
    ///   - threads: how many threads to use; the result does not depend on it.
    ///   - mendsHandles: whether handles of the cortex are looked for and opened.
    /// - Complexity: O(voxels): 14 million voxels at 300 µm take a few seconds on two cores.
    public func fields(spacingUm: Double, threads: Int, mendsHandles: Bool = true) -> BrainFields {
        precondition(spacingUm > 0, "A grid needs a positive spacing, not \(spacingUm) µm.")
        func grid(_ spacingMm: Float) -> Grid {
            Grid(halfAxesMm: halfAxesMm, size: deformation.size, spacingMm: spacingMm)
        }
        let fine = grid(Float(spacingUm / 1000))
        let smooth = [Float(-1), 1].map {
            SmoothAnatomy(self, side: $0, covering: grid(SmoothAnatomy.spacingMm), threads: threads)
        }
        var repairs = Repairs()
        if mendsHandles {
            let coarse = grid(SmoothAnatomy.spacingMm)
            var draft = BrainDraft(self, smooth: smooth, grid: coarse, repairs: repairs, threads: threads)
            let voids = draft.voids(threads: threads)
            if voids.contains(true) {
                repairs.voids = (coarse, voids)
                draft = BrainDraft(self, smooth: smooth, grid: coarse, repairs: repairs, threads: threads)
            }
            repairs.cuts = draft.cuts(threads: threads)
        }
        return BrainDraft(self, smooth: smooth, grid: fine, repairs: repairs, threads: threads)
            .finished(spacingUm: spacingUm, threads: threads)
    }
}

/// What a draft shows must be mended so that each hemisphere's cortex is one sheet without handles.
struct Repairs: Sendable {
    /// A ball in which white matter is taken away.
    struct Cut: Sendable {
        var centre: PointMm
        var radiusMm: Float
    }
    var cuts: [Cut] = []
    /// Voxels of a grid where a sulcus has lost its way out, which is left out.
    var voids: (grid: Grid, flags: [Bool])?

    /// Whether a point lies in a sulcus that is left out.
    func isVoid(_ point: PointMm) -> Bool {
        guard let voids else { return false }
        let grid = voids.grid
        func index(_ value: Float, _ origin: Float, _ count: Int) -> Int {
            min(max(Int(((value - origin) / grid.spacingMm).rounded()), 0), count - 1)
        }
        let plane = index(point.plane, grid.origin.plane, grid.planes)
        let row = index(point.row, grid.origin.row, grid.rows)
        let column = index(point.column, grid.origin.column, grid.columns)
        return voids.flags[(plane * grid.rows + row) * grid.columns + column]
    }
}

/// A brain on its way from smooth fields to distances.
struct BrainDraft: Sendable {
    let anatomy: BrainAnatomy
    let smooth: [SmoothAnatomy]
    let grid: Grid
    /// Distance to the pia in mm, positive inside.
    private(set) var pia: Volume<Float>
    /// Signed distance to the cerebrum's white surface in mm, positive in white matter, before it is swept.
    private(set) var white: Volume<Float>
    /// Ventricles and nuclei: the tissue's border within the cerebrum.
    private(set) var tissue: Volume<Int16>
    private(set) var areas: Volume<UInt8>
    private(set) var parts: Volume<UInt8>
    /// White matter of cerebellum and brainstem, in their voxels only.
    private var hindbrainWhite: Volume<Int16>

    /// Distances beyond it are not told apart.
    static let reachMm: Float = 6

    private let repairs: Repairs

    init(_ anatomy: BrainAnatomy, smooth: [SmoothAnatomy], grid: Grid, repairs: Repairs, threads: Int) {
        (self.anatomy, self.smooth, self.grid, self.repairs) = (anatomy, smooth, grid, repairs)
        // The steps below make them.
        func none<Element>() -> Volume<Element> { Volume(planes: 0, rows: 0, columns: 0, elements: []) }
        (pia, white, tissue) = (none(), none(), none())
        (areas, parts, hindbrainWhite) = (none(), none(), none())
        findPia(threads: threads)
        sweepDistance(
            &pia, spacingMm: grid.spacingMm, trusted: 1.3 * grid.spacingMm, reach: BrainDraft.reachMm,
            parts: grid.sides, threads: threads)
        findWhiteAndParts(threads: threads)
    }

    /// Runs `body` on every row of both sides, planes in parallel.
    private func forEachRow(
        threads: Int,
        _ body:
            @Sendable (
                _ plane: Int, _ row: Int, _ columns: Range<Int>, _ side: Float, UnsafeBufferPointer<SIMD16<Float>>
            ) -> Void
    ) {
        let grid = grid
        parallelFor(grid.planes, threads: threads) { plane in
            let planeMm = grid.origin.plane + Float(plane) * grid.spacingMm
            for (side, columns) in zip(smooth, grid.sides) {
                side.forEachRow(planeMm: planeMm, grid: grid, columnRange: columns) { row, values in
                    body(plane, row, columns, side.side, values)
                }
            }
        }
    }

    private mutating func findPia(threads: Int) {
        var pia: Volume<Float> = grid.volume()
        pia.elements.withUnsafeMutableBufferPointer { pia in
            let pia = DisjointSlices(pia)
            forEachRow(threads: threads) { [grid, anatomy, repairs] plane, row, columns, side, values in
                let start = (plane * grid.rows + row) * grid.columns + columns.lowerBound
                for index in 0..<columns.count {
                    // A brain ends inside its grid, whatever bulges: planes repeat their edge.
                    let isEdge = grid.isEdge(plane, row, columns.lowerBound + index)
                    var distance = anatomy.pialDistance(values[index], side: side)
                    if distance < 3, repairs.isVoid(grid.point(plane, row, columns.lowerBound + index)) {
                        distance = 100
                    }
                    pia[start + index] = isEdge ? min(distance, -grid.spacingMm) : distance
                }
            }
        }
        self.pia = pia
    }

    private mutating func findWhiteAndParts(threads: Int) {
        var white: Volume<Float> = grid.volume()
        var tissue: Volume<Int16> = grid.volume()
        var areas: Volume<UInt8> = grid.volume()
        var parts: Volume<UInt8> = grid.volume()
        var hindbrainWhite: Volume<Int16> = grid.volume()
        white.elements.withUnsafeMutableBufferPointer { white in
            tissue.elements.withUnsafeMutableBufferPointer { tissue in
                areas.elements.withUnsafeMutableBufferPointer { areas in
                    parts.elements.withUnsafeMutableBufferPointer { parts in
                        hindbrainWhite.elements.withUnsafeMutableBufferPointer { hindbrainWhite in
                            let (white, tissue) = (DisjointSlices(white), DisjointSlices(tissue))
                            let (areas, parts) = (DisjointSlices(areas), DisjointSlices(parts))
                            let hindbrain = DisjointSlices(hindbrainWhite)
                            forEachRow(threads: threads) { [self] plane, row, columns, side, values in
                                let start = (plane * grid.rows + row) * grid.columns + columns.lowerBound
                                for index in 0..<columns.count {
                                    let place = start + index
                                    let here = values[index]
                                    let voxel = self.voxel(here, pia: pia.elements[place])
                                    let isEdge = grid.isEdge(plane, row, columns.lowerBound + index)
                                    white[place] = voxel.white
                                    tissue[place] = micrometres(isEdge ? -grid.spacingMm : voxel.tissue)
                                    parts[place] = voxel.part.rawValue
                                    hindbrain[place] = micrometres(voxel.hindbrainWhite)
                                    let hull = here[SmoothAnatomy.Lane.hull]
                                    if voxel.part == .cerebrum, voxel.tissue > -1.5, hull > -3.5, hull < 15.5 {
                                        areas[place] = anatomy.areaMap.area(
                                            at: PointMm(
                                                plane: here[SmoothAnatomy.Lane.place],
                                                row: here[SmoothAnatomy.Lane.place + 1],
                                                column: here[SmoothAnatomy.Lane.place + 2]))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
        (self.white, self.tissue, self.areas) = (white, tissue, areas)
        (self.parts, self.hindbrainWhite) = (parts, hindbrainWhite)
    }

    private struct Voxel {
        var tissue: Float
        var white: Float
        var hindbrainWhite: Float = 0
        var part = BrainPart.cerebrum
    }

    /// What stands in a voxel whose distance to the pia is known.
    @inline(__always)
    private func voxel(_ fields: SIMD16<Float>, pia: Float) -> Voxel {
        let shapes = anatomy.parts
        let point = anatomy.point(of: fields)
        let body = shapes.body(point)
        let below = pia - fields[SmoothAnatomy.Lane.thickness]
        // A millimetre of white matter stays between cortex and what lies deep.
        let cavity = min(shapes.cavity(point), max(below - 1, body - 0.8))
        let nucleus = min(shapes.nucleus(point), max(below - 1.2, body - 0.8))
        var voxel = Voxel(
            tissue: min(max(pia, body), -cavity), white: min(max(below, body), -nucleus))
        if body > 0 || cavity > -0.9 || nucleus > -0.9 { voxel.part = .subcortex }
        guard point.row > -3 else { return voxel }
        let stem = shapes.stem(point)
        let cerebellum = shapes.cerebellum(point)
        guard max(stem, cerebellum) > -3 else { return voxel }
        let folded = shapes.foldedCerebellum(point, depth: cerebellum)
        voxel.tissue = max(voxel.tissue, stem, folded)
        guard voxel.part == .cerebrum, max(stem, cerebellum) > -0.4 else { return voxel }
        voxel.part = stem > cerebellum ? .brainstem : .cerebellum
        // Gray: a rod within the stem, a shell on the cerebellum.
        voxel.hindbrainWhite = max(min(stem, 2.4 - stem), folded - 1.1)
        return voxel
    }

    // MARK: Handles

    /// Sulci that don't reach the outside, as far as the middle of the cortex around them, and a voxel or two more.
    func voids(threads: Int) -> [Bool] {
        let middle = middleDistance(white: cutWhite([], threads: threads), threads: threads)
        let (planes, rows, columns) = (grid.planes, grid.rows, grid.columns)
        var isOutside = [Bool](repeating: false, count: grid.count)
        var front = [0]
        isOutside[0] = true
        while let index = front.popLast() {
            let (plane, row, column) = (index / (rows * columns), index / columns % rows, index % columns)
            for (isInside, next) in [
                (plane > 0, index - rows * columns), (plane + 1 < planes, index + rows * columns),
                (row > 0, index - columns), (row + 1 < rows, index + columns),
                (column > 0, index - 1), (column + 1 < columns, index + 1),
            ] where isInside && !isOutside[next] && middle.elements[next] <= 0 {
                isOutside[next] = true
                front.append(next)
            }
        }
        var isVoid = [Bool](repeating: false, count: grid.count)
        for index in isVoid.indices where middle.elements[index] <= 0 && !isOutside[index] {
            for plane in -1...1 {
                for row in -1...1 {
                    for column in -1...1 {
                        let near = index + (plane * rows + row) * columns + column
                        if near >= 0, near < isVoid.count { isVoid[near] = true }
                    }
                }
            }
        }
        return isVoid
    }

    /// Where white matter has to go so that the middle of the cortex has no handle.
    func cuts(threads: Int) -> [Repairs.Cut] {
        var cuts: [Repairs.Cut] = []
        // Taking white matter away moves the middle: look again, until nothing is found.
        for round in 0..<4 {
            let depth = middleDistance(white: cutWhite(cuts, threads: threads), threads: threads)
            var found: [Repairs.Cut] = []
            for columns in grid.sides {
                for index in handleVoxels(of: depth, columns: columns) {
                    let (line, column) = (index / grid.columns, index % grid.columns)
                    found.append(
                        Repairs.Cut(
                            centre: grid.point(line / grid.rows, line % grid.rows, column),
                            radiusMm: min(max(pia.elements[index], 0) * 1.1, 4) + 0.4 + 0.3 * Float(round)))
                }
            }
            if found.isEmpty { break }
            cuts += found
        }
        return cuts
    }

    /// Signed and positive on the white side of the middle of the cortex; large in the inner parts; −100 in what lies behind.
    private func middleDistance(white: Volume<Float>, threads: Int) -> Volume<Float> {
        var middle = white
        for index in middle.elements.indices {
            let pia = pia.elements[index]
            switch BrainPart(rawValue: parts.elements[index]) ?? .cerebrum {
            case .subcortex: middle.elements[index] = 50
            case .cerebellum, .brainstem: middle.elements[index] = -100
            case .cerebrum:
                let white = middle.elements[index]
                // In gray, white is minus the distance to white matter.
                middle.elements[index] = pia > 0 ? pia + white : -100
            }
        }
        return middle
    }

    /// The white matter without the cuts, swept: in gray −b.
    private func cutWhite(_ cuts: [Repairs.Cut], threads: Int) -> Volume<Float> {
        var white = white
        for cut in cuts {
            func range(_ centre: Float, _ origin: Float, _ count: Int) -> ClosedRange<Int> {
                // A voxel beyond the ball its distance still matters to the border.
                let reach = cut.radiusMm + 2 * grid.spacingMm
                let first = max(Int(((centre - reach - origin) / grid.spacingMm).rounded(.up)), 0)
                let last = min(Int(((centre + reach - origin) / grid.spacingMm).rounded(.down)), count - 1)
                return first...max(last, first)
            }
            for plane in range(cut.centre.plane, grid.origin.plane, grid.planes) {
                for row in range(cut.centre.row, grid.origin.row, grid.rows) {
                    for column in range(cut.centre.column, grid.origin.column, grid.columns) {
                        let index = (plane * grid.rows + row) * grid.columns + column
                        guard parts.elements[index] == 0 else { continue }
                        let away = grid.point(plane, row, column).square(to: cut.centre).squareRoot() - cut.radiusMm
                        white.elements[index] = min(white.elements[index], away)
                    }
                }
            }
        }
        white = whiteSource(white, threads: threads)
        sweepDistance(
            &white, spacingMm: grid.spacingMm, trusted: 1.4 * grid.spacingMm, reach: BrainDraft.reachMm,
            parts: grid.sides, threads: threads)
        white.elements.withUnsafeMutableBufferPointer { white in
            let white = DisjointSlices(white)
            parallelBands(grid.count, band: 1 << 16, threads: threads) { band in
                for index in band { white[index] = -white[index] }
            }
        }
        return white
    }

    /// What the sweep starts from: distance to white matter where a neighbour is white, far elsewhere. A gyrus that is almost wide
    /// enough for white matter has none.
    private func whiteSource(_ white: Volume<Float>, threads: Int) -> Volume<Float> {
        var source: Volume<Float> = grid.volume()
        source.elements.withUnsafeMutableBufferPointer { source in
            let source = DisjointSlices(source)
            parallelFor(grid.planes, threads: threads) { [grid, pia] plane in
                white.elements.withUnsafeBufferPointer { white in
                    pia.elements.withUnsafeBufferPointer { pia in
                        let sheet = grid.rows * grid.columns
                        for row in 0..<grid.rows {
                            for column in 0..<grid.columns {
                                let index = plane * sheet + row * grid.columns + column
                                let here = white[index]
                                // Outside the brain the distance to white matter doesn't matter: a wall.
                                guard pia[index] >= -1 else {
                                    source[index] = 1e6
                                    continue
                                }
                                guard here <= 0, here > -1.4 * grid.spacingMm,
                                    !grid.isEdge(plane, row, column)
                                else {
                                    source[index] = here <= 0 ? 1000 : -here
                                    continue
                                }
                                let besides = max(
                                    max(white[index - 1], white[index + 1]),
                                    max(white[index - grid.columns], white[index + grid.columns]),
                                    max(white[index - sheet], white[index + sheet]))
                                source[index] = besides > 0 ? -here : 1000
                            }
                        }
                    }
                }
            }
        }
        return source
    }

    // MARK: The end

    /// The finished brain.
    func finished(spacingUm: Double, threads: Int) -> BrainFields {
        let white = cutWhite(repairs.cuts, threads: threads)
        var whiteUm: Volume<Int16> = grid.volume()
        whiteUm.elements.withUnsafeMutableBufferPointer { target in
            let target = DisjointSlices(target)
            parallelBands(grid.count, band: 1 << 16, threads: threads) { [parts, hindbrainWhite] band in
                for index in band {
                    target[index] =
                        parts.elements[index] >= BrainPart.cerebellum.rawValue
                        ? hindbrainWhite.elements[index] : micrometres(white.elements[index])
                }
            }
        }
        // Areas are for the ribbon and a little beyond.
        var areas = areas
        areas.elements.withUnsafeMutableBufferPointer { areas in
            let areas = DisjointSlices(areas)
            parallelBands(grid.count, band: 1 << 16, threads: threads) { [whiteUm] band in
                for index in band where whiteUm.elements[index] > 1500 { areas[index] = 0 }
            }
        }
        return BrainFields(
            tissueUm: tissue, whiteUm: whiteUm, areas: areas, parts: parts, spacingUm: spacingUm,
            originUm: (
                Double(grid.origin.plane) * 1000, Double(grid.origin.row) * 1000, Double(grid.origin.column) * 1000
            ))
    }
}
