extension Array where Element: Comparable {
    /// The element that stands at `rank` once all are sorted; the others are left in no order.
    ///
    /// A few hundred elements, sorted, tell between which two of them the rank lies for nearly certain; what lies between those, a small part
    /// of all, is gathered in one pass and treated likewise. Where the rank lies elsewhere after all, everything is sorted.
    ///
    /// - Complexity: O(count) but for a small share of cases, in which it is O(count · log count).
    ///
    /// Reference: R. W. Floyd, R. L. Rivest, Commun. ACM 18, 165 (1975), doi:10.1145/360680.360691: the two bounds from a sample.
    package mutating func orderStatistic(_ rank: Int) -> Element {
        precondition(indices.contains(rank), "There is no rank \(rank) among \(count) elements.")
        let (count, step) = (count, count / 256)
        guard step >= 4 else {
            sort()
            return self[rank]
        }
        let sample = stride(from: step / 2, to: count, by: step).map { self[$0] }.sorted()
        // Three deviations of a sample's rank, at its widest in the middle: 3 · √256 / 2.
        let place = rank * sample.count / count
        let (low, high) = (sample[Swift.max(place - 24, 0)], sample[Swift.min(place + 24, sample.count - 1)])
        var (below, between) = (0, 0)
        var gathered = withUnsafeBufferPointer { elements in
            [Element](unsafeUninitializedCapacity: count) { gathered, initialised in
                for element in elements {
                    below += element < low ? 1 : 0
                    // Written in any case, kept only where it counts.
                    gathered[between] = element
                    between += element < low || high < element ? 0 : 1
                }
                initialised = between
            }
        }
        guard below <= rank, rank < below + between, low < high, 2 * between < count else {
            sort()
            return self[rank]
        }
        return gathered.orderStatistic(rank - below)
    }
}
