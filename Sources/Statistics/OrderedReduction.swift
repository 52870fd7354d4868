internal import Dispatch
internal import NDArray
internal import Synchronization

/// Makes contributions on several threads, and takes them over one at a time in the order of their indices.
///
/// A contribution that is made before its turn stays in its room, and the thread that made it goes on with the next one; whichever
/// thread makes the one that is due takes over all that wait behind it. So sums depend neither on the number of threads nor
/// on their pace, the work is shared out to the last index, and there is one sum, whatever the number of threads.
///
/// - Parameters:
///   - count: how many contributions; their indices are `0 ..< count`.
///   - rooms: how many may be in the making or waiting at a time, at least one. By as many as are more than threads, a thread
///     that is held up may be overtaken.
///   - make: makes the contribution of an index (first argument) in a room (second argument, in `0 ..< rooms`).
///   - take: takes over what is in a room; never on two threads at a time.
func orderedReduce(
    _ count: Int, threads: Int, rooms: Int, make: @Sendable (Int, Int) -> Void, take: @Sendable (Int) -> Void
) {
    precondition(rooms >= 1, "Contributions need at least one room, not \(rooms).")
    let state = Mutex(ReductionState(free: Array((0..<rooms).reversed())))
    let free = DispatchSemaphore(value: rooms)
    parallelFor(count, threads: threads) { _ in
        // First the room, then the index: so that which is due always has a room, and those that wait for it are not stuck.
        free.wait()
        let (index, room) = state.withLock { $0.claim() }
        make(index, room)
        state.withLock { $0.waiting[index] = room }
        while let due = state.withLock({ $0.due() }) {
            take(due)
            state.withLock { $0.finish(due) }
            free.signal()
        }
    }
}

private struct ReductionState {
    /// Rooms that nobody uses; the last one was used last and is most likely to be in a cache.
    var free: [Int]
    /// Rooms of contributions that are made but not taken over, by index.
    var waiting: [Int: Int] = [:]
    /// The first index that nobody has claimed.
    private var next = 0
    /// The index that is to be taken over next, and whether a thread is at it.
    private var turn = 0
    private var isTaking = false

    init(free: [Int]) { self.free = free }

    mutating func claim() -> (index: Int, room: Int) {
        defer { next += 1 }
        return (next, free.removeLast())
    }

    /// The room to be taken over now; nil where it is not made yet or another thread is at it.
    mutating func due() -> Int? {
        guard !isTaking, let room = waiting.removeValue(forKey: turn) else { return nil }
        isTaking = true
        return room
    }

    mutating func finish(_ room: Int) {
        isTaking = false
        turn += 1
        free.append(room)
    }
}
