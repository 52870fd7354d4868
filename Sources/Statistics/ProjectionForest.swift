internal import LinearAlgebra
internal import NDArray

extension NeighborTable {
    /// A first guess: the nearest neighbours within the leaves of random projection trees.
    ///
    /// A tree halves the points at the median of their projections on the line through two of them, until a part has no more than
    /// `leaf` points. Within a leaf all distances are found by a matrix product. One tree at a time changes the lists, and each leaf
    /// those of its own points.
    mutating func fillFromForest(_ points: Matrix, seed: UInt64, threads: Int, leaf: Int = 256) {
        let total = points.rows
        // Fewer trees than PyNNDescent's 5 + √n / 20: leaves are larger and searched exactly.
        let trees = min(12, 5 + Int((Double(total).squareRoot() / 50).rounded()))
        // As many trees at once as there are threads: the memory of one tree is that of its order.
        for first in stride(from: 0, to: trees, by: max(threads, 1)) {
            let count = min(threads, trees - first)
            var orders = [[Int32]](repeating: [], count: count)
            orders.withUnsafeMutableBufferPointer { buffer in
                let slices = DisjointSlices(buffer)
                parallelFor(count, threads: threads) { place in
                    slices[place] = projectionTreeOrder(of: points, leaf: leaf, seed: seed, tree: first + place)
                }
            }
            for order in orders { joinLeaves(of: order, points: points, leaf: leaf, threads: threads) }
        }
    }

    /// Enters the nearest of each leaf into the lists.
    private mutating func joinLeaves(of order: [Int32], points: Matrix, leaf: Int, threads: Int) {
        let columns = points.columns
        let leaves = leafRanges(count: order.count, leaf: leaf)
        withSharedLists { lists in
            points.withUnsafeElements { elements in
                // Read only.
                nonisolated(unsafe) let base = elements.baseAddress
                parallelFor(leaves.count, threads: threads) { index in
                    let members = order[leaves[index]]
                    let count = members.count
                    guard count > 1, let base else { return }
                    withUnsafeTemporaryAllocation(of: Float.self, capacity: count * (columns + count)) { room in
                        let rows = UnsafeMutableBufferPointer(rebasing: room[..<(count * columns)])
                        let products = UnsafeMutableBufferPointer(rebasing: room[(count * columns)...])
                        gather(members, base, columns, into: rows)
                        let lengths = (0..<count).map {
                            squaredLength(rows.baseAddress.unsafelyUnwrapped + $0 * columns, columns)
                        }
                        productWithTranspose(
                            UnsafeBufferPointer(rows), rows: count, UnsafeBufferPointer(rows), rows: count,
                            inner: columns, into: products)
                        for (place, point) in members.enumerated() {
                            let list = lists[Int(point)]
                            for (other, candidate) in members.enumerated() where other != place {
                                let distance = max(
                                    0, lengths[place] + lengths[other] - 2 * products[place * count + other])
                                if distance <= list.worst, !list.contains(candidate) {
                                    _ = list.insert(candidate, distance)
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Copies rows to a block, less the first row: distances stay, and inner products of near points lose no digits.
private func gather(
    _ members: ArraySlice<Int32>, _ base: UnsafePointer<Float>, _ columns: Int,
    into rows: UnsafeMutableBufferPointer<Float>
) {
    guard let first = members.first else { return }
    let origin = base + Int(first) * columns
    for (place, point) in members.enumerated() {
        let source = base + Int(point) * columns
        let target = rows.baseAddress.unsafelyUnwrapped + place * columns
        for column in 0..<columns { target[column] = source[column] - origin[column] }
    }
}

/// The stretches of a tree's order that are its leaves: halves of halves.
private func leafRanges(count: Int, leaf: Int) -> [Range<Int>] {
    var leaves: [Range<Int>] = []
    var open = [0..<count]
    while let range = open.popLast() {
        if range.count <= leaf {
            leaves.append(range)
        } else {
            let middle = range.lowerBound + range.count / 2
            open.append(middle..<range.upperBound)
            open.append(range.lowerBound..<middle)
        }
    }
    return leaves
}

/// The points in the order of a random projection tree's leaves.
private func projectionTreeOrder(of points: Matrix, leaf: Int, seed: UInt64, tree: Int) -> [Int32] {
    let columns = points.columns
    var generator = SeededGenerator(seed: seed, stream: "projection tree", tree)
    var order = (0..<Int32(points.rows)).map { $0 }
    var open = [0..<points.rows]
    var direction = [Float](repeating: 0, count: columns)
    points.withUnsafeElements { elements in
        guard let base = elements.baseAddress else { return }
        while let range = open.popLast() {
            guard range.count > leaf else { continue }
            let first = base + Int(order[range.lowerBound + generator.index(below: range.count)]) * columns
            let second = base + Int(order[range.lowerBound + generator.index(below: range.count)]) * columns
            for column in 0..<columns { direction[column] = first[column] - second[column] }
            var keyed = order[range].map { point -> (key: Float, point: Int32) in
                (innerProduct(base + Int(point) * columns, direction, columns), point)
            }
            let middle = range.count / 2
            partition(&keyed, at: middle)
            for (place, entry) in keyed.enumerated() { order[range.lowerBound + place] = entry.point }
            open.append(range.lowerBound + middle..<range.upperBound)
            open.append(range.lowerBound..<range.lowerBound + middle)
        }
    }
    return order
}

/// Puts the `middle` least entries first (quickselect on key, then point).
private func partition(_ entries: inout [(key: Float, point: Int32)], at middle: Int) {
    func less(_ a: (key: Float, point: Int32), _ b: (key: Float, point: Int32)) -> Bool {
        a.key < b.key || (a.key == b.key && a.point < b.point)
    }
    entries.withUnsafeMutableBufferPointer { entries in
        var low = 0
        var high = entries.count - 1
        while low < high {
            // The median of three as pivot.
            let centre = low + (high - low) / 2
            if less(entries[centre], entries[low]) { entries.swapAt(centre, low) }
            if less(entries[high], entries[low]) { entries.swapAt(high, low) }
            if less(entries[high], entries[centre]) { entries.swapAt(high, centre) }
            let pivot = entries[centre]
            var left = low
            var right = high
            while left <= right {
                while less(entries[left], pivot) { left += 1 }
                while less(pivot, entries[right]) { right -= 1 }
                if left <= right {
                    entries.swapAt(left, right)
                    left += 1
                    right -= 1
                }
            }
            if middle <= right {
                high = right
            } else if middle >= left {
                low = left
            } else {
                return
            }
        }
    }
}
