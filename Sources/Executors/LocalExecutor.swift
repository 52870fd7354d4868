internal import CProcess
internal import FoundationEssentials
internal import Glibc
public import Scheduling
internal import StageProtocol

/// Runs tasks as processes of this machine.
///
/// Each task gets a process group of its own, a private working folder, stdin from /dev/null, stdout and stderr in its log, and
/// descriptor 3 for progress. When this process ends, however it ends, the tasks' processes are killed: children by the
/// kernel (parent-death signal), theirs by a guard process that watches over the groups.
///
/// Not built on swift-subprocess: it gives no resource usage of a single child, and its cost of a start is several times that of the
/// process itself, which counts with 100,000 short tasks. The thread that calls `start` must live as long as the tasks.
public final class LocalExecutor: TaskExecutor {
    private enum Phase {
        case running
        /// The program has ended well; `cyto-stage check` looks at the output with this index.
        case checking(output: Int, ending: ChildProcess.Ending)
    }

    private struct Running {
        var request: TaskRequest
        var child: ChildProcess
        var phase: Phase
        var outputPaths: [String]
        /// Largest peak seen in /proc while the program ran.
        var sampledPeakBytes: Int64 = 0
        var unreadProgress: [UInt8] = []
        var stopSignal: Int32?
    }

    private let workingDirectory: String
    private let executableFolder: String
    private let inheritedEnvironment: [String]
    private var search: ProgramSearch
    private var running: [Int: Running] = [:]
    private var failedStarts: [ExecutorEvent] = []
    private var typeTexts: [String: String] = [:]
    private let nullDescriptor: Int32
    private var loaded = LoadedPrograms()
    /// How many tasks were split off from a program that stood loaded.
    public private(set) var loadedStarts = 0
    private var guardDescriptor: Int32 = -1
    private var guardProcess: pid_t = 0
    private let bell = WakeBell()
    /// How often memory is looked at where nothing else happens.
    private static let samplingSeconds = 0.2
    /// A line of progress longer than this is dropped.
    private static let progressLineLimit = 65536

    /// - Parameters:
    ///   - executableFolder: where `cyto-pipe` and the workers stand; it comes first on the tasks' PATH.
    ///   - workingDirectory: what relative paths of sources and manifests count from.
    ///   - environment: given to the tasks, with PATH extended and thread counts of math libraries set.
    public init(executableFolder: String, workingDirectory: String, environment: [String: String]) {
        self.executableFolder = executableFolder
        self.workingDirectory = workingDirectory
        let path = environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        search = ProgramSearch(executableFolder: executableFolder, path: path)
        var variables = environment
        variables["PATH"] = executableFolder + ":" + path
        // One level of threads: a stage's own. OpenBLAS would start one a core on top of them.
        variables["OPENBLAS_NUM_THREADS"] = "1"
        variables["OMP_NUM_THREADS"] = nil
        // A libgomp thread that waits for the others turns 300,000 times before it sleeps, some milliseconds that another task could
        // have: on shared cores four fifths of a training's processor time went there. Unless the user says how to wait, less.
        if variables["OMP_WAIT_POLICY"] == nil, variables["GOMP_SPINCOUNT"] == nil {
            variables["GOMP_SPINCOUNT"] = "10000"
        }
        inheritedEnvironment = variables.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        nullDescriptor = open("/dev/null", O_RDWR | O_CLOEXEC)
    }

    deinit {
        for task in running.values {
            task.child.signalGroup(SIGKILL)
            while task.child.reap() == nil { usleep(1000) }
            task.child.closeDescriptors()
        }
        loaded.end()
        if guardDescriptor >= 0 {
            cyto_guard_end(guardDescriptor, guardProcess)
        }
        close(nullDescriptor)
    }

    public var wake: @Sendable () -> Void {
        let bell = bell
        return { bell.ring() }
    }

    // MARK: Starting

    public func start(_ request: TaskRequest) {
        if guardDescriptor < 0 { guardDescriptor = cyto_guard(&guardProcess) }
        do {
            running[request.task] = try startProgram(of: request)
        } catch let error as CommandError {
            let isMissing = error.message.hasPrefix("there is no program")
            fail(
                request,
                TaskFailure(
                    code: isMissing ? .programNotFound : .couldNotStart,
                    message: "\(request.label) could not start: \(error.message)."))
        } catch {
            fail(
                request,
                TaskFailure(code: .couldNotStart, message: "\(request.label) could not start: \(error)."))
        }
    }

    private func fail(_ request: TaskRequest, _ failure: TaskFailure) {
        failedStarts.append(.ended(task: request.task, TaskResult(failure: failure)))
    }

    private func startProgram(of request: TaskRequest) throws -> Running {
        let folder = absolute(request.folder)
        let scratch = request.workFolder + "/scratch"
        let out = request.workFolder + "/out"
        for path in [scratch, out] where mkdir(path, 0o755) != 0 && errno != EEXIST {
            throw CommandError(message: "the folder \(path) could not be made: \(systemMessage(errno))")
        }
        if let checkpoints = request.checkpointFolder, let error = makeFolders(checkpoints) {
            throw CommandError(message: "the folder \(checkpoints) could not be made: \(systemMessage(error))")
        }
        var request = request
        for port in request.inputs.indices {
            for file in request.inputs[port].files.indices {
                request.inputs[port].files[file].path = absolute(request.inputs[port].files[file].path)
            }
        }
        var paths: [String: String] = [:]
        for (port, type) in request.outputs {
            paths[port] = out + "/" + port + (type.fileExtension.isEmpty ? "" : "." + type.fileExtension)
        }
        let jobPath = request.workFolder + "/job.json"
        let usesJob = ArgumentExpansion.usesJob(request.command)
        if usesJob {
            let text = JSONText.text(of: job(request, paths: paths, scratch: scratch), types: &typeTexts)
            if let error = writeFile(text, to: jobPath) {
                throw CommandError(message: "the job file \(jobPath) could not be written: \(systemMessage(error))")
            }
        }
        let expansion = ArgumentExpansion(
            request: request, outputPaths: paths, jobPath: jobPath, scratch: scratch, folder: folder,
            isFile: { access($0, F_OK) == 0 })
        let arguments = try expansion.arguments()
        guard let name = arguments.first, !name.isEmpty else {
            throw CommandError(message: "its command is empty")
        }
        let program = try search.path(of: name, manifestFolder: folder)
        let child = try spawn(
            request, program: program, arguments: [program] + arguments.dropFirst(), folder: scratch,
            appendsLog: request.attempt > 1, withProgress: usesJob)
        return Running(
            request: request, child: child, phase: .running, outputPaths: request.outputs.map { paths[$0.port] ?? "" })
    }

    private func spawn(
        _ request: TaskRequest, program: String, arguments: [String], folder: String, appendsLog: Bool,
        withProgress: Bool
    ) throws -> ChildProcess {
        let log = open(
            request.logPath, O_WRONLY | O_CREAT | O_CLOEXEC | O_APPEND | (appendsLog ? 0 : O_TRUNC), 0o644)
        guard log >= 0 else {
            throw CommandError(message: "the log \(request.logPath) could not be opened: \(systemMessage(errno))")
        }
        defer { close(log) }
        let atLoad = ["OMP_NUM_THREADS=\(request.resources.cores)"]
        let variables = inheritedEnvironment + ["TMPDIR=\(request.workFolder)/scratch"]
        // A GPU's driver must not be split in two; what else is ours and reads a job can be started from one that stands loaded.
        var child: ChildProcess?
        if withProgress, request.resources.gpus == 0, checksItself(request), program.hasPrefix(executableFolder + "/") {
            child = loaded.start(
                program: program, arguments: arguments, atLoad: atLoad, variables: variables, folder: folder,
                logDescriptor: log, nullDescriptor: nullDescriptor)
            if child != nil { loadedStarts += 1 }
        }
        let started =
            try child
            ?? ChildProcess.start(
                program: program, arguments: arguments, environment: variables + atLoad, folder: folder,
                logDescriptor: log, nullDescriptor: nullDescriptor, withProgress: withProgress)
        tellGuard(started.pid)
        return started
    }

    private func job(_ request: TaskRequest, paths: [String: String], scratch: String) -> StageJob {
        var inputs: [String: [InputFile]] = [:]
        for (port, files) in request.inputs { inputs[port] = files }
        var outputs: [String: OutputFile] = [:]
        for (port, type) in request.outputs { outputs[port] = OutputFile(path: paths[port] ?? "", type: type) }
        return StageJob(
            stage: request.manifest, item: request.item, inputs: inputs, outputs: outputs, config: request.config,
            seed: request.seed, cores: request.resources.cores, memoryBytes: request.resources.memoryBytes,
            scratch: scratch, gpus: request.resources.gpus > 0 ? request.resources.gpus : nil,
            checkpoints: request.checkpointFolder, progressDescriptor: 3)
    }

    private func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : workingDirectory + "/" + path }

    private func tellGuard(_ word: pid_t) {
        guard guardDescriptor >= 0 else { return }
        cyto_guard_tell(guardDescriptor, Int32(word))
    }

    // MARK: Stopping

    public func stop(task: Int, force: Bool) {
        guard var state = running[task] else { return }
        state.stopSignal = force ? SIGKILL : SIGTERM
        running[task] = state
        state.child.signalGroup(force ? SIGKILL : SIGTERM)
        // A stopped group would not see SIGTERM.
        if !force { state.child.signalGroup(SIGCONT) }
    }

    // MARK: Waiting

    public func waitForEvents(seconds: Double?) -> [ExecutorEvent] {
        if !failedStarts.isEmpty {
            let events = failedStarts
            failedStarts = []
            return events
        }
        let tasks = running.keys.sorted()
        var watched = [pollfd(fd: bell.readDescriptor, events: Int16(POLLIN), revents: 0)]
        for task in tasks {
            guard let child = running[task]?.child else { continue }
            watched.append(pollfd(fd: child.pidDescriptor, events: Int16(POLLIN), revents: 0))
            watched.append(pollfd(fd: child.progressDescriptor, events: Int16(POLLIN), revents: 0))
        }
        var wait = seconds ?? 86_400
        if !tasks.isEmpty { wait = min(wait, LocalExecutor.samplingSeconds) }
        let milliseconds = Int32(min((wait * 1000).rounded(.up), 86_400_000))
        let count = poll(&watched, nfds_t(watched.count), milliseconds)
        guard count > 0 else {
            sampleMemory()
            return []
        }
        if watched[0].revents != 0 { bell.clear() }
        var events: [ExecutorEvent] = []
        for (index, task) in tasks.enumerated() {
            let ended = watched[1 + 2 * index].revents != 0
            if watched[2 + 2 * index].revents != 0 || ended { readProgress(of: task, into: &events) }
            if ended { reap(task, into: &events) }
        }
        return events
    }

    private func sampleMemory() {
        for (task, state) in running {
            guard let peak = state.child.sampledPeakBytes() else { continue }
            running[task]?.sampledPeakBytes = max(state.sampledPeakBytes, peak)
        }
    }

    private func readProgress(of task: Int, into events: inout [ExecutorEvent]) {
        guard var state = running[task], state.child.progressDescriptor >= 0 else { return }
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = read(state.child.progressDescriptor, &buffer, buffer.count)
        if count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR) {
            // The worker closed its end; poll would report that for ever.
            close(state.child.progressDescriptor)
            state.child.progressDescriptor = -1
        }
        if count > 0 { state.unreadProgress += buffer[..<count] }
        var start = state.unreadProgress.startIndex
        while let end = state.unreadProgress[start...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = Data(state.unreadProgress[start..<end])
            if let message = try? JSONDecoder().decode(ProgressMessage.self, from: line) {
                events.append(.progress(task: task, message))
            }
            start = end + 1
        }
        state.unreadProgress.removeFirst(start)
        if state.unreadProgress.count > LocalExecutor.progressLineLimit { state.unreadProgress = [] }
        running[task] = state
    }

    private func reap(_ task: Int, into events: inout [ExecutorEvent]) {
        guard let state = running[task], let ending = state.child.reap() else { return }
        tellGuard(-state.child.pid)
        state.child.closeDescriptors()
        switch state.phase {
        case .running:
            var failure = failure(of: state, ending)
            if failure == nil { failure = OutputCheck.failure(of: state.request, paths: state.outputPaths) }
            if let failure {
                end(task, state, ending, failure, into: &events)
            } else {
                checkNext(task, state, from: 0, ending, into: &events)
            }
        case .checking(let output, let ofProgram):
            guard ending.exitCode == 0 else {
                let port = state.request.outputs[output].port
                let type = state.request.outputs[output].type.name
                let said = lastLines(of: checkLog(state.request)).last ?? "the check ended without a word"
                let failure = OutputCheck.invalid(state.request, port, "is not what type '\(type)' declares: \(said)")
                end(task, state, ofProgram, failure, into: &events)
                return
            }
            checkNext(task, state, from: output + 1, ofProgram, into: &events)
        }
    }

    private func end(
        _ task: Int, _ state: Running, _ ending: ChildProcess.Ending, _ failure: TaskFailure?,
        into events: inout [ExecutorEvent]
    ) {
        running[task] = nil
        let peak =
            ending.peakMemoryBytes > state.child.inheritedPeakBytes ? ending.peakMemoryBytes : state.sampledPeakBytes
        let files = zip(state.request.outputs, state.outputPaths).map {
            Publication.ProducedFile(port: $0.port, path: $1, fileExtension: $0.type.fileExtension)
        }
        events.append(
            .ended(
                task: task,
                TaskResult(
                    failure: failure, files: failure == nil ? files : [], cpuSeconds: ending.cpuSeconds,
                    peakMemoryBytes: peak)))
    }

    // MARK: Judging

    private func failure(of state: Running, _ ending: ChildProcess.Ending) -> TaskFailure? {
        if ending.exitCode == WorkerExit.success { return nil }
        let lines = lastLines(of: state.request.logPath)
        let said = lines.last.map { ": \($0)" } ?? "; its log is empty"
        if let code = ending.exitCode {
            return TaskFailure(
                code: .exited, message: "\(state.request.label) failed with exit code \(code)\(said)", status: code,
                lastLines: lines, mayPass: code == WorkerExit.inputOutput)
        }
        let signal = ending.signal ?? 0
        let hint =
            signal == SIGKILL && state.stopSignal == nil
            ? " (the system may have run out of memory; raise `memory` in the stage's resources so that fewer run at once)"
            : ""
        return TaskFailure(
            code: .signalled,
            message:
                "\(state.request.label) was ended by signal \(signal) (\(String(cString: strsignal(signal))))\(hint)\(said)",
            status: signal, lastLines: lines, mayPass: state.stopSignal == nil)
    }

    // MARK: Checking what foreign programs wrote

    /// Our own workers check what they write against its type themselves.
    private func checksItself(_ request: TaskRequest) -> Bool {
        let program = request.command.first.map { String($0.split(separator: "/").last ?? "") } ?? ""
        return program == "cyto-stage" || program == "cyto-learn"
    }

    private func checkLog(_ request: TaskRequest) -> String { request.workFolder + "/check.log" }

    private func checkNext(
        _ task: Int, _ state: Running, from first: Int, _ ending: ChildProcess.Ending,
        into events: inout [ExecutorEvent]
    ) {
        let checker = executableFolder + "/cyto-stage"
        let next = (first..<state.request.outputs.count).first {
            let type = state.request.outputs[$0].type
            return type.format == .hdf5 && !(type.datasets.isEmpty && type.attributes.isEmpty)
        }
        guard let next, state.stopSignal == nil, !checksItself(state.request), access(checker, X_OK) == 0 else {
            end(task, state, ending, nil, into: &events)
            return
        }
        var state = state
        var request = state.request
        request.logPath = checkLog(request)
        let typePath = request.workFolder + "/type.json"
        let text = JSONText.text(of: request.outputs[next].type, known: &typeTexts)
        do {
            if let error = writeFile(text, to: typePath) {
                throw CommandError(message: "\(typePath) could not be written: \(systemMessage(error))")
            }
            state.child = try spawn(
                request, program: checker,
                arguments: [checker, "check", "--type", typePath, state.outputPaths[next]],
                folder: request.workFolder, appendsLog: false, withProgress: false)
            state.unreadProgress = []
            state.phase = .checking(output: next, ending: ending)
            running[task] = state
        } catch {
            let said = (error as? CommandError)?.message ?? "\(error)"
            let port = request.outputs[next].port
            end(
                task, state, ending, OutputCheck.invalid(request, port, "could not be checked: \(said)"),
                into: &events)
        }
    }
}
