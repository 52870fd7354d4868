internal import NDArray

/// Voxels at which a body closes a handle on itself.
///
/// The body, all voxels with a positive value in a range of columns, is grown again from its deepest voxel, deeper voxels
/// first, and each only where it leaves the topology as it is (a simple point, object 26-connected). What cannot be added in the end
/// lies where a loop would close, at the loop's shallowest place; or belongs to a piece apart, and is returned too.
///
/// - Returns: indices into the volume, in ascending order.
/// - Complexity: O(n log n) in the body's voxels.
///
/// **Reference**: Bertrand and Malandain 1994, DOI 10.1016/0167-8655(94)90046-9 (simple points); Bischoff and Kobbelt 2002
/// (growing a body without handles).
func handleVoxels(of field: Volume<Float>, columns range: Range<Int>) -> [Int] {
    let (planes, rows, columns) = (field.planes, field.rows, field.columns)
    // A frame of one voxel around, so that neighbours need no bounds.
    let (height, width) = (rows + 2, range.count + 2)
    let sheet = height * width
    var value = [Float](repeating: -1, count: (planes + 2) * sheet)
    func framed(_ plane: Int, _ row: Int, _ column: Int) -> Int {
        ((plane + 1) * height + row + 1) * width + column - range.lowerBound + 1
    }
    var deepest = (index: -1, value: Float(0))
    for plane in 0..<planes {
        for row in 0..<rows {
            for column in range {
                let here = field[plane, row, column]
                let index = framed(plane, row, column)
                value[index] = here
                if here > deepest.value { deepest = (index, here) }
            }
        }
    }
    guard deepest.index >= 0 else { return [] }
    let offsets = Neighbourhood.offsets.map { ($0.plane * height + $0.row) * width + $0.column }
    // 1 in the body that is grown, 2 waiting to be added.
    var states = [UInt8](repeating: 0, count: value.count)
    var queue = DeepestFirst()
    queue.push(deepest.index, deepest.value)
    states[deepest.index] = 2
    var isFirst = true
    states.withUnsafeMutableBufferPointer { states in
        value.withUnsafeBufferPointer { value in
            offsets.withUnsafeBufferPointer { offsets in
                while let index = queue.pop() {
                    states[index] &= 1
                    if states[index] == 1 { continue }
                    var around: UInt32 = 0
                    for bit in 0..<offsets.count {
                        around |= UInt32(states[index + offsets[bit]] & 1) << UInt32(bit)
                    }
                    guard isFirst || Neighbourhood.isSimple(around) else { continue }
                    isFirst = false
                    states[index] = 1
                    for offset in offsets where states[index + offset] == 0 && value[index + offset] > 0 {
                        states[index + offset] = 2
                        queue.push(index + offset, value[index + offset])
                    }
                }
            }
        }
    }
    var left: [Int] = []
    for plane in 0..<planes {
        for row in 0..<rows {
            for column in range where field[plane, row, column] > 0 && states[framed(plane, row, column)] != 1 {
                left.append((plane * rows + row) * columns + column)
            }
        }
    }
    return left
}

/// The 26 neighbours of a voxel as bits.
private enum Neighbourhood {
    static let offsets: [(plane: Int, row: Int, column: Int)] = {
        var all: [(plane: Int, row: Int, column: Int)] = []
        for plane in -1...1 {
            for row in -1...1 {
                for column in -1...1 where (plane, row, column) != (0, 0, 0) { all.append((plane, row, column)) }
            }
        }
        return all
    }()

    private static func masks(_ touches: (Int, Int, Int) -> Bool) -> [UInt32] {
        offsets.map { one in
            var mask: UInt32 = 0
            for (bit, other) in offsets.enumerated() {
                let apart = (
                    abs(one.plane - other.plane), abs(one.row - other.row), abs(one.column - other.column)
                )
                if touches(apart.0, apart.1, apart.2) { mask |= 1 << UInt32(bit) }
            }
            return mask
        }
    }
    /// Neighbours that share a face, an edge or a corner; neighbours that share a face.
    private static let touching = masks { max($0, $1, $2) == 1 }
    private static let facing = masks { $0 + $1 + $2 == 1 }

    private static func those(_ wanted: (Int, Int, Int) -> Bool) -> UInt32 {
        var mask: UInt32 = 0
        for (bit, offset) in offsets.enumerated()
        where wanted(abs(offset.plane), abs(offset.row), abs(offset.column)) {
            mask |= 1 << UInt32(bit)
        }
        return mask
    }
    private static let faces = those { $0 + $1 + $2 == 1 }
    private static let facesAndEdges = those { $0 + $1 + $2 <= 2 }

    private static func piece(of start: UInt32, within: UInt32, links: [UInt32]) -> UInt32 {
        var piece = start
        var front = start
        while front != 0 {
            var next: UInt32 = 0
            var rest = front
            while rest != 0 {
                next |= links[rest.trailingZeroBitCount]
                rest &= rest - 1
            }
            front = next & within & ~piece
            piece |= front
        }
        return piece
    }

    /// Whether a voxel with these neighbours in the object can be added without changing the topology: one piece of object
    /// around it (26-connected), one piece of background across its faces (6-connected within faces and edges).
    static func isSimple(_ object: UInt32) -> Bool {
        guard object != 0 else { return false }
        let first = object & (~object &+ 1)
        guard piece(of: first, within: object, links: touching) == object else { return false }
        let background = ~object & facesAndEdges
        let across = background & faces
        guard across != 0 else { return false }
        let start = across & (~across &+ 1)
        return piece(of: start, within: background, links: facing) & across == across
    }
}

/// A binary heap of voxels, the largest value first, the smaller index among equals.
private struct DeepestFirst {
    private var heap: [(value: Float, index: Int)] = []

    private static func before(_ one: (value: Float, index: Int), _ other: (value: Float, index: Int)) -> Bool {
        one.value != other.value ? one.value > other.value : one.index < other.index
    }

    mutating func push(_ index: Int, _ value: Float) {
        heap.append((value, index))
        var place = heap.count - 1
        while place > 0 {
            let parent = (place - 1) / 2
            guard DeepestFirst.before(heap[place], heap[parent]) else { break }
            heap.swapAt(place, parent)
            place = parent
        }
    }

    mutating func pop() -> Int? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        guard !heap.isEmpty else { return first.index }
        heap.withUnsafeMutableBufferPointer { heap in
            var place = 0
            while 2 * place + 1 < heap.count {
                var child = 2 * place + 1
                if child + 1 < heap.count, DeepestFirst.before(heap[child + 1], heap[child]) { child += 1 }
                guard DeepestFirst.before(heap[child], last) else { break }
                heap[place] = heap[child]
                place = child
            }
            heap[place] = last
        }
        return first.index
    }
}
