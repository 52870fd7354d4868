/// A greatest flow through the dual graph of a mesh, from some faces to others.
///
/// Two trees grow from the sources and the sinks over arcs that can carry more; where they meet, flow is sent along the way through both, and faces
/// whose arc to their tree is full look for another one. Trees stay from one way to the next, so that long ways are not searched again and again.
///
/// **Reference** Boykov, Kolmogorov 2004, DOI 10.1109/TPAMI.2004.60.
struct MeshFlow {
    private enum Tree { static let (none, source, sink): (UInt8, UInt8, UInt8) = (0, 1, 2) }
    /// In place of the half-edge to a parent: a face that is a source or sink itself, and one that has no parent.
    private static let root: Int32 = -1
    private static let orphan: Int32 = -2

    private let faceCount: Int
    /// For each half-edge the one across it, below zero where there is none.
    private let twins: UnsafeMutablePointer<Int32>
    /// What each half-edge can still carry out of its face.
    private let rest: UnsafeMutablePointer<Int32>
    private let tree: UnsafeMutablePointer<UInt8>
    /// The half-edge of each face towards its parent.
    private let parent: UnsafeMutablePointer<Int32>
    /// Steps to the root, as they were at the time of `stamp`.
    private let steps: UnsafeMutablePointer<Int32>
    private let stamp: UnsafeMutablePointer<Int32>
    private var time: Int32 = 1
    private var active: [Int32] = []
    private let isActive: UnsafeMutablePointer<Bool>
    private var orphans: [Int32] = []

    init(twins: [UInt32], sources: [Bool], sinks: [Bool], weights: [Int32]) {
        faceCount = sources.count
        self.twins = .allocate(capacity: max(twins.count, 1))
        rest = .allocate(capacity: max(twins.count, 1))
        tree = .allocate(capacity: max(faceCount, 1))
        parent = .allocate(capacity: max(faceCount, 1))
        steps = .allocate(capacity: max(faceCount, 1))
        stamp = .allocate(capacity: max(faceCount, 1))
        isActive = .allocate(capacity: max(faceCount, 1))
        for edge in twins.indices {
            self.twins[edge] = twins[edge] == .max ? -1 : Int32(twins[edge])
            rest[edge] = weights[edge]
        }
        for face in 0..<faceCount {
            tree[face] = sources[face] ? Tree.source : sinks[face] ? Tree.sink : Tree.none
            (parent[face], steps[face], stamp[face], isActive[face]) = (Self.root, 0, 0, false)
        }
        // Flow within the sources or the sinks is of no use: their rims are enough.
        for face in 0..<faceCount where tree[face] != Tree.none {
            for edge in 3 * face..<3 * face + 3
            where self.twins[edge] >= 0 && tree[Int(self.twins[edge]) / 3] != tree[face] {
                activate(face)
            }
        }
    }

    /// Gives the memory back; nothing else may be asked of it then.
    func deallocate() {
        twins.deallocate()
        rest.deallocate()
        tree.deallocate()
        parent.deallocate()
        steps.deallocate()
        stamp.deallocate()
        isActive.deallocate()
    }

    @inline(__always) private func face(across edge: Int) -> Int { Int(UInt32(bitPattern: twins[edge]) / 3) }

    private mutating func activate(_ face: Int) {
        guard !isActive[face] else { return }
        isActive[face] = true
        active.append(Int32(face))
    }

    /// Sends what flow there is; returns what each half-edge can still carry out of its face.
    mutating func solve() -> [Int32] {
        var head = 0
        while head < active.count {
            let face = Int(active[head])
            // A face stays active until it has met no more of the other tree.
            if tree[face] != Tree.none, let edge = grow(face) {
                time += 1
                augment(edge)
                while let next = orphans.popLast() { adopt(Int(next)) }
                continue
            }
            isActive[face] = false
            head += 1
            if head > 1 << 16, 2 * head > active.count {
                active.removeSubrange(..<head)
                head = 0
            }
        }
        return Array(UnsafeBufferPointer(start: rest, count: 3 * faceCount))
    }

    /// Takes free neighbours into a face's tree; returns a half-edge from the sources' tree to that of the sinks where it has met it.
    private mutating func grow(_ face: Int) -> Int? {
        let own = tree[face]
        for edge in 3 * face..<3 * face + 3 where twins[edge] >= 0 {
            let twin = Int(twins[edge])
            guard rest[own == Tree.source ? edge : twin] > 0 else { continue }
            let other = twin / 3
            if tree[other] == Tree.none {
                tree[other] = own
                parent[other] = Int32(twin)
                (steps[other], stamp[other]) = (steps[face] + 1, stamp[face])
                activate(other)
            } else if tree[other] != own {
                return own == Tree.source ? edge : twin
            } else if stamp[other] <= stamp[face], steps[other] > steps[face] + 1, parent[other] != Self.root {
                // A shorter way to the root.
                parent[other] = Int32(twin)
                (steps[other], stamp[other]) = (steps[face] + 1, stamp[face])
            }
        }
        return nil
    }

    /// Fills the way through a half-edge between the trees; faces whose arc to their parent is full become orphans.
    private mutating func augment(_ middle: Int) {
        var amount = rest[middle]
        var face = middle / 3
        while parent[face] >= 0 {
            amount = min(amount, rest[Int(twins[Int(parent[face])])])
            face = self.face(across: Int(parent[face]))
        }
        face = self.face(across: middle)
        while parent[face] >= 0 {
            amount = min(amount, rest[Int(parent[face])])
            face = self.face(across: Int(parent[face]))
        }
        func send(_ edge: Int) -> Bool {
            rest[edge] -= amount
            rest[Int(twins[edge])] += amount
            return rest[edge] == 0
        }
        _ = send(middle)
        for (start, isForth) in [(middle / 3, false), (self.face(across: middle), true)] {
            face = start
            while parent[face] >= 0 {
                let edge = Int(parent[face])
                let next = self.face(across: edge)
                if send(isForth ? edge : Int(twins[edge])) {
                    parent[face] = Self.orphan
                    orphans.append(Int32(face))
                }
                face = next
            }
        }
    }

    /// Finds an orphan the parent with the shortest way to a root, or sets it and its children free.
    private mutating func adopt(_ face: Int) {
        let own = tree[face]
        var best: (edge: Int, steps: Int32)?
        for edge in 3 * face..<3 * face + 3 where twins[edge] >= 0 {
            let twin = Int(twins[edge])
            guard tree[twin / 3] == own, rest[own == Tree.source ? twin : edge] > 0 else { continue }
            guard let way = stepsToRoot(twin / 3), way < best?.steps ?? .max else { continue }
            best = (edge, way)
        }
        if let best {
            parent[face] = Int32(best.edge)
            (steps[face], stamp[face]) = (best.steps + 1, time)
            return
        }
        for edge in 3 * face..<3 * face + 3 where twins[edge] >= 0 {
            let twin = Int(twins[edge])
            let other = twin / 3
            guard tree[other] == own else { continue }
            if rest[own == Tree.source ? twin : edge] > 0 { activate(other) }
            if Int(parent[other]) == twin {
                parent[other] = Self.orphan
                orphans.append(Int32(other))
            }
        }
        tree[face] = Tree.none
        parent[face] = Self.orphan
    }

    /// How many steps a face is from its root; nil where its way ends at an orphan.
    private func stepsToRoot(_ start: Int) -> Int32? {
        var (face, count) = (start, Int32(0))
        while stamp[face] != time {
            if parent[face] == Self.orphan { return nil }
            if parent[face] == Self.root {
                (stamp[face], steps[face]) = (time, 0)
                break
            }
            face = self.face(across: Int(parent[face]))
            count += 1
        }
        // What was found on the way holds until the next flow.
        let found = steps[face] + count
        face = start
        var left = found
        while stamp[face] != time {
            (stamp[face], steps[face]) = (time, left)
            left -= 1
            face = self.face(across: Int(parent[face]))
        }
        return found
    }
}
