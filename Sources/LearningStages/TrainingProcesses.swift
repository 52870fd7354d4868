internal import Foundation
internal import StageKit
internal import StageProtocol
internal import Torch

/// The processes that train one network together, each on its share of every batch.
///
/// Two ways lead here. Under `torchrun`, or anything that sets RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT (LOCAL_RANK where a
/// machine has several), this process is one of them. Otherwise, where the task was given several GPUs or `CYTO_PROCESSES` says a
/// number, this process is rank 0 and starts the others on this machine: the same program with the same job, less its outputs.
///
/// How many processes there are changes the result by rounding alone, so that none of this is part of the config.
final class TrainingProcesses {
    /// Nil where this process trains alone.
    let group: ProcessGroup?
    let rank: Int
    let size: Int
    let device: Device
    /// Threads for this process.
    let threads: Int
    private let watch: RankWatch?
    private static let prefix = "cyto-learn"
    private let rendezvous: Rendezvous?

    /// Starts or joins; waits until all are there.
    ///
    /// - Throws: `StageError` for an environment that makes no sense, and where a process does not come in time.
    init(_ context: StageContext) throws {
        let environment = context.environment
        func number(_ name: String, _ fallback: Int?) throws -> Int? {
            guard let text = environment[name] else { return fallback }
            guard let number = Int(text), number >= 0 else {
                throw StageError(.badJob, "the environment's \(name) is '\(text)', not a number")
            }
            return number
        }
        let timeout = Double(try number("CYTO_RANK_TIMEOUT_S", 600) ?? 600)
        let world = try number("WORLD_SIZE", nil)
        let asked = try number("CYTO_PROCESSES", nil) ?? max(1, context.job.gpus ?? 1)
        guard max(world ?? 1, asked) > 1 else {
            (rank, size, group, rendezvous, watch) = (0, 1, nil, nil, nil)
            (device, threads) = (try context.device(), context.cores)
            return
        }
        do {
            if let world, world > 1 {
                guard let rank = try number("RANK", nil), rank < world, let port = try number("MASTER_PORT", nil) else {
                    throw StageError(.badJob, "WORLD_SIZE is \(world), but RANK or MASTER_PORT is missing or too large")
                }
                // torchrun's agent is the server itself, and tells so; a restarted job meets under another name.
                let agent = environment["TORCHELASTIC_USE_AGENT_STORE"] == "True"
                let attempt = environment["TORCHELASTIC_RESTART_COUNT"] ?? "0"
                (self.rank, size, watch, threads) = (rank, world, nil, context.cores)
                device = try context.device(rank: try number("LOCAL_RANK", rank) ?? rank)
                rendezvous = try Rendezvous(
                    address: environment["MASTER_ADDR"] ?? "127.0.0.1", port: port, serves: rank == 0 && !agent,
                    prefix: "\(Self.prefix)/\(attempt)", timeoutSeconds: timeout)
            } else {
                (rank, size) = (0, asked)
                device = try context.device()
                let threads = max(1, context.cores / asked)
                self.threads = threads
                let server = try Rendezvous(
                    address: "127.0.0.1", port: 0, serves: true, prefix: "\(Self.prefix)/0", timeoutSeconds: timeout)
                rendezvous = server
                let started = try (1..<asked).map { rank in
                    try Self.start(rank: rank, of: asked, port: server.port(), threads: threads, context)
                }
                watch = RankWatch(started, label: context.label)
            }
        } catch let error as TorchError {
            throw StageError(.inputOutput, "the processes of the training do not find each other: \(error.message)")
        }
        guard let rendezvous else { preconditionFailure("A group has met somewhere.") }
        var onGPU = false
        if case .cuda = device { onGPU = true }
        do {
            group = try ProcessGroup(
                rendezvous, backend: onGPU && ProcessGroup.hasNCCL ? .nccl : .gloo, rank: rank, size: size,
                timeoutSeconds: timeout)
        } catch {
            watch?.end()
            throw StageError(
                .inputOutput, "rank \(rank) of \(size) waited \(Int(timeout)) s for the others in vain: \(error)")
        }
    }

    deinit {
        // Only where the training has failed are they still there: what they wait for does not come any more.
        watch?.end()
    }

    /// Whether this process writes checkpoints, the model and progress.
    var isFirst: Bool { rank == 0 }

    /// Ends when every process has come here: before it none of them may leave, since the others would miss it.
    func finish() throws {
        guard let group else { return }
        try group.sum([Tensor.zeros(shape: [1]).moved(to: device)])
    }

    private static func start(
        rank: Int, of size: Int, port: Int, threads: Int, _ context: StageContext
    ) throws -> pid_t {
        var job = context.job
        job.outputs = [:]
        job.progressDescriptor = nil
        job.cores = threads
        job.scratch += "/rank-\(rank)"
        job.checkpoints = context.checkpoints
        try FileManager.default.createDirectory(atPath: job.scratch, withIntermediateDirectories: true)
        let path = job.scratch + "/job.json"
        try JSONEncoder().encode(job).write(to: URL(fileURLWithPath: path))
        var environment = context.environment
        environment["RANK"] = "\(rank)"
        environment["LOCAL_RANK"] = "\(rank)"
        environment["WORLD_SIZE"] = "\(size)"
        environment["MASTER_ADDR"] = "127.0.0.1"
        environment["MASTER_PORT"] = "\(port)"
        environment["TORCHELASTIC_USE_AGENT_STORE"] = nil
        environment["TORCHELASTIC_RESTART_COUNT"] = nil
        environment["OMP_NUM_THREADS"] = "\(threads)"
        let program = environment["CYTO_LEARN"] ?? "/proc/self/exe"
        typealias Words = [UnsafeMutablePointer<CChar>?]
        let argv: Words = [program, job.stage, "--job", path].map { (word: String) in strdup(word) } + [nil]
        let envp: Words = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (argv + envp).forEach { free($0) } }
        var process: pid_t = 0
        // In this process's group, so that whoever ends the task ends them all.
        let error = posix_spawn(&process, program, nil, nil, argv, envp)
        guard error == 0 else {
            throw StageError(.inputOutput, "rank \(rank) could not be started: \(String(cString: strerror(error)))")
        }
        return process
    }
}
