internal import ArtifactStore
internal import ContentHash
internal import Executors
internal import FoundationEssentials
internal import Scheduling
internal import StageProtocol

/// Runs recorded actions again in a temporary folder and compares the bytes.
///
/// Each action reads what it read then, from the store and the source files; so a chain whose every action gives the
/// same bytes again is reproduced as a whole, and one that differs is named where it begins to differ.
struct Replay {
    let store: ArtifactStore
    let chain: ProvenanceChain

    /// What became of one action.
    struct Outcome {
        var label: String
        /// One sentence for each output that differs, or why it could not run; empty where all bytes came out the same.
        var problems: [String]
        var seconds: Double
    }

    /// Replays the actions in order, as many at once as there are cores.
    func run(_ keys: [Digest], report: (Outcome) -> Void) throws -> [Outcome] {
        try store.beginRun()
        defer { store.endRun() }
        let executor = LocalExecutor(
            executableFolder: RunCommand.executableFolder, workingDirectory: FileManager.default.currentDirectoryPath,
            environment: ProcessInfo.processInfo.environment)
        let clock = SystemClock()
        var outcomes: [Outcome] = []
        var running: [Int: (key: Digest, begun: Double, folder: String, cores: Int)] = [:]
        var next = 0
        func end(_ outcome: Outcome) {
            outcomes.append(outcome)
            report(outcome)
        }
        while next < keys.count || !running.isEmpty {
            let busy = running.values.reduce(0) { $0 + $1.cores }
            if next < keys.count, let record = chain.nodes[keys[next]]?.record {
                let cores = max(record.action.resources.cores, 1)
                if running.isEmpty || busy + cores <= Machine.cores {
                    switch try request(record, number: next) {
                    case .success(let request):
                        running[next] = (keys[next], clock.monotonicSeconds, request.workFolder, cores)
                        executor.start(request)
                    case .failure(let failure):
                        end(Outcome(label: record.label, problems: [failure.message], seconds: 0))
                    }
                    next += 1
                    continue
                }
            }
            for event in executor.waitForEvents(seconds: nil) {
                guard case .ended(let task, let result) = event, let ended = running.removeValue(forKey: task),
                    let record = chain.nodes[ended.key]?.record
                else { continue }
                let problems = compare(result, record)
                store.removeWorkFolder(ended.folder)
                end(
                    Outcome(
                        label: record.label, problems: problems, seconds: clock.monotonicSeconds - ended.begun))
            }
        }
        return outcomes
    }

    private func compare(_ result: TaskResult, _ record: ProvenanceRecord) -> [String] {
        if let failure = result.failure {
            return ["\(record.label) failed when it was replayed: \(failure.message)"]
        }
        return record.outputs.compactMap { output in
            guard let file = result.files.first(where: { $0.port == output.port }) else {
                return "output '\(output.port)' of \(record.label) was not written"
            }
            do {
                let digest = try FileDigest.of(path: file.path).digest
                return digest == output.digest
                    ? nil
                    : "output '\(output.port)' of \(record.label) came out differently: \(digest.shortHex), recorded was "
                        + "\(output.digest.shortHex)"
            } catch {
                return "\(error)"
            }
        }
    }

    private struct Unready: Error { var message: String }

    private func request(_ record: ProvenanceRecord, number: Int) throws -> Result<TaskRequest, Unready> {
        let task = record.action.task
        guard let declaration = try store.declaration(of: record) else {
            return .failure(Unready(message: "\(record.label) cannot be replayed: its record names no declaration"))
        }
        var files: [String: [InputFile]] = [:]
        for (index, input) in task.inputs.enumerated() {
            let path: String
            switch chain.nodes[record.key]?.links[index] {
            case .source(let source):
                switch try store.sources.digests(of: [source])[0] {
                case .success(let digest) where digest == input.digest: path = source
                case .success:
                    return .failure(
                        Unready(message: "\(record.label) cannot be replayed: \(source) changed since it was read"))
                case .failure(let error): return .failure(Unready(message: "\(error)"))
                }
            case .action(let producer):
                let output = chain.nodes[producer]?.record.outputs.first { $0.digest == input.digest }
                guard let output, store.isPresent(output.file) else {
                    return .failure(
                        Unready(
                            message: "\(record.label) cannot be replayed: its input \(input.digest.shortHex) is gone"))
                }
                path = store.path(of: output.file)
            case .broken(let sentence): return .failure(Unready(message: sentence))
            case nil: return .failure(Unready(message: "\(record.label) is not in the chain"))
            }
            files[input.port, default: []].append(
                InputFile(path: path, item: input.item, digest: input.digest.hex, attributes: input.attributes))
        }
        let folder = try store.makeWorkFolder(for: record.key)
        return .success(
            TaskRequest(
                task: number, label: record.label, manifest: task.manifest, command: declaration.command,
                folder: declaration.folder, item: task.item,
                inputs: declaration.inputPorts.map { (port: $0, files: files[$0] ?? []) },
                outputs: declaration.outputPorts.map { (port: $0.name, type: $0.type) }, config: task.config,
                seed: task.seed, resources: record.action.resources, workFolder: folder,
                logPath: folder + "/replay.log",
                attempt: 1))
    }
}
