internal import Scheduling
internal import StageProtocol

/// Running totals of a run, fed by the engine's events: what a progress display shows and the summary tells.
struct RunTally {
    struct RunningTask {
        var startedSeconds: Double
        var fraction: Double?
        var step: String?
        var isWaiting = false
    }

    struct Stage {
        var executed = 0
        var unchanged = 0
        var upToDate = 0
        var failed = 0
        var skipped = 0
        var seconds = 0.0
        var left = 0
        var reasons = ReasonGroups()
    }

    let graph: WorkGraph
    private(set) var stages: [Stage]
    private(set) var running: [Int: RunningTask] = [:]
    private(set) var failures: [(task: Int, failure: TaskFailure, logPath: String)] = []
    private(set) var upToDate = 0
    private(set) var executed = 0
    private(set) var unchanged = 0
    private(set) var skipped = 0
    /// Tasks that have to run or may have to, at first sight.
    private(set) var planned = 0
    private var plannedUpToDate = 0
    private(set) var isPlanned = false
    private(set) var isStopping = false
    private var busySeconds = 0.0
    private var busySince = 0.0

    init(graph: WorkGraph) {
        self.graph = graph
        stages = graph.stages.map { _ in Stage() }
        for task in graph.tasks { stages[Int(task.stage)].left += 1 }
    }

    var failed: Int { failures.count }
    /// Tasks of `planned` that are through, one way or another.
    var through: Int { executed + failed + skipped + upToDate - plannedUpToDate }

    mutating func take(_ event: RunEvent, at seconds: Double) {
        switch event {
        case .planned(let upToDate, let mustRun, let mayRun):
            self.upToDate = upToDate
            plannedUpToDate = upToDate
            planned = mustRun + mayRun
            isPlanned = true
        case .upToDate(let tasks):
            upToDate += tasks.count
            for task in tasks {
                stages[stage(of: task)].left -= 1
                running[task] = nil
            }
        case .started(let task, let reason, let attempt):
            noteBusy(until: seconds)
            running[task] = RunningTask(startedSeconds: seconds)
            if attempt == 1 { stages[stage(of: task)].reasons.add(reason) }
        case .progress(let task, let message):
            if let fraction = message.fraction { running[task]?.fraction = min(max(fraction, 0), 1) }
            if let step = message.step { running[task]?.step = step }
        case .finished(let task, let taken, cpuSeconds: _, peakMemoryBytes: _, let same):
            noteBusy(until: seconds)
            running[task] = nil
            executed += 1
            if same { unchanged += 1 }
            let stage = stage(of: task)
            stages[stage].executed += 1
            if same { stages[stage].unchanged += 1 }
            stages[stage].seconds += taken
            stages[stage].left -= 1
        case .retrying(let task, failure: _, attempt: _): running[task] = nil
        case .failed(let task, let failure, let logPath):
            noteBusy(until: seconds)
            running[task] = nil
            failures.append((task, failure, logPath))
            stages[stage(of: task)].failed += 1
            stages[stage(of: task)].left -= 1
        case .skipped(let task, cause: _):
            skipped += 1
            stages[stage(of: task)].skipped += 1
            stages[stage(of: task)].left -= 1
        case .waitingForOtherRun(let task):
            running[task] = RunningTask(startedSeconds: seconds, isWaiting: true)
        case .stopping: isStopping = true
        }
    }

    /// Seconds that the rest may take, from what each stage took so far and how many tasks ran at once; nil while nothing is known.
    func secondsLeft(at seconds: Double, since start: Double) -> Double? {
        guard executed > 0, seconds > start else { return nil }
        let worked = stages.reduce(0) { $0 + $1.seconds }
        let mean = worked / Double(executed)
        // Stages that never ran yet are taken for average ones; tasks found up to date later make the estimate too long, not too short.
        let rest = planned - through
        var known = 0.0
        var unknown = 0
        for stage in stages where stage.left > 0 {
            if stage.executed > 0 {
                known += Double(min(stage.left, rest)) * stage.seconds / Double(stage.executed)
            } else {
                unknown += min(stage.left, rest)
            }
        }
        let parallel = max(1, (busySeconds + busyNow(at: seconds)) / (seconds - start))
        return (known + Double(unknown) * mean) / parallel
    }

    private func stage(of task: Int) -> Int { Int(graph.tasks[task].stage) }

    private func busyNow(at seconds: Double) -> Double { Double(running.count) * max(0, seconds - busySince) }

    private mutating func noteBusy(until seconds: Double) {
        busySeconds += busyNow(at: seconds)
        busySince = seconds
    }
}
