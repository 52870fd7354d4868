internal import StageKit

/// Which points a classifier of areas is trained on and which it is tested on (Methods 3.5, Table 1).
struct EvaluationSplit {
    /// Labelled points of the train sections of seen brains.
    let train: [Int]
    /// Labelled points of each set.
    let test: [EvaluationSet: [Int]]

    var testRows: [Int] { EvaluationSet.allCases.flatMap { test[$0] ?? [] }.sorted() }

    /// The split that the brains' roles make.
    ///
    /// - Throws: `StageError` where no brain is seen or a brain has no role.
    init(_ points: PointTable, port: String) throws {
        try EvaluationSplit.check(points, port: port)
        var train: [Int] = []
        var test: [EvaluationSet: [Int]] = [:]
        for row in 0..<points.count where points.hasArea(row) {
            if let set = points.evaluationSet(row) {
                test[set, default: []].append(row)
            } else {
                train.append(row)
            }
        }
        (self.train, self.test) = (train, test)
    }

    /// The split where one brain takes the transfer brain's place and the other seen and transfer brains are seen (Table 6).
    ///
    /// - Parameter every: in a brain whose points are not divided into train and test sections, every so many-th annotated section is a test
    ///   section.
    init(_ points: PointTable, transferBrain: Int, every: Int) {
        let testSections = EvaluationSplit.testSections(points, every: every)
        var train: [Int] = []
        var test: [EvaluationSet: [Int]] = [:]
        for row in 0..<points.count where points.hasArea(row) {
            if points.role(row) == "unseen" {
                test[.unseen, default: []].append(row)
            } else if Int(points.brain[row]) == transferBrain {
                test[.transfer, default: []].append(row)
            } else if testSections.contains(points.section[row]) {
                test[.seen, default: []].append(row)
            } else {
                train.append(row)
            }
        }
        (self.train, self.test) = (train, test)
    }

    private static func check(_ points: PointTable, port: String) throws {
        let roles = EvaluationSet.allCases.map(\.rawValue)
        if let brain = points.brains.first(where: { !roles.contains($0.role) }) {
            throw StageError(
                .badInput,
                "the brain \(brain.name) has the role '\(brain.role)', but must be \(roles.joined(separator: ", ")); give it in the cohort file",
                port: port)
        }
        guard points.brains.contains(where: { $0.role == "seen" }) else {
            throw StageError(.badInput, "no brain is seen, so there is nothing to train on", port: port)
        }
    }

    /// Sections whose points are for testing: those that the table marks, or every `every`-th annotated one of a brain that has none or
    /// nothing else.
    private static func testSections(_ points: PointTable, every: Int) -> Set<Int32> {
        var marked: [Int32: Bool] = [:]
        for row in 0..<points.count where points.hasArea(row) {
            marked[points.section[row]] = (marked[points.section[row]] ?? false) || points.isTest[row]
        }
        var result: Set<Int32> = []
        for brain in points.brains.indices {
            let own = marked.keys.filter { points.sections[Int($0)].brain == Int32(brain) }.sorted()
            let isDivided = Set(own.map { marked[$0] }).count == 2
            for (place, section) in own.enumerated() {
                let isTest = isDivided ? marked[section] == true : place % every == every - 1
                if isTest { result.insert(section) }
            }
        }
        return result
    }
}
