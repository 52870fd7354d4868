/// Whether a voxel may change sides without changing the topology of a set.
///
/// The set is 6-connected, its complement 18-connected (the pair (6+, 18)), which fits marching cubes with inside corners apart. A voxel is simple when,
/// within its 26 neighbours, it touches exactly one part of the set and one of the complement, the parts counted by geodesic neighbourhoods.
/// Whether the voxel itself belongs to the set does not matter.
///
/// **Reference**: Bertrand 1994, DOI 10.1016/0167-8655(94)90046-9; the pair of connectivities after Han et al. 2002, DOI 10.1109/TMI.2002.806283.
struct SimplePoint: Sendable {
    /// Offsets of the 26 neighbours in a grid, in the order (plane, row, column) of −1, 0, 1.
    let offsets: [Int]
    /// Offsets of the next plane and of the next row.
    let planeStep: Int
    let rowStep: Int

    /// Neighbours that share a face, a face or an edge.
    static let faceNeighbours = mask { $0 == 1 }
    static let edgeOrFaceNeighbours = mask { $0 <= 2 }
    /// For each neighbour the other neighbours that are 6- and 18-adjacent to it.
    static let adjacent6 = adjacency { $0 == 1 }
    static let adjacent18 = adjacency { $0 == 1 || $0 == 2 }

    init(rows: Int, columns: Int) {
        (planeStep, rowStep) = (rows * columns, columns)
        offsets = Self.directions.map { ($0.x * rows + $0.y) * columns + $0.z }
    }

    static let directions: [SIMD3<Int>] = (0..<27).filter { $0 != 13 }.map {
        SIMD3($0 / 9 - 1, $0 / 3 % 3 - 1, $0 % 3 - 1)
    }

    /// - Parameter set: bit n set where neighbour n belongs to the set.
    static func isSimple(_ set: UInt32) -> Bool {
        // One part of the complement: 18-connected, through neighbours that share a face or an edge with the voxel and corners next to them.
        let complement = ~set & 0x3ff_ffff
        let near = complement & edgeOrFaceNeighbours
        if near == 0 { return false }
        // One part of the set: 6-connected, reached from a face in at most three steps.
        let faces = set & faceNeighbours
        if faces == 0 { return false }
        return adjacent6.withUnsafeBufferPointer { adjacent6 in
            adjacent18.withUnsafeBufferPointer { adjacent18 in
                let faces1 = faces
                let edges = spread(faces1, adjacent6) & set & edgeOrFaceNeighbours
                let third = spread(edges, adjacent6) & set
                let reached = faces1 | edges | third
                var part = faces & (~faces &+ 1)
                var rim = part
                while rim != 0 {
                    rim = spread(rim, adjacent6) & reached & ~part
                    part |= rim
                }
                if part & faces != faces { return false }
                let outside = near | spread(near, adjacent18) & complement
                part = near & (~near &+ 1)
                rim = part
                while rim != 0 {
                    rim = spread(rim, adjacent18) & outside & ~part
                    part |= rim
                }
                return part & near == near
            }
        }
    }

    /// All neighbours of the members.
    @inline(__always)
    private static func spread(_ members: UInt32, _ adjacency: UnsafeBufferPointer<UInt32>) -> UInt32 {
        var rest = members
        var reached: UInt32 = 0
        while rest != 0 {
            reached |= adjacency[rest.trailingZeroBitCount]
            rest &= rest &- 1
        }
        return reached
    }

    private static func mask(_ holds: (Int) -> Bool) -> UInt32 {
        directions.indices.reduce(0) { mask, n in
            let d = directions[n]
            return holds(abs(d.x) + abs(d.y) + abs(d.z)) ? mask | 1 << UInt32(n) : mask
        }
    }

    private static func adjacency(_ holds: (Int) -> Bool) -> [UInt32] {
        directions.map { a in
            directions.indices.reduce(0) { mask, n in
                let d = directions[n] &- a
                guard abs(d.x) <= 1, abs(d.y) <= 1, abs(d.z) <= 1 else { return mask }
                return holds(abs(d.x) + abs(d.y) + abs(d.z)) ? mask | 1 << UInt32(n) : mask
            }
        }
    }
}
