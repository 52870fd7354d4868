internal import FoundationEssentials
internal import Glibc
internal import StageProtocol
internal import Synchronization

/// Writes `ProgressMessage`s to the job's descriptor, one JSON object a line, at most ten fractions a second.
final class ProgressLines: Sendable {
    private struct Last {
        var step: String?
        var time: ContinuousClock.Instant?
        var isClosed = false
    }

    private let descriptor: Int32?
    private let last = Mutex(Last())
    private static let shortestPause = Duration.milliseconds(100)

    init(descriptor: Int32?) {
        self.descriptor = descriptor
    }

    /// A fraction is dropped when the last one was said a moment ago and the step is the same.
    func say(fraction: Double, step: String?) {
        guard descriptor != nil else { return }
        let now = ContinuousClock.now
        let isDue = last.withLock { last in
            let isNewStep = step != nil && step != last.step
            if !isNewStep, fraction < 1, let time = last.time, now - time < ProgressLines.shortestPause { return false }
            if let step { last.step = step }
            last.time = now
            return true
        }
        if isDue { say(ProgressMessage(fraction: min(max(fraction, 0), 1), step: step)) }
    }

    func say(_ message: ProgressMessage) {
        guard let descriptor else { return }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard var line = try? encoder.encode(message) else { return }
        line.append(UInt8(ascii: "\n"))
        last.withLock { last in
            // A runner that went away must not take the stage along: what nobody reads is dropped.
            if last.isClosed { return }
            last.isClosed = !writeAll(line, to: descriptor)
        }
    }
}

/// Lines for the task's log.
enum StandardError {
    static func say(_ line: String) {
        _ = writeAll(Data((line + "\n").utf8), to: 2)
    }
}

/// Writes all bytes; false if the descriptor takes no more.
private func writeAll(_ data: Data, to descriptor: Int32) -> Bool {
    data.withUnsafeBytes { buffer in
        var rest = buffer[...]
        while !rest.isEmpty {
            let count = write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count < 0 {
                if errno == EINTR || errno == EAGAIN { continue }
                return false
            }
            rest = rest.dropFirst(count)
        }
        return true
    }
}
