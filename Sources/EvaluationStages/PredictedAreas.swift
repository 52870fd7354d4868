internal import HDF5
internal import NDArray
internal import ScoreTables
internal import StageKit
internal import Statistics

/// Test points with their classifier's logits: a classification-scores artifact that holds `/logits` and `/classes`.
struct PredictedAreas {
    let points: PointTable
    /// The areas that the classifier knows, in the order of the logits.
    let classes: [Int32]
    let truth: [Int32]
    /// Place in `classes` of the greatest logit.
    let best: [Int]
    private let logits: Matrix
    private let strategy: String
    private let variant: String

    init(_ input: StageInput) throws {
        func wrong(_ problem: String) -> StageError {
            StageError(.badInput, problem, port: input.port, file: input.path)
        }
        let file = try HDF5File(reading: input.path)
        guard file.contains("/logits"), file.contains("/classes") else {
            throw wrong("/logits or /classes is missing; give the scores of area-classification")
        }
        points = try PointTable([input], rowDataset: "/true")
        classes = try file.dataset("/classes").read(as: Int32.self)
        truth = try file.dataset("/true").read(as: Int32.self)
        let dataset = try file.dataset("/logits")
        guard dataset.shape == [truth.count, classes.count], !classes.isEmpty else {
            throw wrong("/logits has the shape \(dataset.shape) for \(truth.count) points and \(classes.count) areas")
        }
        logits = Matrix(rows: truth.count, columns: classes.count, elements: try dataset.read(as: Float.self))
        if let place = logits.firstNotFinite { throw wrong("/logits is not finite at row \(place.row)") }
        best = predictions(from: logits).classes
        strategy = try file.textAttribute("strategy")
        variant = try file.textAttribute("variant")
    }

    /// −log of each area's probability at some rows; a temperature above 1 makes the classifier less sure of itself.
    func costs(_ rows: [Int], temperature: Double) -> Matrix {
        Matrix(rows: rows.count, columns: classes.count) { output in
            for (place, row) in rows.enumerated() {
                let scaled = logits.row(row).map { Double($0) / temperature }
                let top = scaled.max() ?? 0
                let sum = Math.log(scaled.reduce(0) { $0 + Math.exp($1 - top) })
                for (column, value) in scaled.enumerated() {
                    output[place * classes.count + column] = Float(top + sum - value)
                }
            }
        }
    }

    /// The scores of some labels (places in `classes`) by set.
    func scores(_ labels: [Int], _ graph: AreaGraph?) -> ClassificationScores {
        ClassificationScores(
            brains: points.brains.map { ClassificationScores.Brain(name: $0.name, role: $0.role) },
            rows: labels.indices.map { index in
                var row = ClassificationScores.Row()
                row.brain = Int(points.brain[index])
                row.truth = Int(truth[index])
                row.predicted = Int(classes[labels[index]])
                row.correctRank = row.truth == row.predicted ? 0 : classes.count
                return row
            }, strategy: strategy, variant: variant, graph: graph)
    }
}
