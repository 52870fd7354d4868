internal import HDF5
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
                return entry
            }, strategy: strategy, variant: variant, labelsPerArea: labelsPerArea, graph: graph)
    }
}

extension ProbedPoints {
    /// Adds the logits, the classes they are of, and where the points lie in the reconstruction.
    func writeLogits(_ points: PointTable, to file: HDF5File) throws {
        try logits.withUnsafeElements {
            try file.write(Array($0), shape: [logits.rows, logits.columns], to: "/logits")
        }
        try file.write(classes.map { Int32($0) }, to: "/classes")
        try file.write(texts: classes.map { points.areaName(Int32($0)) }, to: "/class_names")
        guard rows.contains(where: { points.reconstructionUm[$0].x.isFinite }) else { return }
        try file.write(
            rows.flatMap { row -> [Double] in
                let place = points.reconstructionUm[row]
                return [place.x, place.y, place.z]
            }, shape: [rows.count, 3], to: "/reconstruction_um")
        try file.setAttribute("unit", to: "um", of: "/reconstruction_um")
    }
}
