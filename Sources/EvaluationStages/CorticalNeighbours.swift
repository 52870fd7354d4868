internal import NDArray
internal import Statistics

/// Which points lie beside each other on the cortex: along the line of a section, and from section to section.
///
/// Within a section a point looks for the `alongCount` nearest of its hemisphere within `alongMm`: less than the way from one bank of a
/// sulcus to the other, as midlines of two banks are a cortical thickness apart. Across sections two points of a hemisphere are joined
/// that are both among the `betweenCount` nearest of each other in the brain, within `betweenMm`: so a bank mostly finds itself, and
/// points may be as sparse as that.
struct CorticalNeighbours {
    var alongMm: Double
    var betweenMm: Double
    /// Neighbours that a point looks for in its own section; 2 are those to its left and right.
    var alongCount = 2
    /// In other sections; 4 are two before and two behind.
    var betweenCount = 4

    /// The edges between some rows of one brain, by their places in `rows`, each once, in ascending order.
    ///
    /// An edge weighs exp(−2 (d / reach)²): 1 for points that coincide, 0.14 at the reach.
    func edges(of rows: [Int], in points: PointTable) -> [LabelField.Edge] {
        var weights: [Pair: Float] = [:]
        var bySection: [Int: [Int]] = [:]
        for (place, row) in rows.enumerated() {
            bySection[Int(points.section[row]) << 1 | Int(points.hemisphere[row] & 1), default: []].append(place)
        }
        for key in bySection.keys.sorted() {
            let places = bySection[key] ?? []
            let grid = PointGrid(
                places.map { SIMD3(points.positionUm[rows[$0]] / 1000, 0) }, cellMm: alongMm)
            for (index, place) in places.enumerated() {
                for near in grid.nearest(to: index, count: alongCount, withinMm: alongMm) {
                    weights[Pair(place, places[near.index])] = weight(near.distanceMm, alongMm)
                }
            }
        }
        for hemisphere in [UInt8(0), 1] where betweenMm > 0 {
            let places = rows.indices.filter {
                points.hemisphere[rows[$0]] & 1 == hemisphere && points.cortexMm(rows[$0]) != nil
            }
            joinSections(places, rows, points, &weights)
        }
        return weights.keys.sorted().map { LabelField.Edge($0.first, $0.second, weights[$0] ?? 0) }
    }

    private func joinSections(
        _ places: [Int], _ rows: [Int], _ points: PointTable, _ weights: inout [Pair: Float]
    ) {
        let grid = PointGrid(places.compactMap { points.cortexMm(rows[$0]) }, cellMm: betweenMm)
        let sections = places.map { points.section[rows[$0]] }
        let near = places.indices.map { index in
            grid.nearest(to: index, count: betweenCount, withinMm: betweenMm) { sections[$0] != sections[index] }
        }
        for index in places.indices {
            for other in near[index] where near[other.index].contains(where: { $0.index == index }) {
                weights[Pair(places[index], places[other.index])] = weight(other.distanceMm, betweenMm)
            }
        }
    }

    private func weight(_ distanceMm: Double, _ reachMm: Double) -> Float {
        Float(Math.exp(-2 * (distanceMm / reachMm) * (distanceMm / reachMm)))
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
