internal import Foundation
internal import StageKit
internal import StageProtocol
internal import Synchronization

/// Watches over the processes that rank 0 has started, and says how one of them ended where it should not have.
///
/// Mostly c10d notices a lost process by its broken connection, and training ends with an error of its own. While the processes
/// still wait for each other there is no connection to break: then this ends the program, not minutes later a timeout.
final class RankWatch: Sendable {
    private let processes: [pid_t]
    private let isOver = Mutex(false)
    /// For training to end by itself.
    private static let graceSeconds = 5.0

    /// - Parameter processes: by rank, from 1.
    init(_ processes: [pid_t], label: String) {
        self.processes = processes
        for (index, process) in processes.enumerated() {
            Thread.detachNewThread { [self] in watch(process, rank: index + 1, label: label) }
        }
    }

    /// The processes are not needed any more; those that are still there are killed.
    func end() {
        isOver.withLock { $0 = true }
        for process in processes { kill(process, SIGKILL) }
    }

    private func watch(_ process: pid_t, rank: Int, label: String) {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        guard status != 0, !isOver.withLock({ $0 }) else { return }
        let signal = status & 0x7f
        let how = signal == 0 ? "exit code \(status >> 8 & 0xff)" : "signal \(signal)"
        let sentence = "\(label): rank \(rank) has ended by \(how); the training cannot go on without it\n"
        FileHandle.standardError.write(Data(sentence.utf8))
        Thread.sleep(forTimeInterval: Self.graceSeconds)
        if !isOver.withLock({ $0 }) { exit(WorkerExit.inputOutput) }
    }
}
