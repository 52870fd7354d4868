/// Some of the numbers `0 ..< total`, each set of `count` equally likely, in ascending order.
///
/// - Parameter count: taken as `total` where it is larger.
/// - Complexity: O(count log count) for a small share of a large total.
///
/// **Reference**: Floyd's algorithm (Bentley 1987, DOI 10.1145/30401.315746).
public func randomSubset(of total: Int, count: Int, generator: inout SeededGenerator) -> [Int] {
    precondition(total >= 0 && count >= 0, "\(count) of \(total) cannot be chosen.")
    guard count < total else { return Array(0..<total) }
    var chosen: Set<Int> = []
    chosen.reserveCapacity(count)
    for last in total - count..<total {
        let candidate = generator.index(below: last + 1)
        if !chosen.insert(candidate).inserted { chosen.insert(last) }
    }
    return chosen.sorted()
}
