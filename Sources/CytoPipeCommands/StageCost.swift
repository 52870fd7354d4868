internal import Scheduling
internal import StageProtocol

/// What the tasks of a stage took when they ran, by their records.
struct StageCost {
    /// Wall time of each task, s.
    private var seconds: [Double] = []
    private var cpuSeconds = 0.0
    /// Of the largest task.
    private var peakMemoryBytes: Int64 = 0

    mutating func add(_ action: ActionRecord) {
        seconds.append(max(action.ended - action.started, 0))
        cpuSeconds += action.cpuSeconds
        peakMemoryBytes = max(peakMemoryBytes, action.peakMemoryBytes)
    }

    mutating func add(_ other: StageCost) {
        seconds += other.seconds
        cpuSeconds += other.cpuSeconds
        peakMemoryBytes = max(peakMemoryBytes, other.peakMemoryBytes)
    }

    /// The middle task's wall time, s; nil where none ran.
    var medianSeconds: Double? {
        guard !seconds.isEmpty else { return nil }
        let sorted = seconds.sorted()
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }

    static let headings = ["median task", "longest", "all tasks", "processor", "peak memory"]

    var cells: [String] {
        guard let medianSeconds, let longest = seconds.max() else { return StageCost.headings.map { _ in "·" } }
        return [
            DurationText.of(medianSeconds), DurationText.of(longest), DurationText.of(seconds.reduce(0, +)),
            DurationText.of(cpuSeconds), ByteText.of(peakMemoryBytes),
        ]
    }

    /// For JSON.
    var values: [String: ConfigValue] {
        guard let medianSeconds, let longest = seconds.max() else { return [:] }
        return [
            "medianSeconds": .real(medianSeconds), "longestSeconds": .real(longest),
            "wallSeconds": .real(seconds.reduce(0, +)), "processorSeconds": .real(cpuSeconds),
            "peakMemoryBytes": .integer(peakMemoryBytes),
        ]
    }
}
