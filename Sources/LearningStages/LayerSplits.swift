internal import NDArray
internal import StageKit
internal import Statistics

/// Which annotated patches are trained on and which are tested on: a fixed test set, growing shares of the rest, folds of each.
///
/// **Reference** Methods 3.6.
public struct LayerSplits: Sendable, Equatable {
    /// What a fold's model is trained on.
    public enum FoldTraining: String, Sendable, CaseIterable {
        /// The other folds, as in cross-validation.
        case others
        /// The fold itself.
        case own
    }

    /// Patches of the fixed test set, ascending.
    public var test: [Int]
    /// For each share the annotated patches, ascending; a larger share holds the smaller ones.
    public var subsets: [[Int]]
    /// For each share and fold the patches to train on.
    public var training: [[[Int]]]

    /// - Parameters:
    ///   - groups: patches of the same group stay together on one side of the test split; one each for a split by patches.
    ///   - testFraction: share of the patches that is kept for tests.
    ///   - fractions: shares of the rest; at least one patch a fold is taken.
    /// - Throws: `StageError` where there are too few patches.
    public init(
        groups: [Int], testFraction: Double, fractions: [Double], folds: Int, foldTraining: FoldTraining, seed: UInt64
    ) throws {
        let count = groups.count
        var units = Set(groups).sorted()
        var generator = SeededGenerator(seed: seed, stream: "layer test split")
        units.shuffle(using: &generator)
        let sizes = Dictionary(groups.map { ($0, 1) }, uniquingKeysWith: +)
        let wanted = max(1, Int((testFraction * Double(count)).rounded()))
        var tested: Set<Int> = []
        var taken = 0
        for unit in units where taken < wanted {
            tested.insert(unit)
            taken += sizes[unit] ?? 0
        }
        test = (0..<count).filter { tested.contains(groups[$0]) }
        var pool = (0..<count).filter { !tested.contains(groups[$0]) }
        guard !test.isEmpty, pool.count >= max(folds, 2) else {
            throw StageError(
                .badInput,
                "\(count) patches in \(units.count) groups leave \(test.count) for tests and \(pool.count) to train on, too few for "
                    + "\(folds) folds", port: "patches")
        }
        var order = SeededGenerator(seed: seed, stream: "layer subsets")
        pool.shuffle(using: &order)
        subsets = fractions.map { fraction in
            let size = min(max(Int((fraction * Double(pool.count)).rounded()), folds), pool.count)
            return pool.prefix(size).sorted()
        }
        training = try subsets.enumerated().map { index, subset in
            try foldSplits(count: subset.count, folds: folds, shuffleSeed: seed &+ UInt64(index)).map { split in
                (foldTraining == .others ? split.train : split.test).map { subset[$0] }
            }
        }
    }
}
