internal import Imaging
internal import NDArray

/// Joins islands of white matter with the rest of it, by a way one voxel wide through gray matter.
///
/// All white matter of a hemisphere hangs together: an island is the core of a gyrus whose blade is too thin at its neck to be seen. The sheet around
/// an island would be a bubble of its own, and no part of the one closed surface that a hemisphere has.
struct WhiteBridges {
    /// Smaller islands stay alone: they may be noise.
    let leastVoxels: Int
    /// No way is longer.
    let reachVoxels: Int

    /// White matter with at least this share of the largest part's voxels is no island: excluded parts leave a part for each hemisphere.
    private static let mainShare = 0.1

    /// - Parameter labels: 0 background, 1 gray, 2 white; voxels of the ways become 2.
    /// - Returns: how many islands were joined, and the voxels of the ways.
    func join(_ labels: inout Volume<UInt8>, threads: Int) -> (islands: Int, voxels: Int) {
        let parts = connectedComponents(of: mask(labels) { $0 == 2 })
        let largest = parts.sizes.dropFirst().max() ?? 0
        var isRooted = parts.sizes.indices.map {
            $0 > 0 && Double(parts.sizes[$0]) >= WhiteBridges.mainShare * Double(largest)
        }
        let islands = parts.sizes.indices.filter { $0 > 0 && !isRooted[$0] && parts.sizes[$0] >= leastVoxels }
            .sorted { (parts.sizes[$1], $0) < (parts.sizes[$0], $1) }
        guard !islands.isEmpty else { return (0, 0) }
        // Ways keep to the middle: white matter that touches the pia would part the gray.
        let depth = distanceTransform(of: mask(labels) { $0 != 0 }, spacing: (1, 1, 1), threads: threads)
        var seeds: [Int: [Int]] = [:]
        let wanted = Set(islands)
        for voxel in parts.labels.elements.indices {
            let part = Int(parts.labels.elements[voxel])
            if part > 0, wanted.contains(part) { seeds[part, default: []].append(voxel) }
        }
        var joined = (islands: 0, voxels: 0)
        for island in islands {
            let way = shortestWay(
                from: seeds[island] ?? [], labels: labels, depth: depth,
                arrives: { isRooted[Int(parts.labels.elements[$0])] })
            guard let way else { continue }
            for voxel in way { labels.elements[voxel] = 2 }
            isRooted[island] = true
            joined = (joined.islands + 1, joined.voxels + way.count)
        }
        return joined
    }

    private func mask(_ labels: Volume<UInt8>, where isSet: (UInt8) -> Bool) -> Volume<UInt8> {
        Volume(
            planes: labels.planes, rows: labels.rows, columns: labels.columns,
            elements: labels.elements.map { isSet($0) ? 1 : 0 })
    }

    /// The voxels between an island and what `arrives` accepts, from face to face through tissue; nil where none is within reach.
    ///
    /// A step is dearer the nearer it comes to the tissue's edge (Dijkstra 1959, DOI 10.1007/BF01386390, with costs in quarters).
    private func shortestWay(
        from seeds: [Int], labels: Volume<UInt8>, depth: Volume<Float>, arrives: (Int) -> Bool
    ) -> [Int]? {
        let (rows, columns) = (labels.rows, labels.columns)
        let sheet = rows * columns
        let last = 4 * 3 * reachVoxels
        var waiting = BucketQueue(buckets: last + 1, capacity: 4 * seeds.count)
        // What a voxel costs so far, and from which it was reached.
        var known: [Int: (cost: Int, before: Int)] = [:]
        for seed in seeds {
            known[seed] = (0, -1)
            waiting.append(seed, to: 0)
        }
        for cost in 0...last {
            while let voxel = waiting.first(of: cost) {
                guard let reached = known[voxel], reached.cost == cost else { continue }
                if reached.before >= 0, labels.elements[voxel] == 2, arrives(voxel) {
                    var way: [Int] = []
                    var place = reached.before
                    while let step = known[place], step.before >= 0 {
                        way.append(place)
                        place = step.before
                    }
                    return way
                }
                let (row, column) = (voxel % sheet / columns, voxel % columns)
                for (isInside, next) in [
                    (voxel >= sheet, voxel - sheet), (voxel + sheet < labels.elements.count, voxel + sheet),
                    (row > 0, voxel - columns), (row + 1 < rows, voxel + columns), (column > 0, voxel - 1),
                    (column + 1 < columns, voxel + 1),
                ] where isInside && labels.elements[next] != 0 {
                    let away = depth.elements[next]
                    // Two voxels of gray stay on either side.
                    guard away > 2 else { continue }
                    let total = cost + 4 + Int(16 / (away * away))
                    guard total <= last, total < known[next]?.cost ?? .max else { continue }
                    known[next] = (total, voxel)
                    waiting.append(next, to: total)
                }
            }
        }
        return nil
    }
}
