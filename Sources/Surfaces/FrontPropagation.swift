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
            let around = Neighbourhood(states, index, simplePoint)
            let members = around.members
            guard SimplePoint.isSimple(membersAreSet ? members : ~members & 0x3ff_ffff) else { continue }
            states[index] = Self.member
            around.forEachCandidate { bit in push(index + simplePoint.offsets[bit], states, priority) }
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

/// The states of the 26 voxels around one that is not at the border: nine rows of three, a word each.
private struct Neighbourhood {
    /// A byte a voxel, those of the first and the last row in the lowest three.
    private var rows: (UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32, UInt32)

    @inline(__always) init(
        _ states: UnsafeMutableBufferPointer<UInt8>, _ index: Int, _ simplePoint: SimplePoint
    ) {
        let bytes = UnsafeRawPointer(states.baseAddress.unsafelyUnwrapped)
        let (plane, row) = (simplePoint.planeStep, simplePoint.rowStep)
        @inline(__always) func load(_ step: Int) -> UInt32 {
            let place = index + step - 1
            // Two and one: a fourth byte need not be there.
            let pair = bytes.loadUnaligned(fromByteOffset: place, as: UInt16.self)
            return UInt32(UInt16(littleEndian: pair)) | UInt32(states[place + 2]) << 16
        }
        rows = (
            load(-plane - row), load(-plane), load(row - plane), load(-row), load(0), load(row), load(plane - row),
            load(plane), load(plane + row)
        )
    }

    /// A bit for each neighbour that is a member.
    @inline(__always) var members: UInt32 {
        @inline(__always) func three(_ row: UInt32) -> UInt32 {
            let bits = row >> 1 & 0x01_0101
            return (bits | bits >> 7 | bits >> 14) & 7
        }
        let before = three(rows.0) | three(rows.1) << 3 | three(rows.2) << 6 | three(rows.3) << 9
        let own = three(rows.4)
        let behind = three(rows.5) << 14 | three(rows.6) << 17 | three(rows.7) << 20 | three(rows.8) << 23
        return before | (own & 1) << 12 | (own >> 2) << 13 | behind
    }

    /// Calls `body` with the number of each neighbour that is a candidate and not queued.
    @inline(__always) func forEachCandidate(_ body: (Int) -> Void) {
        @inline(__always) func look(_ row: UInt32, _ first: Int, _ last: Int) {
            // A byte of 1 becomes 0.
            let rest = row ^ 0x01_0101
            guard (rest &- 0x01_0101) & ~rest & 0x80_8080 != 0 else { return }
            if row & 0xff == UInt32(FrontPropagation.candidate) { body(first) }
            if last - first == 2, row >> 8 & 0xff == UInt32(FrontPropagation.candidate) { body(first + 1) }
            if row >> 16 == UInt32(FrontPropagation.candidate) { body(last) }
        }
        look(rows.0, 0, 2)
        look(rows.1, 3, 5)
        look(rows.2, 6, 8)
        look(rows.3, 9, 11)
        look(rows.4, 12, 13)
        look(rows.5, 14, 16)
        look(rows.6, 17, 19)
        look(rows.7, 20, 22)
        look(rows.8, 23, 25)
    }
}
