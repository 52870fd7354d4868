/// What a worker is asked to do: one stage at one item. Written as JSON to the job file that the worker's command line names.
public struct StageJob: Codable, Sendable, Equatable {
    /// The protocol's version; a worker refuses one that it does not know.
    public static let currentFormat = 1

    public var format: Int
    /// Name of the stage as its manifest declares it, for example `tissue-segmentation`.
    public var stage: String
    /// Coordinates of the item, outermost axis first, for example brain=B01, section=0012.
    public var item: [Coordinate]
    /// Input files by port. A port that gathers an axis holds them in the axis's order; an optional one may be empty.
    public var inputs: [String: [InputFile]]
    /// Where to write each output, by port.
    public var outputs: [String: OutputFile]
    /// The resolved config: every key that the manifest declares, defaults filled in.
    public var config: [String: ConfigValue]
    public var seed: UInt64
    /// How many threads the worker may use. Its result must not depend on it.
    public var cores: Int
    /// How much memory the worker should stay within, in bytes; nil where none was declared.
    public var memoryBytes: Int64?
    /// A private folder for temporary files, emptied by the runner.
    public var scratch: String
    /// How many GPUs the task was given; nil for none.
    public var gpus: Int?
    /// A folder that outlives the worker, for what a next try of this very task can go on from; removed when the task is done.
    /// Nil where the manifest does not say `resumable: true`.
    public var checkpoints: String?
    /// Where `ProgressMessage`s go, one JSON object a line: an open file descriptor, or nil for nowhere.
    public var progressDescriptor: Int32?

    public init(
        stage: String, item: [Coordinate], inputs: [String: [InputFile]], outputs: [String: OutputFile],
        config: [String: ConfigValue], seed: UInt64, cores: Int, memoryBytes: Int64? = nil, scratch: String,
        gpus: Int? = nil, checkpoints: String? = nil, progressDescriptor: Int32? = nil
    ) {
        self.format = StageJob.currentFormat
        self.stage = stage
        self.item = item
        self.inputs = inputs
        self.outputs = outputs
        self.config = config
        self.seed = seed
        self.cores = cores
        self.memoryBytes = memoryBytes
        self.scratch = scratch
        self.gpus = gpus
        self.checkpoints = checkpoints
        self.progressDescriptor = progressDescriptor
    }
}

/// One coordinate of an item: the axis and the value on it.
public struct Coordinate: Codable, Sendable, Hashable {
    public var axis: String
    public var value: String

    public init(axis: String, value: String) {
        self.axis = axis
        self.value = value
    }
}

/// One input file of a job.
public struct InputFile: Codable, Sendable, Equatable {
    public var path: String
    /// The item that the file belongs to: of the producing task, or of the source.
    public var item: [Coordinate]
    /// SHA-256 of the file's bytes, 64 hexadecimal digits.
    public var digest: String
    /// Attributes of the item's axis values, for example `role` of a brain or `position_um` of a section, by axis.
    public var attributes: [String: [String: ConfigValue]]

    public init(
        path: String, item: [Coordinate], digest: String, attributes: [String: [String: ConfigValue]] = [:]
    ) {
        self.path = path
        self.item = item
        self.digest = digest
        self.attributes = attributes
    }
}

/// One output file of a job.
public struct OutputFile: Codable, Sendable, Equatable {
    public var path: String
    /// What must stand in the file; nil where the manifest names no type.
    public var type: ArtifactType?

    public init(path: String, type: ArtifactType? = nil) {
        self.path = path
        self.type = type
    }
}
