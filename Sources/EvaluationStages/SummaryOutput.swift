internal import ScoreTables
internal import StageKit
internal import Statistics

extension ScoreSummary {
    /// Writes the summary to the port `summary` and keeps its figures with the task's record.
    func write(to context: StageContext) throws {
        let path = try context.output("summary")
        do {
            try write(to: path)
        } catch {
            throw StageError(.inputOutput, "cannot be written: \(error)", port: "summary", file: path)
        }
        for name in figures.keys.sorted() { context.figure(name, figures[name] ?? .nan) }
    }
}

extension ScoreSummary.Cell {
    /// The cells "mean" and "sd" of some values.
    static func meanAndDeviation(_ values: [Double]) -> [ScoreSummary.Cell] {
        let statistics = MeanAndDeviation(values)
        return [.number(statistics.mean), .number(statistics.deviation)]
    }
}
