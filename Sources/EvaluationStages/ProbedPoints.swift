internal import ScoreTables
internal import Statistics

/// Test points with what a classifier says of them.
struct ProbedPoints {
    /// Rows of the table.
    let rows: [Int]
    /// The true class of each.
    let truth: [Int]
    /// Columns of the logits.
    let classes: [Int]
    /// `points × classes`.
    let logits: Matrix

    /// The layout that every classification writes.
    ///
    /// - Parameter sets: the set of each point where it is another than its brain's role: the name of the role that counts.
    func scores(
        _ points: PointTable, variant: String, labelsPerArea: Int? = nil, graph: AreaGraph? = nil,
        strategy: String = "linear-probe", roles: [String]? = nil
    ) -> ClassificationScores {
        let place = Dictionary(uniqueKeysWithValues: classes.enumerated().map { ($1, $0) })
        let ranks = classRanks(truth: truth.map { place[$0] ?? -1 }, scores: logits)
        let (best, margins) = predictions(from: logits)
        return ClassificationScores(
            brains: points.brains.enumerated().map {
                ClassificationScores.Brain(name: $0.element.name, role: roles?[$0.offset] ?? $0.element.role)
            },
            rows: rows.enumerated().map { index, row in
                var entry = ClassificationScores.Row()
                entry.brain = Int(points.brain[row])
                entry.truth = truth[index]
                entry.predicted = classes[best[index]]
                entry.margin = margins[index]
                entry.correctRank = ranks[index]
                entry.row = row
                entry.mniMm = points.mniMm[row]
                entry.section = points.sections[Int(points.section[row])].name
                entry.positionUm = points.positionUm[row]
                entry.hemisphere = Int(points.hemisphere[row])
                entry.reconstructionUm = points.reconstructionUm[row]
                return entry
            }, strategy: strategy, variant: variant, labelsPerArea: labelsPerArea, graph: graph,
            logits: ClassificationScores.Logits(
                classes: classes, names: classes.map { points.areaName(Int32($0)) }, values: logits))
    }
}
