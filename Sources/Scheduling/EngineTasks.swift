internal import ContentHash
internal import StageProtocol

/// A task between its start and its end.
struct RunningTask {
    var request: TaskRequest
    var reason: RunReason
    var lock: any KeyLock
    /// What its last run gave, to tell whether this one gives the same.
    var previousOutputs: [StoredFile]
    var startedMonotonic: Double
    var startedWall: Double
    var timeoutAt: Double?
    var killAt: Double?
    var wasStopped = false
    var wasKilled = false
    var timedOut = false
    var figures: [String: Double] = [:]
    var warnings: [String] = []

    /// When the engine must look at it again.
    var nextDeadline: Double? { wasKilled ? nil : (wasStopped ? killAt : timeoutAt) }
}

extension Engine {
    // MARK: Starting

    /// Starts a ready task, unless the store has its result by now or someone else is making it.
    func begin(_ task: Int) throws {
        let key = resolution.keys[task]
        guard !heldKeys.contains(key) else {
            waitingForLock.append(task)
            return
        }
        guard let lock = try store.tryLock(key) else {
            waitingForLock.append(task)
            tell(.waitingForOtherRun(task: task))
            return
        }
        try begin(task, holding: lock)
    }

    /// Tries again to get the locks that others held.
    func retryLocks() throws {
        let waiting = waitingForLock
        waitingForLock = []
        for task in waiting {
            let stage = Int(graph.tasks[task].stage)
            guard !heldKeys.contains(resolution.keys[task]),
                let lock = try store.tryLock(resolution.keys[task])
            else {
                waitingForLock.append(task)
                continue
            }
            if try isDone(task) {
                lock.release()
            } else {
                // Not done by the other: back to the queue, where the budget is looked at.
                lock.release()
                queue?.insert(task, stage: stage)
            }
        }
        if waitingForLock.count < waiting.count { try advance() }
    }

    /// Whether the store has the task's result now; if so it is taken over.
    private func isDone(_ task: Int) throws -> Bool {
        guard options.modes[task] != .forced,
            let cached = try store.actions(for: [resolution.keys[task]]).first ?? nil, cached.missingOutput == nil,
            cached.outputs.count == graph.stages[Int(graph.tasks[task].stage)].outputPorts.count
        else { return false }
        statuses[task] = .upToDate
        resolution.settle(task: task, cached.outputs)
        tell(.upToDate(tasks: [task]))
        return true
    }

    private func begin(_ task: Int, holding lock: any KeyLock) throws {
        do {
            if try isDone(task) {
                lock.release()
                return
            }
            let label = graph.label(of: task)
            let latest = try store.latestRecords(pipeline: graph.pipeline, labels: [label]).first ?? nil
            let missing = Int(resolution.missingOutput[task])
            let reason = finder.reason(
                of: task, resolution: resolution, mode: options.modes[task], latest: latest,
                outputMissing: missing < 0 ? nil : missing)
            var previous: [StoredFile] = []
            if let latest { previous = (try store.actions(for: [latest.task.key]).first ?? nil)?.outputs ?? [] }
            let request = try request(
                for: task, label: label, resources: share(ofStage: Int(graph.tasks[task].stage)), attempt: 1)
            heldKeys.insert(resolution.keys[task])
            start(
                RunningTask(
                    request: request, reason: reason, lock: lock, previousOutputs: previous, startedMonotonic: 0,
                    startedWall: 0))
        } catch {
            lock.release()
            throw error
        }
    }

    private func start(_ new: RunningTask) {
        var new = new
        new.startedMonotonic = clock.monotonicSeconds
        new.startedWall = clock.wallSeconds
        new.timeoutAt = new.request.resources.timeLimitSeconds.map { new.startedMonotonic + $0 }
        let task = new.request.task
        budget.take(new.request.resources)
        running[task] = new
        statuses[task] = .running
        tell(.started(task: task, reason: new.reason, attempt: new.request.attempt))
        executor.start(new.request)
    }

    /// What a task that starts now is given: as many cores as it can use of those that no waiting task could start with.
    ///
    /// So eight tasks that scale badly run side by side on a core each, and the last of them on all.
    private func share(ofStage stage: Int) -> WorkGraph.Resources {
        guard var share = grants[stage] else { return graph.stages[stage].resources }
        let most = min(graph.stages[stage].resources.cores, budget.free.cores)
        guard most > share.cores else { return share }
        var rest = budget
        rest.take(share)
        let others =
            queue?.waitingCores(
                least: { stage in grants[stage].flatMap { rest.fits($0) ? $0.cores : nil } }, limit: rest.free.cores)
            ?? 0
        share.cores = max(share.cores, min(most, budget.free.cores - others))
        return share
    }

    private func request(for task: Int, label: String, resources: WorkGraph.Resources, attempt: Int) throws
        -> TaskRequest
    {
        let key = resolution.keys[task]
        let stage = graph.stages[Int(graph.tasks[task].stage)]
        var inputs: [(port: String, files: [InputFile])] = stage.inputPorts.map { ($0, []) }
        for position in graph.inputRange(of: task) {
            let input = graph.inputs[position]
            let path: String
            switch input.origin {
            case .source(let source): path = graph.sources[Int(source)]
            case .task(let producer, let port):
                path = resolution.output(port: Int(port), of: Int(producer)).map { store.path(of: $0) } ?? ""
            }
            inputs[Int(input.port)].files.append(
                InputFile(
                    path: path, item: graph.items[Int(input.item)],
                    digest: (resolution.digest(of: input.origin) ?? .ofNothing).hex,
                    attributes: input.attributes < 0 ? [:] : graph.attributeSets[Int(input.attributes)]))
        }
        return TaskRequest(
            task: task, label: label, manifest: stage.manifest, command: stage.command, folder: stage.folder,
            item: graph.items[Int(graph.tasks[task].item)], inputs: inputs,
            outputs: stage.outputPorts.map { ($0.name, $0.type) },
            config: graph.configs[Int(graph.tasks[task].config)], seed: graph.tasks[task].seed,
            resources: resources, workFolder: try store.makeWorkFolder(for: key),
            checkpointFolder: stage.resumable ? store.checkpointFolder(for: key) : nil,
            logPath: try store.logPath(for: key), attempt: attempt)
    }

    // MARK: Stopping

    func stop(_ task: Int, force: Bool) {
        guard var ending = running[task], !ending.wasKilled, force || !ending.wasStopped else { return }
        ending.wasStopped = true
        ending.wasKilled = force
        ending.killAt = clock.monotonicSeconds + options.graceSeconds
        running[task] = ending
        executor.stop(task: task, force: force)
    }

    /// Ends tasks whose time is up, and kills those that did not end when asked.
    func stopLateTasks() {
        let now = clock.monotonicSeconds
        for (task, state) in running {
            guard let deadline = state.nextDeadline, deadline <= now else { continue }
            if state.wasStopped {
                stop(task, force: true)
            } else {
                running[task]?.timedOut = true
                stop(task, force: false)
            }
        }
    }

    // MARK: Ending

    func progress(_ task: Int, _ message: ProgressMessage) {
        if let figures = message.figures { running[task]?.figures.merge(figures) { $1 } }
        if let warning = message.warning { running[task]?.warnings.append(warning) }
        tell(.progress(task: task, message))
    }

    func ended(_ task: Int, _ result: TaskResult) throws {
        guard let ended = running.removeValue(forKey: task) else { return }
        budget.giveBack(ended.request.resources)
        var failure = result.failure
        if failure == nil { failure = try sourceChange(of: task) }
        if ended.timedOut, failure != nil {
            let limit = ended.request.resources.timeLimitSeconds ?? 0
            failure = TaskFailure(
                code: .timedOut,
                message: "\(ended.request.label) was still running after its time limit of \(limit) s and was stopped; "
                    + "raise `time` in the stage's resources if it needs more.",
                status: failure?.status, lastLines: failure?.lastLines ?? [], mayPass: true)
        } else if isStopping, ended.wasStopped, let status = failure {
            failure = TaskFailure(
                code: .cancelled, message: "\(ended.request.label) was cancelled.", status: status.status)
        }
        guard let failure else {
            statuses[task] = .publishing
            outstanding += 1
            let record = record(ended, result, failure: nil)
            lanes.submit(.publish(work(ended, Publication(record: record, files: result.files))))
            return
        }
        if failure.mayPass, ended.request.attempt <= ended.request.resources.retries, !isStopping {
            try retry(ended, failure)
            return
        }
        if failure.code == .cancelled {
            statuses[task] = .cancelled
            ended.lock.release()
            store.removeWorkFolder(ended.request.workFolder)
            heldKeys.remove(resolution.keys[task])
        } else {
            outstanding += 1
            let record = record(ended, result, failure: failure)
            lanes.submit(.fail(work(ended, Publication(record: record, files: []))))
            fail(task, failure, logPath: ended.request.logPath)
        }
    }

    private func retry(_ ended: RunningTask, _ failure: TaskFailure) throws {
        let task = ended.request.task
        let attempt = ended.request.attempt + 1
        tell(.retrying(task: task, failure: failure, attempt: attempt))
        store.removeWorkFolder(ended.request.workFolder)
        let request: TaskRequest
        do {
            request = try self.request(
                for: task, label: ended.request.label, resources: ended.request.resources, attempt: attempt)
        } catch {
            ended.lock.release()
            throw error
        }
        start(
            RunningTask(
                request: request, reason: ended.reason, lock: ended.lock, previousOutputs: ended.previousOutputs,
                startedMonotonic: 0, startedWall: 0))
    }

    /// A source that changed between its hashing and the task's end makes the result worthless.
    private func sourceChange(of task: Int) throws -> TaskFailure? {
        var paths: [String] = []
        var digests: [Digest?] = []
        for position in graph.inputRange(of: task) {
            guard case .source(let source) = graph.inputs[position].origin else { continue }
            paths.append(graph.sources[Int(source)])
            digests.append(resolution.digest(of: .source(source)))
        }
        guard !paths.isEmpty else { return nil }
        for (index, state) in try sources.known(paths).enumerated() {
            if case .known(let digest) = state, digest == digests[index] { continue }
            if case .unknown = state, try sources.hash(paths[index]) == digests[index] { continue }
            return TaskFailure(
                code: .sourceChanged,
                message: "The source file \(paths[index]) changed while \(graph.label(of: task)) was reading it; "
                    + "run again when it is complete.")
        }
        return nil
    }

    private func work(_ ended: RunningTask, _ publication: Publication) -> BackgroundLanes.PublishWork {
        BackgroundLanes.PublishWork(
            publication: publication, task: ended.request.task, lock: ended.lock,
            workFolder: ended.request.workFolder, checkpointFolder: ended.request.checkpointFolder,
            previousOutputs: ended.previousOutputs)
    }

    private func record(_ ended: RunningTask, _ result: TaskResult, failure: TaskFailure?) -> ActionRecord {
        let task = ended.request.task
        let stage = graph.stages[Int(graph.tasks[task].stage)]
        let inputs = graph.inputRange(of: task).map { position -> RecordedInput in
            let input = graph.inputs[position]
            let origin: RecordedInput.Origin
            switch input.origin {
            case .source(let source): origin = .source(path: graph.sources[Int(source)])
            case .task(let producer, let port):
                let producing = graph.stages[Int(graph.tasks[Int(producer)].stage)]
                origin = .task(
                    label: graph.label(of: Int(producer)), key: resolution.keys[Int(producer)],
                    port: producing.outputPorts[Int(port)].name)
            }
            return RecordedInput(
                port: stage.inputPorts[Int(input.port)], digest: resolution.digest(of: input.origin) ?? .ofNothing,
                item: graph.items[Int(input.item)],
                attributes: input.attributes < 0 ? [:] : graph.attributeSets[Int(input.attributes)], origin: origin)
        }
        return ActionRecord(
            pipeline: graph.pipeline, stage: stage.name, label: ended.request.label,
            task: TaskRecord(
                key: resolution.keys[task], manifest: stage.manifest, version: stage.version,
                manifestDigest: stage.manifestDigest, config: ended.request.config, seed: ended.request.seed,
                item: ended.request.item, inputs: inputs),
            command: stage.command, reason: ended.reason, started: ended.startedWall,
            ended: ended.startedWall + (clock.monotonicSeconds - ended.startedMonotonic),
            cpuSeconds: result.cpuSeconds, peakMemoryBytes: result.peakMemoryBytes,
            resources: ended.request.resources, attempt: ended.request.attempt, logPath: ended.request.logPath,
            figures: ended.figures, warnings: ended.warnings, failure: failure)
    }

    func published(_ work: BackgroundLanes.PublishWork, _ result: Result<[StoredFile], any Error>) {
        let task = work.task
        let record = work.publication.record
        heldKeys.remove(resolution.keys[task])
        switch result {
        case .success(let files):
            statuses[task] = .executed
            resolution.settle(task: task, files)
            tell(
                .finished(
                    task: task, seconds: record.ended - record.started, cpuSeconds: record.cpuSeconds,
                    peakMemoryBytes: record.peakMemoryBytes, unchanged: files == work.previousOutputs))
        case .failure(let error):
            fail(
                task,
                TaskFailure(
                    code: .publishing,
                    message: "The outputs of \(record.label) could not be put into the store: \(error)"),
                logPath: record.logPath)
        }
    }

    // MARK: Failing

    func fail(_ task: Int, _ failure: TaskFailure, logPath: String = "") {
        statuses[task] = .failed
        failures[task] = failure
        tell(.failed(task: task, failure: failure, logPath: logPath))
        skipConsumers(of: task)
        noteFailure()
    }

    func failConsumers(ofSource source: Int, message: String) {
        for consumer in resolution.consumers.consumers(ofSource: source) {
            let task = Int(consumer)
            guard statuses[task] == .pending else { continue }
            if options.modes[task] == .leftOut {
                statuses[task] = .leftOut
                skipConsumers(of: task)
            } else {
                fail(task, TaskFailure(code: .sourceUnreadable, message: message))
            }
        }
    }

    /// Marks everything that needs a task as skipped, and names the task as the cause.
    func skipConsumers(of cause: Int) {
        var stack = [cause]
        while let next = stack.popLast() {
            for consumer in resolution.consumers.consumers(ofTask: next) where statuses[Int(consumer)] == .pending {
                statuses[Int(consumer)] = options.modes[Int(consumer)] == .leftOut ? .leftOut : .skipped
                if statuses[Int(consumer)] == .skipped { tell(.skipped(task: Int(consumer), cause: cause)) }
                stack.append(Int(consumer))
            }
        }
    }
}
