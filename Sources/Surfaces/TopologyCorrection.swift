internal import NDArray

/// What a topology correction changed.
public struct TopologyReport: Sendable, Equatable {
    /// Handles of the largest part before.
    public var handlesBefore = 0
    /// Voxels taken away to cut handles.
    public var cutVoxels = 0
    /// Voxels added to fill tunnels.
    public var filledVoxels = 0
    /// Tunnels filled.
    public var filledTunnels = 0
    /// Voxels of parts that do not hang together with the largest one.
    public var droppedVoxels = 0
    /// Voxels of cavities that were closed.
    public var cavityVoxels = 0
    public var changedVoxels: Int { cutVoxels + filledVoxels + droppedVoxels + cavityVoxels }
}

extension SolidIndicator {
    /// Makes the solid a ball, topologically: one part, no cavity, no handle; its surface (by `.insideApart`) is then one closed manifold of genus 0.
    ///
    /// Detached parts are dropped and cavities closed. Then a front grows from the innermost voxel through the solid, voxels farthest from the surface first,
    /// adding simple points only: where it would close a handle, the voxels in which the fronts meet (the handle's thinnest place, as they
    /// come last) stay out. A second front comes from outside through the background; what it cannot take is the filling of a tunnel. Tunnels
    /// that few voxels fill are filled and the first front goes on; all others stay cut. Only voxels that change get a new value, just across the level, so
    /// that the surface stays where it was elsewhere.
    ///
    /// - Parameters:
    ///   - largestFilling: tunnels of up to this many voxels are filled rather than cut.
    /// - Returns: what was changed; nil where nothing lies above the level.
    /// - Complexity: O(voxels), sequential: the order of the front is the result.
    ///
    /// **Reference**: Han, Xu, Braga-Neto, Prince 2002, DOI 10.1109/TMI.2002.803109; Bazin, Pham 2007, DOI 10.1109/TMI.2006.887364.
    public mutating func correctTopology(largestFilling: Int = 64, threads: Int) -> TopologyReport? {
        var report = TopologyReport()
        guard field.planes > 2, field.rows > 2, field.columns > 2 else { return nil }
        var states = insideStates()
        guard keepLargestPart(&states, &report) else { return nil }
        closeCavities(&states, &report)
        settle(states)
        report.handlesBefore = max(0, 1 - surface(rule: .insideApart, threads: threads).eulerCharacteristic / 2)
        if report.handlesBefore == 0 { return report }

        guard growBall(&states, largestFilling: largestFilling, &report) else { return nil }
        settle(states)
        return report
    }

    /// Leaves those voxels of the states that fronts reach without changing the topology of a ball; false where there is none.
    private func growBall(_ states: inout [UInt8], largestFilling: Int, _ report: inout TopologyReport) -> Bool {
        let (planes, rows, columns) = (field.planes, field.rows, field.columns)
        // Thickness decides first, then how far the value lies from the level.
        let inner = chamferDistance(planes: planes, rows: rows, columns: columns) {
            states[$0] == FrontPropagation.candidate
        }
        let outer = chamferDistance(planes: planes, rows: rows, columns: columns) { states[$0] == 0 }
        var outside = outsideStates(states)
        return field.elements.withUnsafeBufferPointer { values in
            func priority(_ distances: [UInt16], _ index: Int) -> Float {
                // 34 voxels and more are all one; a voxel counts as 30 of the 1024 priorities.
                (Float(distances[index]) + min(abs(values[index] - level), 0.99)) * (1.0 / 103)
            }
            var deepest: Int?
            for index in states.indices where states[index] == FrontPropagation.candidate {
                guard let last = deepest, (inner[index], values[index]) <= (inner[last], values[last]) else {
                    deepest = index
                    continue
                }
            }
            guard let seed = deepest else { return false }
            states.withUnsafeMutableBufferPointer { states in
                states[seed] = FrontPropagation.member
                var front = FrontPropagation(rows: rows, columns: columns, membersAreSet: true)
                front.grow(states, from: [seed]) { priority(inner, $0) }

                outside.withUnsafeMutableBufferPointer { outside in
                    var front = FrontPropagation(rows: rows, columns: columns, membersAreSet: false)
                    front.grow(outside, from: self.rim(outside)) { priority(outer, $0) }
                }
                let fillings = VoxelRuns(
                    planes: planes, rows: rows, columns: columns, connectivity: .facesAndEdges
                ) { outside[$0] == FrontPropagation.candidate }
                let sizes = fillings.sizes()
                report.filledTunnels = sizes.values.count { $0 <= largestFilling }
                for run in fillings.runs.indices where sizes[fillings.part[run], default: 0] <= largestFilling {
                    fillings.forEachVoxel(ofRun: run) { index in
                        states[index] = FrontPropagation.candidate
                        report.filledVoxels += 1
                    }
                }
                let left = states.indices.filter { states[$0] == FrontPropagation.candidate }
                let offsets = SimplePoint(rows: rows, columns: columns).offsets
                var rim = Set<Int>()
                for index in left {
                    for offset in offsets where states[index + offset] == FrontPropagation.member {
                        rim.insert(index + offset)
                    }
                }
                front.grow(states, from: rim.sorted()) { priority(inner, $0) }
                for index in left where states[index] == FrontPropagation.candidate {
                    states[index] = 0
                    if values[index] > level { report.cutVoxels += 1 } else { report.filledVoxels -= 1 }
                }
            }
            return true
        }
    }

    /// Members that may have candidates beside them, in the order of the grid.
    private func rim(_ states: UnsafeMutableBufferPointer<UInt8>) -> [Int] {
        let (planes, rows, columns) = (field.planes, field.rows, field.columns)
        // First and last candidate of each row.
        var spans = [(first: Int, last: Int)](repeating: (Int.max, -1), count: planes * rows)
        for row in spans.indices {
            let start = row * columns
            guard let first = (0..<columns).first(where: { states[start + $0] == FrontPropagation.candidate }),
                let last = (0..<columns).last(where: { states[start + $0] == FrontPropagation.candidate })
            else { continue }
            spans[row] = (first, last)
        }
        var found: [Int] = []
        for plane in 0..<planes {
            for row in 0..<rows {
                var (first, last) = (Int.max, -1)
                for p in max(plane - 1, 0)...min(plane + 1, planes - 1) {
                    for r in max(row - 1, 0)...min(row + 1, rows - 1) {
                        first = min(first, spans[p * rows + r].first)
                        last = max(last, spans[p * rows + r].last)
                    }
                }
                guard last >= 0 else { continue }
                let start = (plane * rows + row) * columns
                for column in max(first - 1, 0)...min(last + 1, columns - 1)
                where states[start + column] == FrontPropagation.member {
                    found.append(start + column)
                }
            }
        }
        return found
    }

    private func insideStates() -> [UInt8] {
        var states = field.elements.map { $0 > level ? FrontPropagation.candidate : 0 }
        // The border stays outside, so that every candidate has 26 neighbours.
        forEachBorderVoxel { states[$0] = 0 }
        return states
    }

    private func forEachBorderVoxel(_ body: (Int) -> Void) {
        for plane in 0..<field.planes {
            for row in 0..<field.rows {
                let start = (plane * field.rows + row) * field.columns
                if plane == 0 || row == 0 || plane == field.planes - 1 || row == field.rows - 1 {
                    for column in 0..<field.columns { body(start + column) }
                } else {
                    body(start)
                    body(start + field.columns - 1)
                }
            }
        }
    }

    private func keepLargestPart(_ states: inout [UInt8], _ report: inout TopologyReport) -> Bool {
        let runs = VoxelRuns(
            planes: field.planes, rows: field.rows, columns: field.columns, connectivity: .faces
        ) { states[$0] == FrontPropagation.candidate }
        let sizes = runs.sizes()
        guard let largest = sizes.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }) else { return false }
        for run in runs.runs.indices where runs.part[run] != largest.key {
            runs.forEachVoxel(ofRun: run) { index in
                states[index] = 0
                report.droppedVoxels += 1
            }
        }
        return true
    }

    private func closeCavities(_ states: inout [UInt8], _ report: inout TopologyReport) {
        let runs = VoxelRuns(
            planes: field.planes, rows: field.rows, columns: field.columns, connectivity: .facesAndEdges
        ) { states[$0] == 0 }
        // Run 0 begins at the grid's corner, which is outside.
        for run in runs.runs.indices where runs.part[run] != 0 {
            runs.forEachVoxel(ofRun: run) { index in
                states[index] = FrontPropagation.candidate
                report.cavityVoxels += 1
            }
        }
    }

    /// The background as candidates, and as members a shell of it that surrounds the solid without handles of its own.
    ///
    /// The shell is grown on blocks of 4 × 4 × 4 voxels, from the grid's border through blocks without solid. Replacing a block by its voxels
    /// keeps the topology, so the fine front has the crooked rest to do only.
    private func outsideStates(_ states: [UInt8]) -> [UInt8] {
        let edge = 4
        let (planes, rows, columns) = (field.planes, field.rows, field.columns)
        // A layer of blocks around the grid is the start.
        let (p, r, c) = (planes / edge + 3, rows / edge + 3, columns / edge + 3)
        var blocks = [UInt8](repeating: FrontPropagation.candidate, count: p * r * c)
        for plane in 0..<planes {
            for row in 0..<rows {
                let start = (plane * rows + row) * columns
                let block = ((plane / edge + 1) * r + row / edge + 1) * c + 1
                for column in 0..<columns where states[start + column] != 0 { blocks[block + column / edge] = 0 }
            }
        }
        var border: [Int] = []
        for plane in 0..<p {
            for row in 0..<r {
                for column in 0..<c
                where plane == 0 || row == 0 || column == 0 || plane == p - 1 || row == r - 1 || column == c - 1 {
                    blocks[(plane * r + row) * c + column] = FrontPropagation.member
                    border.append((plane * r + row) * c + column)
                }
            }
        }
        blocks.withUnsafeMutableBufferPointer { blocks in
            var front = FrontPropagation(rows: r, columns: c, membersAreSet: false)
            front.grow(blocks, from: border) { _ in 0 }
        }
        var outside = [UInt8](repeating: 0, count: states.count)
        for plane in 0..<planes {
            for row in 0..<rows {
                let start = (plane * rows + row) * columns
                let block = ((plane / edge + 1) * r + row / edge + 1) * c + 1
                for column in 0..<columns where states[start + column] == 0 {
                    outside[start + column] =
                        blocks[block + column / edge] == FrontPropagation.member
                        ? FrontPropagation.member : FrontPropagation.candidate
                }
            }
        }
        forEachBorderVoxel { outside[$0] = FrontPropagation.member }
        return outside
    }

    /// Brings the field's signs in line with the states; values on the right side stay.
    private mutating func settle(_ states: [UInt8]) {
        let (low, high) = field.elements.reduce((Float.infinity, -Float.infinity)) { (min($0.0, $1), max($0.1, $1)) }
        // Small against the step at the surface, large against rounding.
        let step = 0.02 * (high - low)
        let level = level
        for index in states.indices {
            let inside = states[index] != 0
            if inside != (field.elements[index] > level) {
                field.elements[index] = inside ? level + step : level - step
            }
        }
    }
}
