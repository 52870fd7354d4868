internal import Statistics

/// How well a set of inputs (features or profiles) tells properties of the tissue by linear regression, from few principal components to all
/// of the raw numbers (Methods 3.7, Figure 4).
///
/// Principal components are fitted once to all rows. For each property the rows that have it are cut into folds; a regression
/// fitted to the others is scored by R² on each. As many or more inputs than training rows are not fitted: the paper leaves
/// such combinations out too.
///
/// **Differs**: rows are shuffled before they are cut into folds (scikit-learn's default takes them in order, here sections).
struct StructuralRegression {
    struct Settings: Sendable, Equatable {
        /// Numbers of components; 0 stands for the raw inputs.
        var components: [Int]
        var folds: Int
        /// Components whose attributions are told.
        var attributed: Int
        var seed: UInt64
        var threads = 1
    }

    struct Target: Sendable {
        var name: String
        /// One a row, NaN where unknown.
        var values: [Float]
    }

    /// R² of each fold: `components × targets × folds`, NaN where nothing was fitted.
    private(set) var scores: [Double]
    /// Share of the inputs' variance in the first 1, 2, … components.
    let explained: [Double]
    /// Coefficient · sd(component) / sd(target): `targets × attributed`, NaN where nothing was fitted.
    private(set) var attributions: [Double]
    /// Rows of each target.
    let rows: [Int]

    /// - Parameters:
    ///   - inputs: all finite, a row a point.
    ///   - progress: told the share done.
    init(
        _ inputs: Matrix, targets: [Target], settings: Settings, progress: (Double) -> Void = { _ in }
    ) throws(StatisticsError) {
        precondition(targets.allSatisfy { $0.values.count == inputs.rows }, "Inputs and targets differ in rows.")
        let folds = settings.folds
        scores = [Double](repeating: .nan, count: settings.components.count * targets.count * folds)
        attributions = [Double](repeating: .nan, count: targets.count * settings.attributed)
        rows = targets.map { $0.values.count { $0.isFinite } }
        let wanted = max(settings.components.max() ?? 0, settings.attributed)
        let count = min(wanted, inputs.rows, inputs.columns)
        guard count >= 1, inputs.rows >= 2 else {
            explained = []
            return
        }
        let components = try PrincipalComponents(
            of: inputs, count: count, seed: settings.seed, threads: settings.threads)
        var sum = 0.0
        explained = components.explainedVarianceRatio.map { ratio in
            sum += ratio
            return sum
        }
        let reduced = components.transform(inputs, threads: settings.threads)
        progress(0.2)
        let groups = Self.groups(targets)
        for (number, group) in groups.enumerated() {
            let known = targets[group[0]].values.indices.filter { targets[group[0]].values[$0].isFinite }
            guard known.count >= 2 * folds else { continue }
            try score(inputs, reduced, known, group, targets, settings)
            try attribute(reduced, known, group, targets, settings)
            progress(0.2 + 0.8 * Double(number + 1) / Double(groups.count))
        }
    }

    /// Targets that are known in the same rows: they share the fits.
    private static func groups(_ targets: [Target]) -> [[Int]] {
        var groups: [[Int]] = []
        for index in targets.indices {
            let place = groups.firstIndex { group in
                zip(targets[group[0]].values, targets[index].values).allSatisfy { $0.isFinite == $1.isFinite }
            }
            if let place { groups[place].append(index) } else { groups.append([index]) }
        }
        return groups
    }

    private mutating func score(
        _ inputs: Matrix, _ reduced: Matrix, _ known: [Int], _ group: [Int], _ targets: [Target], _ settings: Settings
    ) throws(StatisticsError) {
        let splits = try foldSplits(count: known.count, folds: settings.folds, shuffleSeed: settings.seed)
        for (fold, split) in splits.enumerated() {
            let (train, test) = (split.train.map { known[$0] }, split.test.map { known[$0] })
            let (right, truth) = (Self.matrix(targets, group, train), Self.matrix(targets, group, test))
            for (place, count) in settings.components.enumerated() {
                let columns = count == 0 ? inputs.columns : count
                guard columns < train.count, count <= reduced.columns else { continue }
                let source = count == 0 ? inputs : reduced
                func part(_ rows: [Int]) -> Matrix {
                    let rows = source.selecting(rows: rows)
                    return columns == rows.columns ? rows : rows.selecting(columns: 0..<columns)
                }
                let model = try LinearModel(leastSquares: part(train), targets: right, threads: settings.threads)
                let found = rSquared(
                    truth: truth, predicted: model.predicted(for: part(test), threads: settings.threads))
                for (column, target) in group.enumerated() {
                    scores[(place * targets.count + target) * settings.folds + fold] = found[column]
                }
            }
        }
    }

    private mutating func attribute(
        _ reduced: Matrix, _ known: [Int], _ group: [Int], _ targets: [Target], _ settings: Settings
    ) throws(StatisticsError) {
        let count = min(settings.attributed, reduced.columns)
        guard count >= 1, count < known.count else { return }
        let part = reduced.selecting(rows: known).selecting(columns: 0..<count)
        let right = Self.matrix(targets, group, known)
        let model = try LinearModel(leastSquares: part, targets: right, threads: settings.threads)
        let spread = (0..<count).map { MeanAndDeviation(part.column($0).map(Double.init)).deviation }
        for (column, target) in group.enumerated() {
            let own = MeanAndDeviation(right.column(column).map(Double.init)).deviation
            guard own > 0 else { continue }
            for component in 0..<count {
                attributions[target * settings.attributed + component] =
                    model.coefficients[column * count + component] * spread[component] / own
            }
        }
    }

    /// The values of some targets in some rows: `rows × targets`.
    private static func matrix(_ targets: [Target], _ group: [Int], _ rows: [Int]) -> Matrix {
        Matrix(
            rows: rows.count, columns: group.count,
            elements: rows.flatMap { row in group.map { targets[$0].values[row] } })
    }
}
