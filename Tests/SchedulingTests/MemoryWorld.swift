import ContentHash
import Scheduling
import StageProtocol
import Synchronization

/// The run was killed here.
struct Halt: Error {}

/// A store, source files and a disk in memory. Every call counts as a step, and the world can stop at any step as if the process
/// had been killed: what was kept stays, everything after throws.
final class MemoryWorld: ActionStore, SourceDigests {
    struct State {
        var disk: [String: [UInt8]] = [:]
        var objects: [Digest: [UInt8]] = [:]
        var actions: [Digest: [StoredFile]] = [:]
        var latest: [String: LatestRecord] = [:]
        var locked: Set<Digest> = []
        var sources: [String: [UInt8]] = [:]
        var hashed: [String: Digest] = [:]
        var workFolders = 0
        /// Folders of checkpoints that were removed, in order.
        var removedCheckpoints: [String] = []
        var step = 0
        var haltAt = Int.max
        var hashCount = 0
        var records: [ActionRecord] = []
        var seconds: [String: Double] = [:]
    }
    let state = Mutex(State())

    func step(_ state: inout State) throws {
        state.step += 1
        if state.step >= state.haltAt { throw Halt() }
    }

    /// A new process on the same store: nothing is locked, nothing halts.
    func restart(haltAt: Int = .max) {
        state.withLock {
            $0.locked = []
            $0.step = 0
            $0.haltAt = haltAt
        }
    }

    func setSource(_ path: String, _ value: [UInt8]?) {
        state.withLock {
            $0.sources[path] = value
            $0.hashed[path] = nil
        }
    }

    /// As `touch` does: the same bytes under a new time.
    func touchSource(_ path: String) { state.withLock { $0.hashed[path] = nil } }

    func actions(for keys: [Digest]) throws -> [CachedAction?] {
        try state.withLock { state in
            try step(&state)
            return keys.map { key in
                state.actions[key].map { outputs in
                    CachedAction(
                        outputs: outputs, missingOutput: outputs.firstIndex { state.objects[$0.digest] == nil })
                }
            }
        }
    }

    func latestRecords(pipeline: String, labels: [String]) throws -> [LatestRecord?] {
        try state.withLock { state in
            try step(&state)
            return labels.map { state.latest[pipeline + "/" + $0] }
        }
    }

    func typicalSeconds(manifests: [String]) throws -> [Double?] {
        state.withLock { state in manifests.map { state.seconds[$0] } }
    }

    func tryLock(_ key: Digest) throws -> (any KeyLock)? {
        try state.withLock { state in
            try step(&state)
            return state.locked.insert(key).inserted ? MemoryLock(world: self, key: key) : nil
        }
    }

    func isLocked(_ key: Digest) throws -> Bool { state.withLock { $0.locked.contains(key) } }

    func publish(_ batch: [Publication]) -> [Result<[StoredFile], any Error>] {
        batch.map { publication in
            Result {
                try state.withLock { state in
                    var files: [StoredFile] = []
                    for file in publication.files {
                        try step(&state)
                        let bytes = state.disk[file.path] ?? []
                        let digest = ContentHasher.digest(of: bytes)
                        state.objects[digest] = bytes
                        files.append(
                            StoredFile(
                                digest: digest, fileExtension: file.fileExtension, byteCount: Int64(bytes.count)))
                    }
                    try step(&state)
                    state.actions[publication.record.task.key] = files
                    try step(&state)
                    keep(publication.record, in: &state)
                    return files
                }
            }
        }
    }

    func recordFailure(_ record: ActionRecord) throws {
        try state.withLock { state in
            try step(&state)
            keep(record, in: &state)
        }
    }

    private func keep(_ record: ActionRecord, in state: inout State) {
        state.latest[record.pipeline + "/" + record.label] = LatestRecord(
            task: record.task, failureMessage: record.failure?.message)
        state.records.append(record)
    }

    func path(of file: StoredFile) -> String { "object:" + file.digest.hex }

    func makeWorkFolder(for key: Digest) throws -> String {
        try state.withLock { state in
            try step(&state)
            state.workFolders += 1
            return "work/\(state.workFolders)"
        }
    }

    func removeWorkFolder(_ path: String) {}

    func checkpointFolder(for key: Digest) -> String { "checkpoints/" + key.hex }

    func removeCheckpoints(_ path: String) { state.withLock { $0.removedCheckpoints.append(path) } }

    func logPath(for key: Digest) throws -> String { "log/" + key.hex }

    func known(_ paths: [String]) throws -> [SourceState] {
        state.withLock { state in
            paths.map { path in
                if state.sources[path] == nil { return .missing(message: "there is no file \(path)") }
                return state.hashed[path].map { .known($0) } ?? .unknown
            }
        }
    }

    func hash(_ path: String) throws -> Digest {
        try state.withLock { state in
            try step(&state)
            state.hashCount += 1
            let digest = ContentHasher.digest(of: state.sources[path] ?? [])
            state.hashed[path] = digest
            return digest
        }
    }

    func bytes(at path: String) -> [UInt8] {
        state.withLock { state in
            path.hasPrefix("object:")
                ? Digest(hex: path.dropFirst("object:".count)).flatMap { state.objects[$0] } ?? []
                : state.sources[path] ?? []
        }
    }
}

final class MemoryLock: KeyLock {
    let world: MemoryWorld
    let key: Digest

    init(world: MemoryWorld, key: Digest) {
        self.world = world
        self.key = key
    }

    func release() { world.state.withLock { _ = $0.locked.remove(key) } }
}

/// Time that passes only when the executor waits.
final class ManualClock: EngineClock {
    var monotonicSeconds = 0.0
    var wallSeconds: Double { 1000 + monotonicSeconds }
}

/// Runs tasks in no time of ours: each ends `seconds` of manual time after its start, and writes what `work` gives.
final class FakeExecutor: TaskExecutor {
    let world: MemoryWorld
    let clock: ManualClock
    /// Bytes of each output, or a failure.
    var work: (TaskRequest) -> Result<[[UInt8]], TaskFailure>
    var seconds: (TaskRequest) -> Double = { _ in 1 }
    /// Which tasks end on SIGTERM; others need SIGKILL.
    var obeysTerm: (TaskRequest) -> Bool = { _ in true }
    var beforeWait: () -> Void = {}
    private(set) var started: [String] = []
    /// Cores of each start, in order.
    private(set) var startedCores: [Int] = []
    private(set) var signals: [String] = []
    private(set) var peak = WorkGraph.Resources(cores: 0, memoryBytes: 0)
    private(set) var peakJobs = 0
    private var running: [(request: TaskRequest, endsAt: Double, signal: Int32?)] = []

    init(
        _ world: MemoryWorld, _ clock: ManualClock, work: @escaping (TaskRequest) -> Result<[[UInt8]], TaskFailure>
    ) {
        self.world = world
        self.clock = clock
        self.work = work
    }

    let wake: @Sendable () -> Void = {}

    func start(_ request: TaskRequest) {
        started.append(request.label)
        startedCores.append(request.resources.cores)
        running.append((request, clock.monotonicSeconds + seconds(request), nil))
        peakJobs = max(peakJobs, running.count)
        peak.cores = max(peak.cores, running.reduce(0) { $0 + $1.request.resources.cores })
        peak.memoryBytes = max(peak.memoryBytes, running.reduce(0) { $0 + $1.request.resources.memoryBytes })
        peak.gpus = max(peak.gpus, running.reduce(0) { $0 + $1.request.resources.gpus })
    }

    func waitForEvents(seconds limit: Double?) -> [ExecutorEvent] {
        beforeWait()
        let deadline = limit.map { clock.monotonicSeconds + $0 }
        guard let next = running.map(\.endsAt).min(), next <= deadline ?? .infinity else {
            if let deadline { clock.monotonicSeconds = deadline }
            return []
        }
        clock.monotonicSeconds = max(clock.monotonicSeconds, next)
        let ended = running.filter { $0.endsAt <= clock.monotonicSeconds }
        running.removeAll { $0.endsAt <= clock.monotonicSeconds }
        return ended.map { .ended(task: $0.request.task, result(of: $0.request, signal: $0.signal)) }
    }

    private func result(of request: TaskRequest, signal: Int32?) -> TaskResult {
        if let signal {
            return TaskResult(
                failure: TaskFailure(code: .signalled, message: "signal \(signal)", status: signal, mayPass: true))
        }
        switch work(request) {
        case .failure(let failure): return TaskResult(failure: failure)
        case .success(let outputs):
            var files: [Publication.ProducedFile] = []
            for (output, bytes) in zip(request.outputs, outputs) {
                let path = request.workFolder + "/" + output.port
                world.state.withLock { $0.disk[path] = bytes }
                files.append(.init(port: output.port, path: path, fileExtension: output.type.fileExtension))
            }
            return TaskResult(files: files, cpuSeconds: 1, peakMemoryBytes: 1)
        }
    }

    func stop(task: Int, force: Bool) {
        guard let index = running.firstIndex(where: { $0.request.task == task }) else { return }
        signals.append("\(force ? "KILL" : "TERM") \(running[index].request.label)")
        guard force || obeysTerm(running[index].request) else { return }
        running[index].endsAt = clock.monotonicSeconds
        running[index].signal = force ? 9 : 15
    }
}

final class EventList: RunObserver {
    var events: [RunEvent] = []
    func handle(_ event: RunEvent) { events.append(event) }
}
