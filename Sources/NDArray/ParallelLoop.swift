internal import Dispatch
internal import Synchronization

/// Runs `body` for every index in `0 ..< count` on up to `threads` threads and waits for all.
///
/// Indices are handed out one at a time, so uneven work spreads; let an index stand for a band of rows or a tile, not for a
/// pixel. Which thread runs an index is not defined: a body writes to its own slice only, and a reduction is made
/// from per-index results in index order, so that the result does not depend on `threads`.
public func parallelFor(_ count: Int, threads: Int, _ body: @Sendable (Int) -> Void) {
    precondition(threads >= 1, "parallelFor needs at least one thread, not \(threads).")
    guard count > 1, threads > 1 else {
        for index in 0..<max(count, 0) { body(index) }
        return
    }
    let next = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: min(threads, count)) { _ in
        while true {
            let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard index < count else { return }
            body(index)
        }
    }
}

/// Splits `0 ..< count` into bands of at most `band` indices and runs `body` on each band; see `parallelFor`.
public func parallelBands(_ count: Int, band: Int, threads: Int, _ body: @Sendable (Range<Int>) -> Void) {
    precondition(band >= 1, "A band needs at least one index, not \(band).")
    let bands = (max(count, 0) + band - 1) / band
    parallelFor(bands, threads: threads) { index in
        body(index * band..<min(count, (index + 1) * band))
    }
}

/// A pointer that several threads may write through because each writes to its own slice.
@frozen public struct DisjointSlices<Element>: @unchecked Sendable {
    // Sendable by contract: the user promises that no two threads touch the same index.
    public let base: UnsafeMutablePointer<Element>
    public let count: Int

    @inlinable public init(_ buffer: UnsafeMutableBufferPointer<Element>) {
        precondition(buffer.baseAddress != nil, "An empty buffer has no slices.")
        self.base = buffer.baseAddress.unsafelyUnwrapped
        self.count = buffer.count
    }

    @inlinable public subscript(index: Int) -> Element {
        get { base[index] }
        nonmutating set { base[index] = newValue }
    }
}
