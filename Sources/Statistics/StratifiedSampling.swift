internal import NDArray

/// Draws the same number of points of every label.
///
/// - Parameters:
///   - labels: each point's label.
///   - perLabel: how many points of each.
///   - replacement: whether a point may be drawn again. Without, a label of fewer points gives all that it has.
///   - seed: each label draws from a stream of its own, so that a label more or less changes no other's draw.
/// - Returns: indices of points, label after label in ascending order.
public func stratifiedSample(labels: [Int], perLabel: Int, replacement: Bool, seed: UInt64) -> [Int] {
    precondition(perLabel >= 0, "A sample of \(perLabel) points makes no sense.")
    var members: [Int: [Int]] = [:]
    for (index, label) in labels.enumerated() { members[label, default: []].append(index) }
    var sample: [Int] = []
    sample.reserveCapacity(perLabel * members.count)
    for label in members.keys.sorted() {
        var generator = SeededGenerator(seed: seed, stream: "stratified sample", label)
        let own = members[label] ?? []
        if replacement {
            for _ in 0..<perLabel { sample.append(own[generator.index(below: own.count)]) }
        } else {
            // The first steps of a Fisher–Yates shuffle.
            var pool = own
            for place in 0..<min(perLabel, pool.count) {
                pool.swapAt(place, place + generator.index(below: pool.count - place))
                sample.append(pool[place])
            }
        }
    }
    return sample
}
