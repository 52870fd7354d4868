internal import NDArray

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

extension BrainDraft {
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
    func cutWhite(_ cuts: [Repairs.Cut], threads: Int) -> Volume<Float> {
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
}
