internal import CProcess
internal import Glibc
internal import Synchronization

/// Wakes a thread that waits in `poll`: a pipe with at most one byte in it.
final class WakeBell: Sendable {
    let readDescriptor: Int32
    private let writeDescriptor: Int32
    private let isRung = Atomic<Bool>(false)

    init() {
        var ends: [Int32] = [-1, -1]
        let result = cyto_pipe(&ends)
        precondition(result == 0, "No pipe could be opened: \(systemMessage(errno)).")
        (readDescriptor, writeDescriptor) = (ends[0], ends[1])
    }

    deinit {
        close(readDescriptor)
        close(writeDescriptor)
    }

    func ring() {
        guard !isRung.exchange(true, ordering: .acquiringAndReleasing) else { return }
        var byte: UInt8 = 1
        _ = write(writeDescriptor, &byte, 1)
    }

    func clear() {
        var bytes: [UInt8] = [0, 0, 0, 0]
        // The byte goes first: a ring in between is a ring before the caller looks for what happened.
        _ = read(readDescriptor, &bytes, bytes.count)
        _ = isRung.exchange(false, ordering: .acquiringAndReleasing)
    }
}
