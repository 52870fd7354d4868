public import HDF5
public import StageProtocol

/// All that a stage gets to work with: its inputs, where to write, its config, and what it may use.
public final class StageContext: Sendable {
    /// The job as the runner wrote it.
    public let job: StageJob
    /// The config, read with types and ranges.
    public let config: StageConfig
    /// The worker's environment variables: how the work is done (which device, which processes beside this one), never what
    /// comes out.
    public let environment: [String: String]
    private let progressLines: ProgressLines

    public init(job: StageJob, environment: [String: String] = [:]) {
        self.job = job
        self.environment = environment
        config = StageConfig(job.config)
        progressLines = ProgressLines(descriptor: job.progressDescriptor)
    }

    /// Coordinates of the item that the stage works on.
    public var item: [Coordinate] { job.item }
    /// Seed of all random numbers (`SeededGenerator(seed: context.seed, stream: "…")`).
    public var seed: UInt64 { job.seed }
    /// How many threads to use; the result must not depend on it.
    public var cores: Int { max(job.cores, 1) }
    /// How much memory to stay within, in bytes; nil where none was declared.
    public var memoryBytes: Int? { job.memoryBytes.map { Int($0) } }
    /// A private folder for temporary files.
    public var scratch: String { job.scratch }
    /// A folder for what a next try of this task can go on from: it outlives this process where the manifest says
    /// `resumable: true`, and is the scratch folder elsewhere.
    public var checkpoints: String { job.checkpoints ?? job.scratch }
    /// Stage and item, for example `tissue-segmentation[brain=B01,section=0012]`.
    public var label: String { job.label }

    /// The coordinate of the item on an axis.
    public func coordinate(_ axis: String) throws -> String {
        guard let coordinate = item.first(where: { $0.axis == axis }) else {
            throw StageError(.badJob, "the stage does not run over the axis \(axis)")
        }
        return coordinate.value
    }

    /// The one file of an input port.
    public func input(_ port: String) throws -> StageInput {
        let files = try inputs(port)
        guard files.count == 1, let file = files.first else {
            throw StageError(.badJob, "one file was expected, but the job gives \(files.count)", port: port)
        }
        return file
    }

    /// The file of an optional input port, or nil.
    public func optionalInput(_ port: String) throws -> StageInput? {
        let files = job.inputs[port] ?? []
        guard files.count <= 1 else {
            throw StageError(.badJob, "at most one file was expected, but the job gives \(files.count)", port: port)
        }
        return files.first.map { StageInput(port: port, file: $0) }
    }

    /// The files of a port that gathers an axis, in its order; an optional port may be empty.
    public func inputs(_ port: String) throws -> [StageInput] {
        guard let files = job.inputs[port] else {
            let known = job.inputs.keys.sorted().joined(separator: ", ")
            throw StageError(
                .badJob, "the job has no such input; declare it in the manifest (there are: \(known))", port: port)
        }
        return files.map { StageInput(port: port, file: $0) }
    }

    /// The files of an optional port that gathers an axis; none where the pipeline gives the port nothing.
    public func optionalInputs(_ port: String) -> [StageInput] {
        (job.inputs[port] ?? []).map { StageInput(port: port, file: $0) }
    }

    /// Opens the one file of an input port as HDF5.
    public func open(_ port: String) throws -> HDF5File {
        try HDF5File(reading: try input(port).path)
    }

    /// Where to write an output.
    public func output(_ port: String) throws -> String {
        guard let file = job.outputs[port] else {
            let known = job.outputs.keys.sorted().joined(separator: ", ")
            throw StageError(
                .badJob, "the job has no such output; declare it in the manifest (there are: \(known))", port: port)
        }
        return file.path
    }

    /// Writes an output as an HDF5 file.
    public func write(_ port: String, _ body: (HDF5File) throws -> Void) throws {
        try HDF5File.create(try output(port), body)
    }

    /// Tells how much of the work is done (0 … 1) and what comes now; cheap enough to be called for every row.
    public func progress(_ fraction: Double, _ step: String? = nil) {
        progressLines.say(fraction: fraction, step: step)
    }

    /// Warns of something that the user should see though the stage goes on.
    public func warn(_ sentence: String) {
        progressLines.say(ProgressMessage(warning: sentence))
        StandardError.say("\(label): warning: \(sentence)")
    }

    /// Keeps a figure with the task's record, for example the number of inliers.
    public func figure(_ name: String, _ value: Double) {
        guard value.isFinite else { return }
        progressLines.say(ProgressMessage(figures: [name: value]))
    }
}

extension StageJob {
    /// Stage and item, for example `tissue-segmentation[brain=B01,section=0012]`.
    public var label: String {
        item.isEmpty ? stage : stage + "[" + item.map { "\($0.axis)=\($0.value)" }.joined(separator: ",") + "]"
    }
}
