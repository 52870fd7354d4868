internal import NDArray
internal import StageKit
internal import Statistics

/// The labelled points that a classifier is trained on, balanced over the classes (Methods 3.5).
///
/// Every class is drawn equally often, with replacement. A point that is drawn several times counts as often: the optimum is that of the
/// longer list, at the cost of the shorter.
struct TrainingDraw {
    /// Different rows, ascending.
    let rows: [Int]
    /// How often each was drawn.
    let weights: [Float]
    /// The class of each.
    let labels: [Int]

    /// - Parameters:
    ///   - candidates: rows that may be drawn.
    ///   - labels: the class of each candidate.
    ///   - perClass: how many draws each class gets (the paper's 1,200).
    ///   - distinctPerClass: at most so many different points of a class are used; nil: all.
    ///   - seed: decides both draws.
    init(candidates: [Int], labels: [Int], perClass: Int, distinctPerClass: Int?, seed: UInt64) {
        precondition(candidates.count == labels.count, "\(labels.count) labels for \(candidates.count) points.")
        var pool = Array(candidates.indices)
        if let distinctPerClass {
            pool = stratifiedSample(
                labels: labels, perLabel: distinctPerClass, replacement: false,
                seed: streamSeed(seed, "labelled points"))
        }
        let drawn = stratifiedSample(
            labels: pool.map { labels[$0] }, perLabel: perClass, replacement: true,
            seed: streamSeed(seed, "balanced draws"))
        var counts: [Int: Int] = [:]
        for place in drawn { counts[pool[place], default: 0] += 1 }
        let chosen = counts.keys.sorted { candidates[$0] < candidates[$1] }
        rows = chosen.map { candidates[$0] }
        weights = chosen.map { Float(counts[$0] ?? 0) }
        self.labels = chosen.map { labels[$0] }
    }
}
