internal import Dispatch
internal import Scheduling
internal import StageProtocol
internal import Synchronization

/// The live display of a run on a terminal: an overall bar, and below it a line for each running task.
///
/// Drawn at most ten times a second from a timer; the engine only notes what happened. Failures and warnings are printed above
/// and stay.
final class TerminalProgress: RunObserver, Sendable {
    private struct State {
        var tally: RunTally
        /// Lines above the display that wait to be printed.
        var news: [String] = []
        var drawnLines = 0
        var isDirty = true
        var isOver = false
        var lastDrawn = 0.0
    }

    private let state: Mutex<State>
    private let now: @Sendable () -> Double
    private let start: Double
    private let queue = DispatchQueue(label: "cyto-pipe.progress")
    private let size: @Sendable () -> (columns: Int, rows: Int)
    private let write: @Sendable (String) -> Void

    /// - Parameters:
    ///   - now: seconds of a clock that never jumps.
    ///   - size: of the terminal.
    ///   - write: puts text on the terminal.
    init(
        graph: WorkGraph, now: @escaping @Sendable () -> Double,
        size: @escaping @Sendable () -> (columns: Int, rows: Int),
        write: @escaping @Sendable (String) -> Void
    ) {
        state = Mutex(State(tally: RunTally(graph: graph)))
        self.now = now
        self.size = size
        self.write = write
        start = now()
        drawLater()
    }

    private func drawLater() {
        queue.asyncAfter(deadline: .now() + .milliseconds(100)) { [weak self] in
            guard let self, self.draw() else { return }
            self.drawLater()
        }
    }

    func handle(_ event: RunEvent) {
        let seconds = now()
        state.withLock { state in
            state.tally.take(event, at: seconds)
            state.isDirty = true
            switch event {
            case .failed(let task, let failure, logPath: _):
                state.news.append("✗ \(failure.line(of: state.tally.graph.label(of: task)))")
            case .retrying(let task, let failure, let attempt):
                state.news.append("↻ \(state.tally.graph.label(of: task)), try \(attempt) failed: \(failure.message)")
            case .progress(let task, let message):
                if let warning = message.warning {
                    state.news.append("! \(state.tally.graph.label(of: task)): \(warning)")
                }
            case .stopping: state.news.append("stopping; interrupt again to kill running tasks at once")
            default: break
            }
        }
    }

    /// Takes the display away and gives the totals.
    func end() -> RunTally {
        return state.withLock { state in
            let text =
                TerminalProgress.erasing(state.drawnLines)
                + TerminalProgress.text(ofNews: &state.news, width: size().columns)
            write(text + (state.drawnLines > 0 ? "\u{1B}[?25h" : ""))
            state.drawnLines = 0
            state.isOver = true
            return state.tally
        }
    }

    /// False when the display is over.
    private func draw() -> Bool {
        let seconds = now()
        return state.withLock { state in
            guard !state.isOver else { return false }
            guard state.tally.isPlanned, state.tally.planned > 0 else { return true }
            // Without news, the clocks on the lines go on once a second.
            guard state.isDirty || seconds - state.lastDrawn >= 1 else { return true }
            let (columns, rows) = size()
            let lines = TerminalProgress.lines(
                state.tally, seconds: seconds, start: start, columns: columns, rows: rows)
            var text = state.drawnLines == 0 ? "\u{1B}[?25l" : TerminalProgress.erasing(state.drawnLines)
            text += TerminalProgress.text(ofNews: &state.news, width: columns)
            text += lines.joined(separator: "\n") + "\n"
            state.drawnLines = lines.count
            state.isDirty = false
            state.lastDrawn = seconds
            write(text)
            return true
        }
    }

    private static func erasing(_ lines: Int) -> String { lines == 0 ? "" : "\u{1B}[\(lines)A\r\u{1B}[J" }

    private static func text(ofNews news: inout [String], width: Int) -> String {
        defer { news = [] }
        return news.map { $0 + "\n" }.joined()
    }

    /// The display: never wider than the terminal, and low enough to leave it two lines.
    static func lines(_ tally: RunTally, seconds: Double, start: Double, columns: Int, rows: Int) -> [String] {
        var parts = ["\(CountText.of(tally.through))/\(CountText.of(tally.planned))"]
        if tally.failed > 0 { parts.append("\(tally.failed) failed") }
        parts.append(DurationText.of(seconds - start))
        if tally.isStopping {
            parts.append("stopping")
        } else if let left = tally.secondsLeft(at: seconds, since: start) {
            parts.append("\(DurationText.of(left)) left")
        }
        let figures = parts.joined(separator: " · ")
        let barWidth = min(40, columns - figures.count - 5)
        var head = figures
        if barWidth >= 8 {
            let done = Double(tally.through) + tally.running.values.reduce(0) { $0 + ($1.fraction ?? 0) }
            let filled = min(barWidth, Int((done / Double(max(1, tally.planned)) * Double(barWidth)).rounded(.down)))
            head =
                String(repeating: "█", count: filled) + String(repeating: "░", count: barWidth - filled) + "  "
                + figures
        }
        var lines = [cut(head, to: columns)]
        let room = max(0, min(rows - 3, 24))
        let running = tally.running.sorted { ($0.value.startedSeconds, $0.key) < ($1.value.startedSeconds, $1.key) }
        for (task, state) in running.prefix(running.count > room ? max(0, room - 1) : room) {
            var tail = [String]()
            if state.isWaiting {
                tail.append("another run does it")
            } else {
                if let fraction = state.fraction { tail.append("\(Int(fraction * 100)) %") }
                if let step = state.step { tail.append(step) }
            }
            tail.append(DurationText.of(seconds - state.startedSeconds))
            lines.append(cut("  \(tally.graph.label(of: task))  \(tail.joined(separator: "  "))", to: columns))
        }
        if running.count > room, room > 0 { lines.append(cut("  and \(running.count - room + 1) more", to: columns)) }
        return lines
    }

    /// The text, at most so many columns wide (one is left free, since some terminals wrap at the last).
    static func cut(_ text: String, to columns: Int) -> String {
        let width = max(1, columns - 1)
        let plain = text.filter { $0 != "\n" && $0 != "\u{1B}" && $0 != "\r" }
        return plain.count <= width ? plain : plain.prefix(width - 1) + "…"
    }
}
