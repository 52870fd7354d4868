public import ContentHash
public import StageProtocol

/// Everything that can run, as the engine sees it: stages, source files, tasks and what each task reads.
///
/// The graph is plain values in flat arrays, so that 100,000 tasks cost tens of megabytes and no pointer chasing. It knows
/// nothing of pipelines or axes: `PipelineGraph` makes it from a pipeline, tests make it from integers. Tasks stand in
/// topological order: a task reads outputs of earlier tasks only.
public struct WorkGraph: Sendable {
    /// One stage of the pipeline: what all its tasks share.
    public struct Stage: Sendable {
        /// Name within the pipeline, for example `tissue-segmentation`.
        public var name: String
        /// Name of the manifest that it uses.
        public var manifest: String
        public var version: Int
        /// Digest of the parts of the manifest that decide about results (run, inputs, outputs, types, config).
        public var manifestDigest: Digest
        /// argv with `${…}` references that the executor fills in.
        public var command: [String]
        /// Folder of the manifest file: relative programs of the command are looked up there.
        public var folder: String
        /// Ports by position; `TaskOutput.port` counts in this list.
        public var inputPorts: [String]
        public var outputPorts: [Port]
        /// What a task is given at most.
        public var resources: Resources
        /// The fewest cores that a task is started with when others could use the rest. Only for stages whose results do not
        /// depend on the number of cores.
        public var leastCores: Int
        /// How long a task takes, about; what the store has seen counts more.
        public var typicalSeconds: Double?
        /// Whether its tasks get a folder that outlives a broken-off try.
        public var resumable: Bool

        public init(
            name: String, manifest: String, version: Int, manifestDigest: Digest, command: [String], folder: String,
            inputPorts: [String], outputPorts: [Port], resources: Resources, leastCores: Int? = nil,
            typicalSeconds: Double? = nil, resumable: Bool = false
        ) {
            self.name = name
            self.manifest = manifest
            self.version = version
            self.manifestDigest = manifestDigest
            self.command = command
            self.folder = folder
            self.inputPorts = inputPorts
            self.outputPorts = outputPorts
            self.resources = resources
            self.leastCores = leastCores ?? resources.cores
            self.typicalSeconds = typicalSeconds
            self.resumable = resumable
        }
    }

    public struct Port: Sendable {
        public var name: String
        public var type: ArtifactType
        /// Whether a run tells at its end where this output lies. Says nothing about results; not in any key.
        public var isAnnounced: Bool

        public init(name: String, type: ArtifactType, isAnnounced: Bool = false) {
            self.name = name
            self.type = type
            self.isAnnounced = isAnnounced
        }
    }

    /// What a task may use: how, never what. Nothing of this enters a key.
    public struct Resources: Codable, Sendable, Equatable {
        public var cores: Int
        public var memoryBytes: Int64
        public var gpus: Int
        public var timeLimitSeconds: Double?
        /// How many further tries after a failure that may pass by itself.
        public var retries: Int

        public init(
            cores: Int = 1, memoryBytes: Int64 = 1 << 30, gpus: Int = 0, timeLimitSeconds: Double? = nil,
            retries: Int = 0
        ) {
            self.cores = cores
            self.memoryBytes = memoryBytes
            self.gpus = gpus
            self.timeLimitSeconds = timeLimitSeconds
            self.retries = retries
        }
    }

    /// One task: a stage at one item.
    public struct Task: Sendable {
        public var stage: Int32
        /// Index into `items`.
        public var item: Int32
        /// Index into `configs`.
        public var config: Int32
        /// This task's slice of `inputs`.
        public var inputs: Range<Int32>
        public var seed: UInt64

        public init(stage: Int32, item: Int32, config: Int32, inputs: Range<Int32>, seed: UInt64) {
            self.stage = stage
            self.item = item
            self.config = config
            self.inputs = inputs
            self.seed = seed
        }
    }

    /// One file that a task reads; the inputs of one port stand together, in gathered order.
    public struct Input: Sendable {
        /// Index into the stage's `inputPorts`.
        public var port: Int32
        public var origin: Origin
        /// Index into `items`: the item that the file belongs to.
        public var item: Int32
        /// Index into `attributeSets`: the axis attributes that the port asked for; −1 for none.
        public var attributes: Int32

        public init(port: Int32, origin: Origin, item: Int32, attributes: Int32 = -1) {
            self.port = port
            self.origin = origin
            self.item = item
            self.attributes = attributes
        }
    }

    public enum Origin: Sendable, Hashable {
        /// Output `port` (index into the stage's `outputPorts`) of an earlier task.
        case task(Int32, port: Int32)
        /// Index into `sources`.
        case source(Int32)
    }

    public var pipeline: String
    public var stages: [Stage]
    public var tasks: [Task]
    public var inputs: [Input]
    /// Source files, as absolute paths or relative to the working directory.
    public var sources: [String]
    public var items: [[Coordinate]]
    public var configs: [[String: ConfigValue]]
    public var attributeSets: [[String: [String: ConfigValue]]]

    public init(
        pipeline: String, stages: [Stage] = [], tasks: [Task] = [], inputs: [Input] = [], sources: [String] = [],
        items: [[Coordinate]] = [], configs: [[String: ConfigValue]] = [],
        attributeSets: [[String: [String: ConfigValue]]] = []
    ) {
        self.pipeline = pipeline
        self.stages = stages
        self.tasks = tasks
        self.inputs = inputs
        self.sources = sources
        self.items = items
        self.configs = configs
        self.attributeSets = attributeSets
    }

    /// The task's name as users write it: `tissue-segmentation[brain=B01,section=0012]`.
    public func label(of task: Int) -> String {
        let name = stages[Int(tasks[task].stage)].name
        let item = items[Int(tasks[task].item)]
        if item.isEmpty { return name }
        return name + "[" + item.map { "\($0.axis)=\($0.value)" }.joined(separator: ",") + "]"
    }
}
