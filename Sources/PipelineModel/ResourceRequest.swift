internal import StageProtocol

/// What a task of a stage needs; nil where nothing is said.
public struct ResourceRequest: Sendable, Equatable {
    /// The most cores that a task can use.
    public var cores: Int?
    /// The fewest that it is started with: `cores: 1-4`, as Slurm writes ranges. nil where it is always given `cores`.
    public var leastCores: Int?
    public var memoryBytes: Int64?
    public var gpus: Int?
    public var timeLimitSeconds: Double?
    public var retries: Int?
    /// How long a task takes, about, as long as the store has not seen one: what takes long starts early.
    public var typicalSeconds: Double?

    public init() {}

    /// What stands here, and where nothing does, what stands in `other`.
    public func filled(from other: ResourceRequest) -> ResourceRequest {
        var result = self
        if cores == nil {
            result.cores = other.cores
            result.leastCores = other.leastCores
        }
        result.memoryBytes = memoryBytes ?? other.memoryBytes
        result.gpus = gpus ?? other.gpus
        result.timeLimitSeconds = timeLimitSeconds ?? other.timeLimitSeconds
        result.retries = retries ?? other.retries
        result.typicalSeconds = typicalSeconds ?? other.typicalSeconds
        return result
    }

    static func read(_ node: YAMLNode, what: String, problems: DiagnosticList) -> ResourceRequest {
        var request = ResourceRequest()
        guard var reader = MappingReader(node, what: what, problems: problems) else { return request }
        request.read(from: &reader, rangeOfCores: true)
        request.typicalSeconds = reader.take("typical").flatMap { Quantity.seconds($0, problems: problems) }
        reader.finish()
        return request
    }

    /// Takes `cores`, `memory`, `gpu`, `time` and `retries`; the caller finishes the reader.
    mutating func read(from reader: inout MappingReader, rangeOfCores: Bool = false) {
        if rangeOfCores, let node = reader.take("cores"), case .text(let text) = node.scalar?.value {
            readRange(text, at: node, problems: reader.problems)
        } else {
            cores = reader.integer("cores", in: 1...65536).map { Int($0) }
        }
        memoryBytes = reader.take("memory").flatMap { Quantity.memoryBytes($0, problems: reader.problems) }
        gpus = reader.integer("gpu", in: 0...1024).map { Int($0) }
        timeLimitSeconds = reader.take("time").flatMap { Quantity.seconds($0, problems: reader.problems) }
        retries = reader.integer("retries", in: 0...100).map { Int($0) }
    }

    private mutating func readRange(_ text: String, at node: YAMLNode, problems: DiagnosticList) {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard ends.count == 2, let least = ends[0], let most = ends[1], 1 <= least, least <= most, most <= 65536 else {
            problems.error(
                at: node.mark, "\(node.briefly) is no number of cores",
                expected: "an integer from 1 to 65536, or a range as 1-4")
            return
        }
        cores = most
        leastCores = least
    }
}
