public import ContentHash
internal import Dispatch
internal import Synchronization

/// What a run would do, task by task, and why. Making it changes nothing but the memory of source digests.
public struct Plan: Sendable {
    public enum Verdict: UInt8, Sendable {
        /// All outputs are in the store.
        case upToDate
        /// Its inputs are known and the store has no result for them.
        case mustRun
        /// Whether it runs depends on what a task before it gives.
        case mayRun
        /// Left out by the user, not in the store.
        case leftOut
        /// Cannot run: a source file is missing, or a task that it needs is left out.
        case blocked
    }

    public private(set) var verdicts: [Verdict]
    /// Keys of tasks whose inputs are known; nil for the others.
    public private(set) var keys: [Digest?]
    /// Why a task must or may run, by task. A task that may run and has no reason runs only if an input changes.
    public private(set) var reasons: [Int: RunReason]
    /// Sources that cannot be read, by index, with a message each.
    public private(set) var unreadableSources: [Int: String]
    /// Outputs of tasks that are up to date, in the order of the ports; empty for other tasks.
    public func outputs(of task: Int) -> [StoredFile] {
        verdicts[task] == .upToDate ? resolution.outputs(of: task) : []
    }

    private let resolution: Resolution

    /// How many tasks have a verdict.
    public func count(_ verdict: Verdict) -> Int {
        verdicts.reduce(0) { $0 + ($1 == verdict ? 1 : 0) }
    }

    /// Looks at sources and store and says what a run would do.
    ///
    /// - Parameters:
    ///   - modes: what is forced or left out.
    ///   - threads: how many source files are hashed at once where their content is not known.
    ///   - withReasons: false saves the look-up of the tasks' last records.
    public init(
        _ graph: WorkGraph, store: some ActionStore, sources: some SourceDigests, modes: TaskModes = TaskModes(),
        threads: Int = 2, withReasons: Bool = true
    ) throws {
        var resolution = Resolution(graph)
        unreadableSources = try Plan.settleSources(of: &resolution, from: sources, threads: threads)
        _ = try resolution.advance(store: store, modes: modes)
        verdicts = Plan.verdicts(resolution, unreadable: unreadableSources)
        keys = []
        keys.reserveCapacity(graph.tasks.count)
        for task in graph.tasks.indices {
            keys.append(resolution.state[task] == .waiting ? nil : resolution.keys[task])
        }
        reasons =
            withReasons
            ? try Plan.reasons(resolution, verdicts: verdicts, modes: modes, store: store) : [:]
        self.resolution = resolution
    }

    private static func settleSources(
        of resolution: inout Resolution, from sources: some SourceDigests, threads: Int
    ) throws -> [Int: String] {
        let paths = resolution.graph.sources
        guard !paths.isEmpty else { return [:] }
        var unreadable: [Int: String] = [:]
        var unknown: [Int] = []
        for (index, state) in try sources.known(paths).enumerated() {
            switch state {
            case .known(let digest): resolution.settle(source: index, digest)
            case .unknown: unknown.append(index)
            case .missing(let message): unreadable[index] = message
            }
        }
        let list = unknown
        let hashed = Mutex<[(Int, Result<Digest, any Error>)]>([])
        let next = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: max(1, min(threads, list.count))) { _ in
            while true {
                let position = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard position < list.count else { return }
                let result = Result { try sources.hash(paths[list[position]]) }
                hashed.withLock { $0.append((list[position], result)) }
            }
        }
        for (index, result) in hashed.withLock({ $0 }) {
            switch result {
            case .success(let digest): resolution.settle(source: index, digest)
            case .failure(let error): unreadable[index] = "\(error)"
            }
        }
        return unreadable
    }

    private static func verdicts(_ resolution: Resolution, unreadable: [Int: String]) -> [Verdict] {
        let graph = resolution.graph
        var verdicts = [Verdict](repeating: .upToDate, count: graph.tasks.count)
        for task in graph.tasks.indices {
            switch resolution.state[task] {
            case .settled: verdicts[task] = .upToDate
            case .stale: verdicts[task] = .mustRun
            case .leftOut: verdicts[task] = .leftOut
            case .waiting:
                let isBlocked = graph.inputRange(of: task).contains { position in
                    switch graph.inputs[position].origin {
                    case .source(let source): unreadable[Int(source)] != nil
                    case .task(let producer, port: _):
                        verdicts[Int(producer)] == .leftOut || verdicts[Int(producer)] == .blocked
                    }
                }
                verdicts[task] = isBlocked ? .blocked : .mayRun
            }
        }
        return verdicts
    }

    private static func reasons(
        _ resolution: Resolution, verdicts: [Verdict], modes: TaskModes, store: some ActionStore
    ) throws -> [Int: RunReason] {
        let graph = resolution.graph
        let finder = ReasonFinder(graph: graph)
        var reasons: [Int: RunReason] = [:]
        let stale = verdicts.indices.filter { verdicts[$0] == .mustRun || verdicts[$0] == .mayRun }
        // In portions, so that the records of 100,000 tasks need not be held at once.
        for start in stride(from: 0, to: stale.count, by: 1000) {
            let portion = stale[start..<min(start + 1000, stale.count)]
            let latest = try store.latestRecords(
                pipeline: graph.pipeline, labels: portion.map { graph.label(of: $0) })
            for (task, latest) in zip(portion, latest) {
                if verdicts[task] == .mustRun {
                    let missing = Int(resolution.missingOutput[task])
                    reasons[task] = finder.reason(
                        of: task, resolution: resolution, mode: modes[task], latest: latest,
                        outputMissing: missing < 0 ? nil : missing)
                } else if modes[task] == .forced {
                    reasons[task] = .forced
                } else if let latest {
                    reasons[task] = finder.reasonBeforeInputs(of: task, latest: latest.task)
                } else {
                    reasons[task] = .neverRun
                }
            }
        }
        return reasons
    }
}
