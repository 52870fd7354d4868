internal import NDArray
internal import Statistics

/// Which points lie beside each other on the cortex: along the line of a section, and from a section to the next.
///
/// Within a section a point is joined with the `perPoint` nearest of its hemisphere that lie within `alongMm`: less than the way
/// from one bank of a sulcus to the other, as midlines of two banks are a cortical thickness apart. From one section to the next, two
/// points are joined that are each other's nearest within `betweenMm`; so a bank finds itself and not the one opposite.
struct CorticalNeighbours {
    var alongMm: Double
    var betweenMm: Double
    /// Neighbours that a point looks for in its own section; 2 are those to its left and right.
    var perPoint = 2

    /// The edges between some rows, by their places in `rows`, each once, in ascending order.
    ///
    /// An edge weighs exp(−½ (d / reach)²): 1 for points that coincide, 0.6 at the reach.
    func edges(of rows: [Int], in points: PointTable) -> [LabelField.Edge] {
        var bySection: [Int: [Int]] = [:]
        for (place, row) in rows.enumerated() {
            bySection[Int(points.section[row]) << 1 | Int(points.hemisphere[row] & 1), default: []].append(place)
        }
        var weights: [Pair: Float] = [:]
        for key in bySection.keys.sorted() {
            let places = bySection[key] ?? []
            let grid = PointGrid(
                places.map { SIMD3(points.positionUm[rows[$0]] / 1000, 0) }, cellMm: alongMm)
            for (index, place) in places.enumerated() {
                for near in grid.nearest(to: index, count: perPoint, withinMm: alongMm) {
                    weights[Pair(place, places[near.index])] = weight(near.distanceMm, alongMm)
                }
            }
        }
        joinSections(bySection, rows, points, &weights)
        return weights.keys.sorted().map { LabelField.Edge($0.first, $0.second, weights[$0] ?? 0) }
    }

    private func joinSections(
        _ bySection: [Int: [Int]], _ rows: [Int], _ points: PointTable, _ weights: inout [Pair: Float]
    ) {
        guard betweenMm > 0 else { return }
        struct Slice {
            var places: [Int]
            var grid: PointGrid
            var position: Double
        }
        var lines: [Int: [Slice]] = [:]
        for key in bySection.keys.sorted() {
            let placed = (bySection[key] ?? []).filter { points.cortexMm(rows[$0]) != nil }
            guard let first = placed.first else { continue }
            let positions = placed.compactMap { points.cortexMm(rows[$0]) }
            // Along the axis that the sections were cut across: the plane, or MNI's y.
            let along = positions.map(\.y).sorted()[positions.count / 2]
            let line = Int(points.brain[rows[first]]) << 1 | key & 1
            lines[line, default: []].append(
                Slice(places: placed, grid: PointGrid(positions, cellMm: betweenMm), position: along))
        }
        for line in lines.keys.sorted() {
            let slices = (lines[line] ?? []).enumerated().sorted {
                ($0.element.position, $0.offset) < ($1.element.position, $1.offset)
            }.map(\.element)
            for (here, next) in zip(slices, slices.dropFirst()) {
                for index in here.places.indices {
                    guard
                        let there = next.grid.nearest(
                            toMm: here.grid.points[index], count: 1, withinMm: betweenMm
                        ).first,
                        let back = here.grid.nearest(
                            toMm: next.grid.points[there.index], count: 1, withinMm: betweenMm
                        ).first, back.index == index
                    else { continue }
                    weights[Pair(here.places[index], next.places[there.index])] = weight(there.distanceMm, betweenMm)
                }
            }
        }
    }

    private func weight(_ distanceMm: Double, _ reachMm: Double) -> Float {
        Float(Math.exp(-0.5 * (distanceMm / reachMm) * (distanceMm / reachMm)))
    }

    private struct Pair: Hashable, Comparable {
        var first: Int
        var second: Int

        init(_ a: Int, _ b: Int) { (first, second) = (min(a, b), max(a, b)) }

        static func < (a: Pair, b: Pair) -> Bool { (a.first, a.second) < (b.first, b.second) }
    }
}

extension PointTable {
    /// Where a point lies in the brain, mm, y across the sections: by the reconstruction, else in the template's space; nil where unknown.
    func cortexMm(_ row: Int) -> SIMD3<Double>? {
        let own = reconstructionUm[row]
        if own.x.isFinite { return SIMD3(own.z, own.x, -own.y) / 1000 }
        return mniMm[row].x.isFinite ? mniMm[row] : nil
    }
}
