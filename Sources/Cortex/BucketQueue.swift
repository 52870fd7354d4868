/// Cells that wait in buckets, in each of them in the order in which they came.
///
/// All buckets lie in one piece of memory, each a chain through it.
struct BucketQueue {
    private var cells: [Int32] = []
    /// The place of what came to the same bucket next, −1 at the end.
    private var next: [Int32] = []
    private var firsts: [Int32]
    private var lasts: [Int32]

    /// - Parameter capacity: about how many will come.
    init(buckets: Int, capacity: Int) {
        firsts = [Int32](repeating: -1, count: buckets)
        lasts = firsts
        cells.reserveCapacity(capacity)
        next.reserveCapacity(capacity)
    }

    @inline(__always) mutating func append(_ cell: Int, to bucket: Int) {
        let place = Int32(truncatingIfNeeded: cells.count)
        precondition(cells.count < Int(Int32.max), "More cells came to the queue than it can count.")
        cells.append(Int32(truncatingIfNeeded: cell))
        next.append(-1)
        if firsts[bucket] < 0 { firsts[bucket] = place } else { next[Int(lasts[bucket])] = place }
        lasts[bucket] = place
    }

    /// Takes the first cell of a bucket out; nil where none is left.
    @inline(__always) mutating func first(of bucket: Int) -> Int? {
        let place = Int(firsts[bucket])
        guard place >= 0 else { return nil }
        firsts[bucket] = next[place]
        return Int(cells[place])
    }
}
