internal import StageKit
internal import StageProtocol

/// An artifact that the page shows something of, with what a reader needs to find and check it.
struct ReportSource: Sendable, Hashable {
    let port: String
    let path: String
    /// SHA-256 of its bytes.
    let digest: String
    let item: [Coordinate]
    /// Name of the stage that made it, as the pipeline has it.
    let stage: String
    private let attributes: [String: String]

    init(_ input: StageInput, stage: String) {
        port = input.port
        path = input.path
        digest = input.digest
        item = input.item
        if case .text(let name)? = input.attributes["@stage"]?["name"] { self.stage = name } else { self.stage = stage }
        var attributes: [String: String] = [:]
        for name in ReportPorts.attributes { attributes[name] = input.optionalText(name) }
        self.attributes = attributes
    }

    /// The task, as the command line takes it: `area-classification[model=cytonet,training_seed=0]`.
    var label: String {
        item.isEmpty ? stage : stage + "[" + item.map { "\($0.axis)=\($0.value)" }.joined(separator: ",") + "]"
    }

    /// As many digits as `cyto-pipe audit` needs to find it, and as people can compare.
    var shortDigest: String { String(digest.prefix(12)) }

    func coordinate(_ axis: String) -> String? { item.first { $0.axis == axis }?.value }

    /// An attribute of one of its coordinates, such as the role of a brain; nil where the axes have none.
    func attribute(_ name: String) -> String? { attributes[name] }

    /// Place without the axes along which a computation is repeated.
    func variant(without seedAxes: [String]) -> Variant {
        Variant(coordinates: item.filter { !seedAxes.contains($0.axis) })
    }
}

/// One way to do something: the coordinates that tell it from others, seeds aside.
struct Variant: Sendable, Hashable {
    var coordinates: [Coordinate]

    subscript(axis: String) -> String? { coordinates.first { $0.axis == axis }?.value }

    /// With the model that a file says it started from where its coordinates name none: training from scratch takes no model.
    func with(start: String?) -> Variant {
        guard self["model"] == nil, start == "scratch" else { return self }
        return Variant(coordinates: [Coordinate(axis: "model", value: "scratch")] + coordinates)
    }

    func without(_ axes: [String]) -> Variant { Variant(coordinates: coordinates.filter { !axes.contains($0.axis) }) }
}

/// Sources of one stage and variant, in the order in which the pipeline gave them: one for each seed.
struct SeedGroup: Sendable {
    var variant: Variant
    var sources: [ReportSource]

    var stage: String { sources.first?.stage ?? "" }

    private struct Key: Hashable {
        var stage: String
        var variant: Variant
    }

    /// Sources by stage and variant, in the order of their first.
    static func grouped(_ sources: [ReportSource], seedAxes: [String]) -> [SeedGroup] {
        var groups: [SeedGroup] = []
        var places: [Key: Int] = [:]
        for source in sources {
            let key = Key(stage: source.stage, variant: source.variant(without: seedAxes))
            if let place = places[key] {
                groups[place].sources.append(source)
            } else {
                places[key] = groups.count
                groups.append(SeedGroup(variant: key.variant, sources: [source]))
            }
        }
        return groups
    }
}
