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
        let trusted = 1.3 * grid.spacingMm
        distrustBelowSulci(trusted: trusted, threads: threads)
        sweepDistance(
            &pia, spacingMm: grid.spacingMm, trusted: trusted, reach: BrainDraft.reachMm, parts: grid.sides,
            threads: threads)
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

    /// Leaves only what lies beside the pia to be trusted.
    ///
    /// How far below a sulcus's bottom a point lies is known along the depth only. Where a bottom rises slowly the pia is farther, and
    /// the sulcus would go on as a ghost: with a small distance to a pia that is nowhere.
    private mutating func distrustBelowSulci(trusted: Float, threads: Int) {
        let before = pia.elements
        let (rows, columns) = (grid.rows, grid.columns)
        pia.elements.withUnsafeMutableBufferPointer { pia in
            let pia = DisjointSlices(pia)
            parallelFor(grid.planes, threads: threads) { [grid] plane in
                for row in 0..<rows {
                    for side in grid.sides {
                        for column in side {
                            let index = (plane * rows + row) * columns + column
                            guard before[index] > 0, before[index] < trusted else { continue }
                            let isBeside = (max(plane - 1, 0)...min(plane + 1, grid.planes - 1)).contains { plane in
                                (max(row - 1, 0)...min(row + 1, rows - 1)).contains { row in
                                    let line = (plane * rows + row) * columns
                                    return (max(column - 1, side.lowerBound)...min(column + 1, side.upperBound - 1))
                                        .contains { before[line + $0] <= 0 }
                                }
                            }
                            if !isBeside { pia[index] = trusted }
                        }
                    }
                }
            }
        }
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
