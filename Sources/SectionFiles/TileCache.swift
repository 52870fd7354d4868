internal import Synchronization

/// Decoded gray tiles of any number of scans, shared by all threads, of bounded size.
///
/// A tile is decoded by the first thread that asks for it; others that ask meanwhile wait for that one. What was not asked for lately
/// goes first (second chance: Corbató 1968). What a thread gets does not depend on what the cache holds.
public final class TileCache: Sendable {
    /// The tiles that are kept take at most this much; one that is larger alone is kept until the next comes.
    public let limitBytes: Int
    private let state = Mutex(State())
    private let scans = Atomic<Int>(0)

    struct Key: Hashable, Sendable {
        /// Number of the scan, from `nextScan`.
        let scan: Int
        let tile: Int
    }

    private final class Entry: Sendable {
        let pixels = Mutex<[UInt8]?>(nil)
        let isWanted = Atomic<Bool>(false)
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        /// Keys in the order in which they may go, from `first` on.
        var queue: [(key: Key, bytes: Int)] = []
        var first = 0
        var bytes = 0
        var decoded = 0

        mutating func pop() -> (key: Key, bytes: Int)? {
            guard first < queue.count else { return nil }
            defer {
                first += 1
                if first > 1024, first * 2 > queue.count {
                    queue.removeFirst(first)
                    first = 0
                }
            }
            return queue[first]
        }
    }

    /// - Parameter limitBytes: room for the tiles; with less than the windows of all threads touch, tiles are decoded again and again.
    public init(limitBytes: Int) {
        precondition(limitBytes >= 0, "A cache cannot hold \(limitBytes) bytes.")
        self.limitBytes = limitBytes
    }

    /// Bytes of the tiles that are kept, and how many tiles were decoded so far.
    public var use: (bytes: Int, decodedTiles: Int) { state.withLock { ($0.bytes, $0.decoded) } }

    /// A number for a scan that no other has.
    func nextScan() -> Int { scans.wrappingAdd(1, ordering: .relaxed).newValue }

    /// The pixels of a tile, decoded by `decode` where they are not there.
    func tile(_ key: Key, decode: () throws -> [UInt8]) throws -> [UInt8] {
        let entry = state.withLock { state in
            if let entry = state.entries[key] { return entry }
            let entry = Entry()
            state.entries[key] = entry
            return entry
        }
        let pixels: [UInt8]
        let isNew: Bool
        do {
            (pixels, isNew) = try entry.pixels.withLock { pixels in
                if let pixels { return (pixels, false) }
                let new = try decode()
                pixels = new
                return (new, true)
            }
        } catch {
            // The next one who asks tries anew.
            state.withLock { if $0.entries[key] === entry { $0.entries[key] = nil } }
            throw error
        }
        entry.isWanted.store(!isNew, ordering: .relaxed)
        if isNew { keep(key, byteCount: pixels.count) }
        return pixels
    }

    /// Counts a new tile, and lets others go until all have room.
    private func keep(_ key: Key, byteCount: Int) {
        state.withLock { state in
            state.queue.append((key, byteCount))
            state.bytes += byteCount
            state.decoded += 1
            // Everyone may have one second chance; the new tile stays.
            var chances = state.queue.count - state.first
            while state.bytes > limitBytes, state.queue.count - state.first > 1, let oldest = state.pop() {
                let entry = state.entries[oldest.key]
                if oldest.key == key
                    || (chances > 0 && entry?.isWanted.exchange(false, ordering: .relaxed) == true)
                {
                    chances -= 1
                    state.queue.append(oldest)
                    continue
                }
                state.entries[oldest.key] = nil
                state.bytes -= oldest.bytes
            }
        }
    }
}
