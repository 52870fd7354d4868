internal import Foundation

/// Makes values ahead of the one who takes them, on a thread of its own, in order.
///
/// What is made depends on its number alone, so that a training that takes its batches from here sees the same ones whatever
/// the number of threads, and however far ahead they are made.
///
/// ```swift
/// let batches = Prefetcher(first: trainer.step, end: steps, ahead: 2) { try batch(ofStep: $0) }
/// while let batch = try batches.next() { … }
/// ```
public final class Prefetcher<Value: Sendable>: Sendable {
    private let shared: Shared

    private final class Shared: @unchecked Sendable {
        // Sendable because everything that changes is touched under `changed` alone.
        let changed = NSCondition()
        let first: Int
        let end: Int
        let ahead: Int
        let make: @Sendable (Int) throws -> Value
        var ready: [Result<Value, any Error>] = []
        var taken: Int
        var isStopped = false
        var isIdle = false

        init(first: Int, end: Int, ahead: Int, make: @escaping @Sendable (Int) throws -> Value) {
            (self.first, self.end, self.ahead, self.make) = (first, end, ahead, make)
            taken = first
        }

        /// The thread: makes values until all are made, one fails, or nobody wants more.
        func work() {
            var number = first
            while number < end {
                let wants = changed.withLock { () -> Bool in
                    while ready.count >= ahead, !isStopped { changed.wait() }
                    return !isStopped
                }
                guard wants else { break }
                let value = Result { try make(number) }
                changed.withLock {
                    ready.append(value)
                    changed.broadcast()
                }
                if case .failure = value { break }
                number += 1
            }
            changed.withLock {
                isIdle = true
                changed.broadcast()
            }
        }
    }

    /// - Parameters:
    ///   - first: number of the first value.
    ///   - end: the number after the last.
    ///   - ahead: how many values may lie ready; 0 makes each when it is asked for.
    ///   - make: makes a value from its number; called from one thread at a time.
    public init(first: Int, end: Int, ahead: Int, make: @escaping @Sendable (Int) throws -> Value) {
        precondition(ahead >= 0, "No value can lie ready \(ahead) times.")
        let shared = Shared(first: first, end: end, ahead: ahead, make: make)
        self.shared = shared
        guard ahead > 0, first < end else {
            shared.isIdle = true
            return
        }
        let thread = Thread { shared.work() }
        thread.name = "prefetch"
        // Deep recursions of decoders and parallel loops have the room that they have on the main thread.
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// The next value, nil after the last; waits for it.
    ///
    /// - Throws: what making it threw; nothing comes after that.
    public func next() throws -> Value? {
        if shared.ahead == 0 {
            guard shared.taken < shared.end else { return nil }
            shared.taken += 1
            return try shared.make(shared.taken - 1)
        }
        let value = shared.changed.withLock { () -> Result<Value, any Error>? in
            while shared.ready.isEmpty, !shared.isIdle { shared.changed.wait() }
            guard !shared.ready.isEmpty else { return nil }
            shared.taken += 1
            let value = shared.ready.removeFirst()
            shared.changed.broadcast()
            return value
        }
        return try value?.get()
    }

    /// Makes no more; returns when the value that is being made is done.
    public func stop() {
        shared.changed.withLock {
            shared.isStopped = true
            shared.changed.broadcast()
            while !shared.isIdle { shared.changed.wait() }
        }
    }

    deinit { stop() }
}
