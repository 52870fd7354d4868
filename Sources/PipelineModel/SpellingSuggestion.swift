/// Finds the known name that a misspelt one was likely meant to be.
package enum SpellingSuggestion {
    /// The candidate nearest to `name`, if it is near enough to be the likely meaning.
    ///
    /// Nearness is the number of inserted, deleted, changed and swapped characters; up to a third of the name's length
    /// counts as near. Case, `_` and `-` do not count.
    package static func nearest(to name: String, among candidates: some Sequence<String>) -> String? {
        let plain = folded(name)
        guard plain.count <= 100 else { return nil }
        let limit = max(1, plain.count / 3)
        var best: (name: String, distance: Int)?
        for candidate in candidates {
            let other = folded(candidate)
            guard abs(other.count - plain.count) <= limit else { continue }
            let distance = editDistance(plain, other)
            guard distance <= limit else { continue }
            if let found = best, (found.distance, found.name) <= (distance, candidate) { continue }
            best = (candidate, distance)
        }
        return best?.name
    }

    private static func folded(_ name: String) -> [UInt8] {
        name.lowercased().utf8.map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "-") : $0 }
    }

    /// Edit distance with swaps of neighbours (optimal string alignment), in bytes.
    static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        if left.isEmpty || right.isEmpty { return max(left.count, right.count) }
        var beforeLast = [Int](repeating: 0, count: right.count + 1)
        var last = Array(0...right.count)
        var current = last
        for row in 1...left.count {
            current[0] = row
            for column in 1...right.count {
                let change = left[row - 1] == right[column - 1] ? 0 : 1
                var cost = min(last[column] + 1, current[column - 1] + 1, last[column - 1] + change)
                if row > 1, column > 1, left[row - 1] == right[column - 2], left[row - 2] == right[column - 1] {
                    cost = min(cost, beforeLast[column - 2] + 1)
                }
                current[column] = cost
            }
            (beforeLast, last, current) = (last, current, beforeLast)
        }
        return last[right.count]
    }
}
