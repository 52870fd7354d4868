internal import Scheduling
internal import StageProtocol
internal import Synchronization

/// Progress for a log: a plain line for each task that ran.
final class PlainProgress: RunObserver, Sendable {
    private let tally: Mutex<RunTally>
    private let now: @Sendable () -> Double
    private let write: @Sendable (String) -> Void

    init(graph: WorkGraph, now: @escaping @Sendable () -> Double, write: @escaping @Sendable (String) -> Void) {
        tally = Mutex(RunTally(graph: graph))
        self.now = now
        self.write = write
    }

    func handle(_ event: RunEvent) {
        let seconds = now()
        let line: String? = tally.withLock { tally in
            tally.take(event, at: seconds)
            let graph = tally.graph
            switch event {
            case .planned:
                return tally.planned == 0
                    ? nil : "\(CountText.of(tally.planned, "task")) to run, \(CountText.of(tally.upToDate)) up to date"
            case .finished(let task, let taken, cpuSeconds: _, peakMemoryBytes: _, let same):
                let rest = same ? ", output unchanged" : ""
                return "[\(tally.through)/\(tally.planned)] \(graph.label(of: task))  \(DurationText.of(taken))\(rest)"
            case .failed(let task, let failure, let logPath):
                return
                    "[\(tally.through)/\(tally.planned)] FAILED \(failure.line(of: graph.label(of: task))) (log: \(logPath))"
            case .retrying(let task, let failure, let attempt):
                return "try \(attempt) of \(graph.label(of: task)) failed: \(failure.message)"
            case .progress(let task, let message):
                return message.warning.map { "warning: \(graph.label(of: task)): \($0)" }
            case .waitingForOtherRun(let task): return "waiting for another run to finish \(graph.label(of: task))"
            case .stopping: return "stopping; interrupt again to kill running tasks at once"
            case .started, .skipped, .upToDate: return nil
            }
        }
        if let line { write(line + "\n") }
    }

    func end() -> RunTally { tally.withLock { $0 } }
}
