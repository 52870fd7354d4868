internal import NDArray

extension NeighborTable {
    /// Improves the lists until few change: a neighbour of a neighbour is likely to be a neighbour.
    ///
    /// Each point looks at the neighbours, in both directions, of its own neighbours in both directions, where either link is new, and
    /// changes its own list only; all read the lists of the round before, so that the result does not depend on the threads.
    ///
    /// **Differs** from Dong et al. 2011: points pull instead of being pushed to, and a distance is given up as soon as it is over
    /// the worst in the list.
    mutating func descend(_ points: Matrix, seed: UInt64, threads: Int) {
        var fresh = [Bool](repeating: true, count: indices.count)
        let rounds = max(5, Int(Math.log(Double(self.points)) / Math.log(2)))
        for round in 0..<rounds {
            let links = Links(self, fresh, seed: seed, round: round)
            let changes = pull(points, links: links, fresh: &fresh, threads: threads)
            // PyNNDescent's δ.
            if Double(changes) <= 0.001 * Double(indices.count) { return }
        }
    }

    /// The links of one round in both directions, each point's one after the other.
    private struct Links: Sendable {
        var starts: [Int]
        var others: [Int32]
        var fresh: [Bool]

        /// - Parameter reverse: at most this many links against the direction are kept for a point, by lot.
        init(_ table: NeighborTable, _ fresh: [Bool], seed: UInt64, round: Int) {
            let limit = table.neighbors
            let neighbors = table.neighbors
            var reverse = [Int32](repeating: -1, count: table.points * limit)
            var reverseFresh = [Bool](repeating: false, count: table.points * limit)
            var seen = [Int32](repeating: 0, count: table.points)
            var generator = SeededGenerator(seed: seed, stream: "reverse neighbours", round)
            for point in 0..<table.points {
                for place in point * neighbors..<(point + 1) * neighbors {
                    let other = Int(table.indices[place])
                    guard other >= 0 else { continue }
                    // A sample without replacement of a stream of unknown length (Vitter 1985, algorithm R).
                    let slot =
                        seen[other] < limit ? Int(seen[other]) : generator.index(below: Int(seen[other]) + 1)
                    seen[other] += 1
                    if slot < limit {
                        reverse[other * limit + slot] = Int32(point)
                        reverseFresh[other * limit + slot] = fresh[place]
                    }
                }
            }
            var starts = [0]
            starts.reserveCapacity(table.points + 1)
            var others: [Int32] = []
            others.reserveCapacity(table.points * (limit + neighbors))
            var allFresh: [Bool] = []
            allFresh.reserveCapacity(table.points * (limit + neighbors))
            for point in 0..<table.points {
                for place in point * neighbors..<(point + 1) * neighbors where table.indices[place] >= 0 {
                    others.append(table.indices[place])
                    allFresh.append(fresh[place])
                }
                for place in point * limit..<point * limit + min(limit, Int(seen[point])) {
                    others.append(reverse[place])
                    allFresh.append(reverseFresh[place])
                }
                starts.append(others.count)
            }
            self.starts = starts
            self.others = others
            self.fresh = allFresh
        }
    }

    private mutating func pull(_ points: Matrix, links: Links, fresh: inout [Bool], threads: Int) -> Int {
        let columns = points.columns
        let band = 512
        let bands = (points.rows + band - 1) / band
        let neighbors = neighbors
        var changes = [Int](repeating: 0, count: bands)
        withSharedLists { lists in
            fresh.withUnsafeMutableBufferPointer { fresh in
                changes.withUnsafeMutableBufferPointer { changes in
                    let fresh = DisjointSlices(fresh)
                    let changes = DisjointSlices(changes)
                    points.withUnsafeElements { elements in
                        // Read only.
                        nonisolated(unsafe) let base = elements.baseAddress
                        parallelBands(points.rows, band: band, threads: threads) { rows in
                            guard let base else { return }
                            var candidates = CandidateSet()
                            for row in rows {
                                let list = lists[row]
                                let isFresh = fresh.base + row * neighbors
                                for place in 0..<neighbors { isFresh[place] = false }
                                candidates.collect(row, links.starts, links.others, links.fresh, list)
                                for candidate in candidates.found {
                                    let distance = squaredDistance(
                                        base + row * columns, base + Int(candidate) * columns, columns,
                                        below: list.worst)
                                    guard let distance, let place = list.insert(candidate, distance) else { continue }
                                    var last = neighbors - 1
                                    while last > place {
                                        isFresh[last] = isFresh[last - 1]
                                        last -= 1
                                    }
                                    isFresh[place] = true
                                    changes[rows.lowerBound / band] += 1
                                }
                            }
                        }
                    }
                }
            }
        }
        return changes.reduce(0, +)
    }
}

/// The points that one point is to be compared with, each once: a hash set that is emptied cheaply.
private struct CandidateSet {
    private var slots = [Int32](repeating: -1, count: 4096)
    private(set) var found: [Int32] = []

    /// The neighbours' neighbours of a point that are reached by a new link and are not in its list.
    mutating func collect(
        _ point: Int, _ starts: [Int], _ others: [Int32], _ fresh: [Bool], _ list: NeighborList
    ) {
        found.removeAll(keepingCapacity: true)
        for slot in slots.indices { slots[slot] = -1 }
        var known = 0
        _ = enter(Int32(point), &known)
        for place in 0..<list.count where list.indices[place] >= 0 { _ = enter(list.indices[place], &known) }
        for first in starts[point]..<starts[point + 1] {
            let middle = Int(others[first])
            for second in starts[middle]..<starts[middle + 1] where fresh[first] || fresh[second] {
                if enter(others[second], &known) { found.append(others[second]) }
            }
        }
    }

    /// Whether the point was not yet in the set; false too where the set is three quarters full.
    @inline(__always) private mutating func enter(_ point: Int32, _ known: inout Int) -> Bool {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: (UInt64(UInt32(bitPattern: point)) &* 0x9e37_79b9_7f4a_7c15) >> 40) & mask
        while slots[slot] >= 0 {
            if slots[slot] == point { return false }
            slot = (slot + 1) & mask
        }
        guard known < slots.count / 4 * 3 else { return false }
        slots[slot] = point
        known += 1
        return true
    }
}
