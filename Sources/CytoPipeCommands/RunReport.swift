internal import Scheduling
internal import StageProtocol

/// What a run tells when it is over.
struct RunReport {
    let tally: RunTally
    let summary: RunSummary
    /// What is told last of all.
    let announced: AnnouncedOutputs

    var status: ExitStatus {
        if summary.wasCancelled { return .interrupted }
        return summary.isComplete ? .done : .taskFailed
    }

    /// How many tasks ran, were up to date, failed, with the reasons in groups, and the failed ones with the end of their logs.
    var text: String {
        let graph = tally.graph
        var text = ""
        for (task, failure, logPath) in tally.failures.prefix(10) {
            text += "\n✗ \(failure.line(of: graph.label(of: task)))\n"
            for line in failure.lastLines.suffix(12) { text += "    \(line)\n" }
            text += "  log: \(logPath)\n"
        }
        if tally.failures.count > 10 {
            text += "\nand \(CountText.of(tally.failures.count - 10, "more failed task"))\n"
        }
        if !tally.failures.isEmpty { text += "\n" }

        var table = TextTable([.left, .right, .left, .left])
        for (stage, totals) in zip(graph.stages, tally.stages)
        where totals.executed + totals.failed + totals.skipped > 0 {
            var rest: [String] = []
            if totals.failed > 0 { rest.append("\(CountText.of(totals.failed)) failed") }
            if totals.skipped > 0 { rest.append("\(CountText.of(totals.skipped)) skipped") }
            if totals.unchanged > 0 { rest.append("\(CountText.of(totals.unchanged)) with unchanged output") }
            let why = totals.reasons.groups.isEmpty ? "" : "why: \(totals.reasons.line())"
            table.add([stage.name, "\(CountText.of(totals.executed)) ran", rest.joined(separator: ", "), why])
        }
        text += table.text

        var parts = ["\(CountText.of(tally.executed, "task")) ran"]
        parts.append("\(CountText.of(summary.count(.upToDate))) up to date")
        if tally.failed > 0 { parts.append("\(CountText.of(tally.failed)) failed") }
        if tally.skipped > 0 { parts.append("\(CountText.of(tally.skipped)) skipped for what they need") }
        let leftOut = summary.count(.leftOut)
        if leftOut > 0 { parts.append("\(CountText.of(leftOut)) left out") }
        let pending = summary.count(.pending) + summary.count(.ready) + summary.count(.cancelled)
        if pending > 0 { parts.append("\(CountText.of(pending)) not run") }
        let verdict =
            summary.wasCancelled
            ? "interrupted after"
            : tally.failed > 0 ? "failed after" : summary.isComplete ? "done in" : "incomplete after"
        return text + "\(verdict) \(DurationText.of(summary.seconds)): \(parts.joined(separator: ", "))\n"
            + announced.text
    }

    var json: ConfigValue {
        let graph = tally.graph
        let stages = zip(graph.stages, tally.stages).map { stage, totals in
            ConfigValue.map([
                "stage": .text(stage.name), "executed": .integer(Int64(totals.executed)),
                "unchanged": .integer(Int64(totals.unchanged)), "failed": .integer(Int64(totals.failed)),
                "skipped": .integer(Int64(totals.skipped)), "seconds": .real(totals.seconds),
                "reasons": .map(
                    Dictionary(
                        totals.reasons.groups.map { ($0.text, .integer(Int64($0.count))) },
                        uniquingKeysWith: { first, _ in first })),
            ])
        }
        let failures = tally.failures.map { task, failure, logPath in
            ConfigValue.map([
                "task": .text(graph.label(of: task)), "code": .text(failure.code.rawValue),
                "message": .text(failure.message),
                "log": .text(logPath), "lastLines": .list(failure.lastLines.map { .text($0) }),
            ])
        }
        let announced = announced.entries.map { entry in
            ConfigValue.map([
                "task": .text(entry.label), "port": .text(entry.port), "path": .text(entry.path),
                "link": .text(entry.link),
            ])
        }
        return .map([
            "announced": .list(announced), "pipeline": .text(graph.pipeline),
            "status": .text(String(describing: status)),
            "seconds": .real(summary.seconds),
            "tasks": .integer(Int64(graph.tasks.count)), "executed": .integer(Int64(tally.executed)),
            "unchanged": .integer(Int64(tally.unchanged)), "upToDate": .integer(Int64(summary.count(.upToDate))),
            "failed": .integer(Int64(tally.failed)), "skipped": .integer(Int64(tally.skipped)),
            "leftOut": .integer(Int64(summary.count(.leftOut))), "stages": .list(stages), "failures": .list(failures),
        ])
    }
}

extension TaskFailure {
    /// The message with the task's label before it, unless it begins with that anyway.
    func line(of label: String) -> String { message.hasPrefix(label) ? message : "\(label): \(message)" }
}
