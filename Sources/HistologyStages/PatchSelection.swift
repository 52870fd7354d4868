internal import NDArray
internal import StageKit

/// Which of the points are taken: the config of `patch-sampling`.
struct PatchSelection {
    /// Points by whether their section is kept for tests.
    enum Split: String, CaseIterable { case all, train, test }

    /// At most so many, at random over all points; nil for all.
    var count: Int?
    /// At most so many of each area, at random; nil for all.
    var perArea: Int?
    var split: Split
    /// Only points with an area.
    var labelled: Bool
    /// Only points with a place in the template's space.
    var placed: Bool

    init(_ config: StageConfig) throws {
        func optionalCount(_ key: String) throws -> Int? {
            config.has(key) ? try config.integer(key, in: 1...) : nil
        }
        count = try optionalCount("count")
        perArea = try optionalCount("per_area")
        split = try config.choice("split")
        labelled = try config.bool("labelled")
        placed = try config.bool("placed")
    }

    /// Rows of the points that are taken, ascending.
    ///
    /// Points of an area are drawn from a stream of the area's own, so that one area's number of points shifts no other's.
    func rows(of points: PatchPoints, seed: UInt64) -> [Int] {
        var rows = (0..<points.count).filter { row in
            let place = points.mniMm[row]
            if placed, !(place.x.isFinite && place.y.isFinite && place.z.isFinite) { return false }
            if labelled || perArea != nil, points.label[row] < 0 { return false }
            return split == .all || (points.isTest[row] != 0) == (split == .test)
        }
        if let perArea {
            var byArea: [Int32: [Int]] = [:]
            for row in rows { byArea[points.label[row], default: []].append(row) }
            rows = byArea.keys.sorted().flatMap { area -> [Int] in
                let members = byArea[area] ?? []
                var generator = SeededGenerator(seed: seed, stream: "patches of an area", Int(area))
                return randomSubset(of: members.count, count: perArea, generator: &generator).map { members[$0] }
            }
            rows.sort()
        }
        if let count {
            var generator = SeededGenerator(seed: seed, stream: "patches")
            rows = randomSubset(of: rows.count, count: count, generator: &generator).map { rows[$0] }
        }
        return rows
    }
}
