/// The tasks that can start, most urgent first, one heap a stage: all tasks of a stage ask for the same resources, so a stage
/// whose tasks don't fit now is passed over as a whole.
struct ReadyQueue {
    /// After so many starts past the most urgent task, nothing starts until that one fits: a large task cannot starve.
    static let patience = 16

    private let priority: [Double]
    private var heaps: [[Int32]]
    private(set) var count = 0
    private var passedOver = 0

    init(stageCount: Int, priority: [Double]) {
        self.priority = priority
        heaps = Array(repeating: [], count: stageCount)
    }

    mutating func insert(_ task: Int, stage: Int) {
        count += 1
        heaps[stage].append(Int32(task))
        var child = heaps[stage].count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard isBefore(heaps[stage][child], heaps[stage][parent]) else { break }
            heaps[stage].swapAt(child, parent)
            child = parent
        }
    }

    /// Takes out the most urgent task whose stage fits; nil where none does, or where a more urgent one has waited long enough.
    mutating func next(fits: (_ stage: Int) -> Bool) -> Int? {
        var best: Int?
        var mostUrgent: Int?
        for stage in heaps.indices {
            guard let head = heaps[stage].first else { continue }
            if mostUrgent.map({ isBefore(head, heaps[$0][0]) }) ?? true { mostUrgent = stage }
            if best.map({ isBefore(head, heaps[$0][0]) }) ?? true, fits(stage) { best = stage }
        }
        guard let best, let mostUrgent else { return nil }
        if best != mostUrgent {
            guard passedOver < ReadyQueue.patience else { return nil }
            passedOver += 1
        } else {
            passedOver = 0
        }
        return removeFirst(ofStage: best)
    }

    /// How many cores the waiting tasks would start with if each got the fewest that it takes; counted up to `limit`.
    ///
    /// - Parameter least: of each stage; nil where none of its tasks fits now.
    func waitingCores(least: (_ stage: Int) -> Int?, limit: Int) -> Int {
        var cores = 0
        for stage in heaps.indices where !heaps[stage].isEmpty && cores < limit {
            if let each = least(stage), each <= limit { cores += each * min(heaps[stage].count, limit) }
        }
        return min(cores, limit)
    }

    private mutating func removeFirst(ofStage stage: Int) -> Int {
        count -= 1
        let first = heaps[stage][0]
        let last = heaps[stage].removeLast()
        guard !heaps[stage].isEmpty else { return Int(first) }
        heaps[stage][0] = last
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < heaps[stage].count else { break }
            if child + 1 < heaps[stage].count, isBefore(heaps[stage][child + 1], heaps[stage][child]) { child += 1 }
            guard isBefore(heaps[stage][child], heaps[stage][parent]) else { break }
            heaps[stage].swapAt(child, parent)
            parent = child
        }
        return Int(first)
    }

    private func isBefore(_ left: Int32, _ right: Int32) -> Bool {
        let (first, second) = (priority[Int(left)], priority[Int(right)])
        return first != second ? first > second : left < right
    }
}
