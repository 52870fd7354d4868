internal import ContentHash
internal import Synchronization

/// Runs a graph: follows the cache, starts what is stale as its inputs become known, publishes what comes out, and goes on
/// from there until nothing is left to do.
///
/// The engine is serial: everything happens on the thread that calls `run`, which waits in the executor for something to end.
/// Only publishing and the hashing of sources are done beside it. Tests drive it with a fake executor and a manual clock.
public final class Engine {
    let graph: WorkGraph
    let store: any ActionStore
    let sources: any SourceDigests
    let executor: any TaskExecutor
    let clock: any EngineClock
    let options: RunOptions
    let lanes: BackgroundLanes
    let finder: ReasonFinder
    private let observer: (any RunObserver)?
    private let stopRequests: StopRequests

    var resolution: Resolution
    var statuses: [TaskStatus]
    var failures: [Int: TaskFailure] = [:]
    var budget: Budget
    /// What a task of each stage is given at least; nil where the run has not that many GPUs.
    var grants: [WorkGraph.Resources?]
    var queue: ReadyQueue?
    var running: [Int: RunningTask] = [:]
    /// Tasks whose key another run, or another task of this run, is working on.
    var waitingForLock: [Int] = []
    private var locksTriedAt = -Double.infinity
    var heldKeys: Set<Digest> = []
    /// Work handed to the lanes and not yet back.
    var outstanding = 0
    var isStopping = false
    private var isDraining = false
    private static let hashingPatienceSeconds = 0.3

    /// - Parameters:
    ///   - executor: used from the thread that calls `run` only.
    ///   - observer: told what happens.
    public init(
        _ graph: WorkGraph, store: any ActionStore, sources: any SourceDigests, executor: any TaskExecutor,
        clock: any EngineClock, options: RunOptions, observer: (any RunObserver)? = nil
    ) {
        self.graph = graph
        self.store = store
        self.sources = sources
        self.executor = executor
        self.clock = clock
        self.options = options
        self.observer = observer
        finder = ReasonFinder(graph: graph)
        let wake = executor.wake
        stopRequests = StopRequests(wake: wake)
        lanes = BackgroundLanes(
            store: store, sources: sources, publishLanes: options.publishLanes, hashLanes: options.hashLanes,
            wake: wake)
        resolution = Resolution(graph)
        statuses = [TaskStatus](repeating: .pending, count: graph.tasks.count)
        let budget = Budget(
            cores: options.cores, memoryBytes: options.memoryBytes, gpus: options.gpus, jobs: options.jobs)
        self.budget = budget
        grants = graph.stages.map { stage in
            var least = stage.resources
            least.cores = min(stage.leastCores, stage.resources.cores)
            return budget.grant(least)
        }
    }

    /// Asks the run to stop, from any thread. The first call ends running tasks with SIGTERM and, after the grace period,
    /// SIGKILL; the second with SIGKILL at once.
    public var stop: @Sendable () -> Void {
        let requests = stopRequests
        return { requests.add() }
    }

    /// Runs everything that is stale and returns when nothing is left to do.
    ///
    /// - Throws: what the store or `SourceDigests` throws. Running tasks are killed first; what was published stays.
    public func run() throws -> RunSummary {
        let began = clock.monotonicSeconds
        do {
            try lookAtSources()
            try lookAtStore()
            try loop()
        } catch {
            killEverything()
            throw error
        }
        return RunSummary(
            statuses: statuses, failures: failures, wasCancelled: isStopping,
            seconds: clock.monotonicSeconds - began,
            keys: statuses.indices.map {
                statuses[$0] == .upToDate || statuses[$0] == .executed ? resolution.keys[$0] : nil
            })
    }

    func tell(_ event: RunEvent) { observer?.handle(event) }

    // MARK: The first look

    private func lookAtSources() throws {
        guard !graph.sources.isEmpty else { return }
        for (source, state) in try sources.known(graph.sources).enumerated() {
            switch state {
            case .known(let digest): resolution.settle(source: source, digest)
            case .unknown:
                outstanding += 1
                lanes.submit(.hash(source: source, path: graph.sources[source]))
            case .missing(let message): failConsumers(ofSource: source, message: message)
            }
        }
        // Small files are hashed in no time: waiting for them makes the first count right.
        let limit = clock.monotonicSeconds + Engine.hashingPatienceSeconds
        while true {
            for done in lanes.collect() { try handle(done) }
            let left = limit - clock.monotonicSeconds
            guard outstanding > 0, left > 0, stopRequests.count == 0 else { return }
            _ = executor.waitForEvents(seconds: left)
        }
    }

    private func lookAtStore() throws {
        let found = try resolution.advance(store: store, modes: options.modes)
        for task in found.upToDate { statuses[task] = .upToDate }
        let known = found.upToDate.count + found.stale.count + found.leftOut.count
        tell(
            .planned(
                upToDate: found.upToDate.count, mustRun: found.stale.count,
                mayRun: graph.tasks.count - known))
        try take(found)
    }

    /// Goes on from everything that became known since the last call.
    func advance() throws {
        let found = try resolution.advance(store: store, modes: options.modes)
        let new = found.upToDate.filter { statuses[$0] == .pending }
        for task in new { statuses[task] = .upToDate }
        if !new.isEmpty { tell(.upToDate(tasks: new)) }
        try take(found)
    }

    private func take(_ found: Resolution.Advance) throws {
        for task in found.leftOut where statuses[task] == .pending {
            statuses[task] = .leftOut
            skipConsumers(of: task)
        }
        guard !found.stale.isEmpty else { return }
        if queue == nil {
            let typical = try store.typicalSeconds(manifests: graph.stages.map(\.manifest))
            let seconds = criticalPathSeconds(
                graph, resolution.consumers,
                stageSeconds: zip(typical, graph.stages).map { max($0 ?? $1.typicalSeconds ?? 1, 0.001) })
            queue = ReadyQueue(stageCount: graph.stages.count, priority: seconds)
        }
        for task in found.stale where statuses[task] == .pending {
            let stage = Int(graph.tasks[task].stage)
            guard grants[stage] != nil else {
                refuse(task, gpus: graph.stages[stage].resources.gpus)
                continue
            }
            statuses[task] = .ready
            queue?.insert(task, stage: stage)
        }
    }

    private func refuse(_ task: Int, gpus: Int) {
        fail(
            task,
            TaskFailure(
                code: .couldNotStart,
                message: "\(graph.label(of: task)) needs \(gpus) GPUs and this run has \(options.gpus); "
                    + "choose a profile that has them."))
    }

    // MARK: The loop

    private func loop() throws {
        while true {
            obeyStopRequests()
            if !isDraining && !isStopping { try startReadyTasks() }
            if running.isEmpty && outstanding == 0 && (isDraining || isStopping || waitingForLock.isEmpty) { return }
            // With no lanes, work may be done already.
            let early = lanes.collect()
            let events = early.isEmpty ? executor.waitForEvents(seconds: secondsToWait()) : []
            for event in events {
                switch event {
                case .progress(let task, let message): progress(task, message)
                case .ended(let task, let result): try ended(task, result)
                }
            }
            for done in early + lanes.collect() { try handle(done) }
            try advance()
            stopLateTasks()
            if !isDraining && !isStopping && !waitingForLock.isEmpty { try pollLocks() }
        }
    }

    private func pollLocks() throws {
        let now = clock.monotonicSeconds
        guard now >= locksTriedAt + options.lockPollSeconds else { return }
        locksTriedAt = now
        try retryLocks()
    }

    private func startReadyTasks() throws {
        while let task = queue?.next(fits: { stage in grants[stage].map { budget.fits($0) } ?? false }) {
            try begin(task)
            // A task may turn out to be done by another run; what waits for it goes on.
            try advance()
        }
    }

    private func handle(_ done: BackgroundLanes.Done) throws {
        outstanding -= 1
        switch done {
        case .hashed(let source, .success(let digest)): resolution.settle(source: source, digest)
        case .hashed(let source, .failure(let error)): failConsumers(ofSource: source, message: "\(error)")
        case .cleared(let task, let error):
            if resolution.state[task] == .stale { heldKeys.remove(resolution.keys[task]) }
            if let error { throw error }
        case .published(let work, let result): published(work, result)
        }
    }

    private func obeyStopRequests() {
        let count = stopRequests.count
        guard count > 0 else { return }
        if !isStopping {
            isStopping = true
            tell(.stopping)
            for task in running.keys { stop(task, force: false) }
        }
        if count > 1 {
            for task in running.keys { stop(task, force: true) }
        }
    }

    /// Without `keepGoing` the first failure ends the starting of tasks.
    func noteFailure() {
        if !options.keepGoing { isDraining = true }
    }

    private func secondsToWait() -> Double? {
        var earliest: Double?
        for task in running.values {
            if let deadline = task.nextDeadline { earliest = min(earliest ?? deadline, deadline) }
        }
        if !waitingForLock.isEmpty {
            let poll = max(locksTriedAt + options.lockPollSeconds, clock.monotonicSeconds)
            earliest = min(earliest ?? poll, poll)
        }
        return earliest.map { max(0, $0 - clock.monotonicSeconds) }
    }

    private func killEverything() {
        for task in running.keys { executor.stop(task: task, force: true) }
        while !running.isEmpty {
            for event in executor.waitForEvents(seconds: nil) {
                guard case .ended(let task, _) = event, let ended = running.removeValue(forKey: task) else { continue }
                ended.lock.release()
                store.removeWorkFolder(ended.request.workFolder)
            }
        }
    }
}

/// Counts requests to stop, from any thread.
private final class StopRequests: Sendable {
    private let requests = Atomic<Int>(0)
    private let wake: @Sendable () -> Void

    init(wake: @escaping @Sendable () -> Void) { self.wake = wake }

    var count: Int { requests.load(ordering: .acquiring) }

    func add() {
        requests.add(1, ordering: .acquiringAndReleasing)
        wake()
    }
}
