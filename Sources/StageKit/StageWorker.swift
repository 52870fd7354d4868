internal import FoundationEssentials
internal import Glibc
internal import HDF5
internal import StageProtocol

/// The main loop of a worker program: picks the stage that the command line names, runs it, checks what it wrote.
public struct StageWorker: Sendable {
    private let program: String
    private let stages: [any Stage.Type]
    private let tools: [StageTool]
    private let environment: @Sendable () -> [String: String]

    /// - Parameters:
    ///   - program: the program's name, for its messages.
    ///   - stages: what it can do; names must differ.
    ///   - tools: small commands beside the stages.
    ///   - environment: what stages find as `StageContext.environment`; asked for in the task's own process.
    public init(
        program: String, stages: [any Stage.Type], tools: [StageTool] = [],
        environment: @escaping @Sendable () -> [String: String] = { [:] }
    ) {
        let names =
            stages.map { $0.name } + tools.map(\.name) + [
                "list", "describe", "check", "help", WorkerCommand.serveStarts,
            ]
        precondition(Set(names).count == names.count, "Two stages or commands have the same name.")
        self.program = program
        self.stages = stages
        self.tools = tools
        self.environment = environment
    }

    /// Does what the arguments (without the program's name) say; gives the exit code (`WorkerExit`).
    public func run(arguments: [String]) -> Int32 {
        if arguments.first == WorkerCommand.serveStarts {
            guard let served = ServedStarts.next() else { return WorkerExit.badJob }
            MemoryReuse.begin()
            return ServedStarts.onFreshThread { perform(served) }
        }
        MemoryReuse.begin()
        return perform(arguments)
    }

    private func perform(_ arguments: [String]) -> Int32 {
        // The default action of SIGTERM ends the process at once, whatever the parent had set; outputs are private until
        // the runner takes them. A reader of the progress that went away must not end the stage.
        signal(SIGTERM, SIG_DFL)
        signal(SIGPIPE, SIG_IGN)
        var unblocked = sigset_t()
        sigemptyset(&unblocked)
        sigaddset(&unblocked, SIGTERM)
        pthread_sigmask(SIG_UNBLOCK, &unblocked, nil)

        var rest = arguments
        guard let command = rest.first else {
            StandardError.say(usage)
            return WorkerExit.badJob
        }
        rest.removeFirst()
        do {
            switch command {
            case "help", "--help", "-h": print(usage)
            case "list": print(try list(asJSON: rest.contains("--json")))
            case "describe": return describe(rest)
            case "check": return try check(rest)
            default:
                if let stage = stages.first(where: { $0.name == command }) { return try run(stage, rest) }
                guard let tool = tools.first(where: { $0.name == command }) else { throw unknown(command) }
                print(try tool.run(rest))
            }
            return WorkerExit.success
        } catch {
            StandardError.say("\(command): \(error)")
            return exitCode(of: error)
        }
    }

    // MARK: A stage

    private func run(_ stage: any Stage.Type, _ arguments: [String]) throws -> Int32 {
        if arguments == ["--help"] {
            print("\(stage.name): \(stage.summary)\nusage: \(program) \(stage.name) --job job.json")
            return WorkerExit.success
        }
        guard arguments.count == 2, arguments[0] == "--job" else {
            throw StageError(.badJob, "usage: \(program) \(stage.name) --job job.json")
        }
        let job = try readJob(arguments[1], stage: stage.name)
        let context = StageContext(job: job, environment: environment())
        do {
            try stage.run(context)
            try checkOutputs(of: job)
            return WorkerExit.success
        } catch {
            StandardError.say("\(job.label): \(located(error, in: job))")
            return exitCode(of: error)
        }
    }

    private func readJob(_ path: String, stage: String) throws -> StageJob {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw StageError(.inputOutput, "the job file cannot be read", file: path)
        }
        let job: StageJob
        do {
            job = try JSONDecoder().decode(StageJob.self, from: data)
        } catch {
            throw StageError(.badJob, "is not a job: \(error)", file: path)
        }
        guard job.format == StageJob.currentFormat else {
            throw StageError(
                .badJob,
                "has format \(job.format), but this worker knows \(StageJob.currentFormat); "
                    + "use a runner and a worker of the same version", file: path)
        }
        guard job.stage == stage || job.stage.isEmpty else {
            throw StageError(.badJob, "is for the stage \(job.stage), not for \(stage)", file: path)
        }
        return job
    }

    /// Every output must stand there and be of its declared type.
    private func checkOutputs(of job: StageJob) throws {
        for port in job.outputs.keys.sorted() {
            guard let output = job.outputs[port] else { continue }
            guard FileManager.default.fileExists(atPath: output.path) else {
                throw StageError(.badOutput, "the stage did not write it", port: port, file: output.path)
            }
            guard let type = output.type else { continue }
            let mistakes = type.mistakes(in: output.path)
            if !mistakes.isEmpty {
                throw StageError(
                    .badOutput, "is not of type \(type.name): " + mistakes.joined(separator: "; "), port: port,
                    file: output.path)
            }
        }
    }

    /// The message of an error, with the port of the file that it names in front.
    private func located(_ error: any Error, in job: StageJob) -> String {
        let message = "\(error)"
        if let error = error as? StageError, error.port != nil { return message }
        for port in job.inputs.keys.sorted() {
            for file in job.inputs[port] ?? [] where message.contains(file.path) { return "\(port): \(message)" }
        }
        for port in job.outputs.keys.sorted() {
            if let path = job.outputs[port]?.path, message.contains(path) { return "\(port): \(message)" }
        }
        return message
    }

    private func exitCode(of error: any Error) -> Int32 {
        if let error = error as? StageError { return error.exitCode }
        if let error = error as? HDF5Error, error.code == .inputOutput || error.code == .cannotOpen {
            return WorkerExit.inputOutput
        }
        return WorkerExit.failed
    }

    // MARK: Commands

    private var usage: String {
        var lines = [
            "\(program) STAGE --job job.json     runs one stage at one item, as the runner does",
            "\(program) list [--json]            the stages",
            "\(program) describe FILE [--json]   what stands in an HDF5 file",
            "\(program) check --type TYPE.json FILE   whether a file is what an artifact type declares",
        ]
        lines += tools.map { "\(program) \($0.name) \($0.summary)" }
        return lines.joined(separator: "\n")
    }

    private func unknown(_ command: String) -> StageError {
        let known = (stages.map { $0.name } + tools.map(\.name)).sorted().joined(separator: ", ")
        return StageError(.badJob, "\(program) has no such stage or command (there are: \(known))")
    }

    private func list(asJSON: Bool) throws -> String {
        guard asJSON else {
            let width = stages.map { $0.name.count }.max() ?? 0
            return stages.map { stage in
                stage.name + String(repeating: " ", count: width + 2 - stage.name.count) + stage.summary
            }.joined(separator: "\n")
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        let entries = stages.map { ["name": $0.name, "summary": $0.summary] }
        return String(decoding: try encoder.encode(entries), as: UTF8.self)
    }

    private func describe(_ arguments: [String]) -> Int32 {
        let paths = arguments.filter { $0 != "--json" }
        guard !paths.isEmpty else {
            StandardError.say("usage: \(program) describe FILE… [--json]")
            return WorkerExit.badJob
        }
        var code = WorkerExit.success
        for path in paths {
            do {
                let description = try FileDescription(path: path)
                print(arguments.contains("--json") ? try description.json : description.text)
            } catch {
                StandardError.say("describe: \(error)")
                code = exitCode(of: error)
            }
        }
        return code
    }

    private func check(_ arguments: [String]) throws -> Int32 {
        guard arguments.count == 3, arguments[0] == "--type",
            let data = FileManager.default.contents(atPath: arguments[1])
        else {
            throw StageError(.badJob, "usage: \(program) check --type TYPE.json FILE")
        }
        let type: ArtifactType
        do {
            type = try JSONDecoder().decode(ArtifactType.self, from: data)
        } catch {
            throw StageError(.badJob, "is not an artifact type: \(error)", file: arguments[1])
        }
        let mistakes = type.mistakes(in: arguments[2])
        for mistake in mistakes { StandardError.say("\(arguments[2]): \(type.name): \(mistake)") }
        return mistakes.isEmpty ? WorkerExit.success : WorkerExit.failed
    }
}
