/// Grows a set of voxels through its candidates without ever changing its topology: each voxel is added only while it is simple.
///
/// Voxels with the highest priority come first, those of one priority in the order in which they were reached. What is left of the
/// candidates could only be added with a change of topology.
struct FrontPropagation {
    static let candidate: UInt8 = 1
    static let member: UInt8 = 2
    private static let queued: UInt8 = 0x80
    private static let priorities = 1024

    private let simplePoint: SimplePoint
    /// True where the members are the 6-connected set, false where they are its 18-connected complement.
    private let membersAreSet: Bool
    private var buckets: [[UInt32]] = Array(repeating: [], count: priorities)
    private var heads = [Int](repeating: 0, count: priorities)
    private var highest = -1

    init(rows: Int, columns: Int, membersAreSet: Bool) {
        simplePoint = SimplePoint(rows: rows, columns: columns)
        self.membersAreSet = membersAreSet
    }

    /// Grows until no candidate is simple any more.
    ///
    /// - Parameters:
    ///   - states: `candidate` and `member`; anything else is neither. The border of the grid must hold no candidates.
    ///   - seeds: members (or candidates) to begin at.
    ///   - priority: 0 … 1 for each voxel.
    mutating func grow(
        _ states: UnsafeMutableBufferPointer<UInt8>, from seeds: some Sequence<Int>, priority: (Int) -> Float
    ) {
        for seed in seeds {
            if states[seed] == Self.candidate { push(seed, states, priority) }
            if states[seed] == Self.member { pushNeighbours(seed, states, priority) }
        }
        while let index = pop() {
            states[index] &= ~Self.queued
            guard states[index] == Self.candidate else { continue }
            var members: UInt32 = 0
            for (bit, offset) in simplePoint.offsets.enumerated() {
                if states[index + offset] & Self.member != 0 { members |= 1 << UInt32(bit) }
            }
            guard SimplePoint.isSimple(membersAreSet ? members : ~members & 0x3ff_ffff) else { continue }
            states[index] = Self.member
            pushNeighbours(index, states, priority)
        }
    }

    private mutating func pushNeighbours(
        _ index: Int, _ states: UnsafeMutableBufferPointer<UInt8>, _ priority: (Int) -> Float
    ) {
        for offset in simplePoint.offsets {
            let neighbour = index + offset
            if neighbour >= 0, neighbour < states.count, states[neighbour] == Self.candidate {
                push(neighbour, states, priority)
            }
        }
    }

    @inline(__always)
    private mutating func push(
        _ index: Int, _ states: UnsafeMutableBufferPointer<UInt8>, _ priority: (Int) -> Float
    ) {
        states[index] |= Self.queued
        let bucket = max(0, min(Self.priorities - 1, Int(priority(index) * Float(Self.priorities))))
        buckets[bucket].append(UInt32(index))
        highest = max(highest, bucket)
    }

    private mutating func pop() -> Int? {
        while highest >= 0 {
            let head = heads[highest]
            if head < buckets[highest].count {
                heads[highest] = head + 1
                return Int(buckets[highest][head])
            }
            buckets[highest].removeAll(keepingCapacity: true)
            heads[highest] = 0
            highest -= 1
        }
        return nil
    }
}
