internal import NDArray
internal import SpatialTransforms

extension RealAnatomy {
    /// Lays the brain out on a grid.
    ///
    /// - Parameters:
    ///   - spacingUm: edge of a voxel; finer than the maps' is fine.
    ///   - threads: how many threads to use; the result does not depend on it.
    public func fields(spacingUm: Double, threads: Int) -> BrainFields {
        let grid = tissueGrid(spacingMm: Float(spacingUm / 1000))
        func distances(_ share: @escaping @Sendable (SIMD3<Double>) -> Float) -> Volume<Int16> {
            let level = levelDistance(grid, threads: threads, share)
            return sweptBothSides(level, grid: grid, threads: threads)
        }
        let tissue = distances { [gray, white] in gray.value($0) + white.value($0) - 0.5 }
        // White where white matter is at least half of the voxel, and never nearer to the slide than a thin cortex.
        var inner = distances { [white] in white.value($0) - 0.5 }
        for index in inner.elements.indices {
            inner.elements[index] = min(inner.elements[index], tissue.elements[index])
        }
        var parts: Volume<UInt8> = grid.volume()
        if excluded == .mni {
            parts.elements.withUnsafeMutableBufferPointer { parts in
                let parts = DisjointSlices(parts)
                parallelFor(grid.planes, threads: threads) { plane in
                    for row in 0..<grid.rows {
                        for column in 0..<grid.columns {
                            let point = grid.point(plane, row, column)
                            parts[(plane * grid.rows + row) * grid.columns + column] =
                                MniParts.part(SIMD3(point.column, point.plane, -point.row)).rawValue
                        }
                    }
                }
            }
        }
        var areas = nearestAreas(grid, threads: threads)
        for index in areas.elements.indices {
            let near = tissue.elements[index] > -1500 && inner.elements[index] < 1500
            if !near || parts.elements[index] != 0 { areas.elements[index] = 0 }
        }
        return BrainFields(
            tissueUm: tissue, whiteUm: inner, areas: areas, parts: parts, spacingUm: spacingUm,
            originUm: (
                Double(grid.origin.plane) * 1000, Double(grid.origin.row) * 1000, Double(grid.origin.column) * 1000
            ))
    }

    /// The box around the tissue with 4 mm to spare.
    private func tissueGrid(spacingMm: Float) -> Grid {
        var (low, high) = (SIMD3<Double>(repeating: 1e9), SIMD3<Double>(repeating: -1e9))
        for map in [gray, white] {
            for plane in 0..<map.grid.planes {
                for row in 0..<map.grid.rows {
                    for column in 0..<map.grid.columns where map.volume[plane, row, column] > 0.4 {
                        let point = map.grid.point(plane: plane, row: row, column: column)
                        low = pointwiseMin(low, point)
                        high = pointwiseMax(high, point)
                    }
                }
            }
        }
        (low, high) = (low - 4, high + 4)
        let step = Double(spacingMm)
        // Voxel centres at whole multiples of the spacing.
        func first(_ value: Double) -> Double { (value / step).rounded(.down) * step }
        func count(_ from: Double, _ to: Double) -> Int { Int(((to - first(from)) / step).rounded(.up)) + 1 }
        return Grid(
            planes: count(low.y, high.y), rows: count(-high.z, -low.z), columns: count(low.x, high.x),
            spacingMm: spacingMm,
            origin: PointMm(plane: Float(first(low.y)), row: Float(first(-high.z)), column: Float(first(low.x))))
    }

    /// Signed distance in mm to where the share crosses zero, to first order; right near the crossing.
    private func levelDistance(
        _ grid: Grid, threads: Int, _ share: @Sendable (SIMD3<Double>) -> Float
    ) -> Volume<Float> {
        var values: Volume<Float> = grid.volume()
        values.elements.withUnsafeMutableBufferPointer { values in
            let values = DisjointSlices(values)
            parallelFor(grid.planes, threads: threads) { plane in
                for row in 0..<grid.rows {
                    for column in 0..<grid.columns {
                        values[(plane * grid.rows + row) * grid.columns + column] =
                            share(grid.point(plane, row, column).rasMm)
                    }
                }
            }
        }
        var distance: Volume<Float> = grid.volume()
        distance.elements.withUnsafeMutableBufferPointer { distance in
            let distance = DisjointSlices(distance)
            parallelFor(grid.planes, threads: threads) { [values] plane in
                let sheet = grid.rows * grid.columns
                for row in 0..<grid.rows {
                    for column in 0..<grid.columns {
                        let index = plane * sheet + row * grid.columns + column
                        let here = values.elements[index]
                        guard !grid.isEdge(plane, row, column) else {
                            distance[index] = -100
                            continue
                        }
                        var (slope, crosses) = (Float(0), false)
                        for stride in [sheet, grid.columns, 1] {
                            let (after, before) = (values.elements[index + stride], values.elements[index - stride])
                            // The steeper side: at the rim of a blade the two differ.
                            let step = max(abs(after - here), abs(here - before)) / grid.spacingMm
                            slope += step * step
                            crosses = crosses || (after > 0) != (here > 0) || (before > 0) != (here > 0)
                        }
                        let first = here / max(slope.squareRoot(), 1e-3)
                        distance[index] =
                            crosses
                            ? min(max(first, -grid.spacingMm), grid.spacingMm) : here > 0 ? 100 : -100
                    }
                }
            }
        }
        return distance
    }

    /// Sweeps a field outward and inward from where it is right, to whole µm.
    private func sweptBothSides(_ level: Volume<Float>, grid: Grid, threads: Int) -> Volume<Int16> {
        var result: Volume<Int16> = grid.volume()
        for sign in [Float(1), -1] {
            var side = level
            side.elements.withUnsafeMutableBufferPointer { side in
                let side = DisjointSlices(side)
                parallelBands(grid.count, band: 1 << 16, threads: threads) { band in
                    for index in band { side[index] *= sign }
                }
            }
            sweepDistance(
                &side, spacingMm: grid.spacingMm, trusted: 1.01 * grid.spacingMm, reach: BrainDraft.reachMm,
                parts: grid.sides, threads: threads)
            result.elements.withUnsafeMutableBufferPointer { result in
                let result = DisjointSlices(result)
                parallelBands(grid.count, band: 1 << 16, threads: threads) { [side] band in
                    for index in band where side.elements[index] > 0 {
                        result[index] = micrometres(sign * side.elements[index])
                    }
                }
            }
        }
        return result
    }

    /// The nearest label of each voxel within about 12 mm: chamfer sweeps on a grid of 1 mm, then looked up.
    private func nearestAreas(_ grid: Grid, threads: Int) -> Volume<UInt8> {
        var result: Volume<UInt8> = grid.volume()
        guard let areas else { return result }
        let place = Dictionary(uniqueKeysWithValues: labels.enumerated().map { ($1, UInt8($0 + 1)) })
        let (planes, rows, columns) = (areas.grid.planes, areas.grid.rows, areas.grid.columns)
        var nearest = areas.volume.elements.map { $0 == 0 ? UInt8(0) : place[Int($0)] ?? 0 }
        var cost = nearest.map { $0 == 0 ? UInt16(1000) : 0 }
        // Borgefors's weights 3, 4, 5 for faces, edges, corners: 36 is about 12 voxels.
        for forward in [true, false, true, false] {
            for step in 0..<nearest.count {
                let index = forward ? step : nearest.count - 1 - step
                let (line, column) = (index / columns, index % columns)
                let (plane, row) = (line / rows, line % rows)
                for dp in -1...1 {
                    for dr in -1...1 {
                        for dc in -1...1 {
                            let steps = abs(dp) + abs(dr) + abs(dc)
                            guard steps > 0, plane + dp >= 0, plane + dp < planes, row + dr >= 0, row + dr < rows,
                                column + dc >= 0, column + dc < columns
                            else { continue }
                            let from = index + (dp * rows + dr) * columns + dc
                            let new = cost[from] + UInt16(2 + steps)
                            if new < cost[index], new <= 36 {
                                cost[index] = new
                                nearest[index] = nearest[from]
                            }
                        }
                    }
                }
            }
        }
        result.elements.withUnsafeMutableBufferPointer { result in
            let result = DisjointSlices(result)
            parallelFor(grid.planes, threads: threads) { [nearest] plane in
                for row in 0..<grid.rows {
                    for column in 0..<grid.columns {
                        let at = areas.grid.mmToIndex(grid.point(plane, row, column).rasMm).rounded(.toNearestOrEven)
                        guard at.x >= 0, at.y >= 0, at.z >= 0, at.x < Double(columns), at.y < Double(rows),
                            at.z < Double(planes)
                        else { continue }
                        result[(plane * grid.rows + row) * grid.columns + column] =
                            nearest[(Int(at.z) * rows + Int(at.y)) * columns + Int(at.x)]
                    }
                }
            }
        }
        return result
    }
}
