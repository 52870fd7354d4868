internal import ContentHash
internal import PipelineModel
internal import Scheduling
internal import StageProtocol

/// The work of expanding a pipeline: items of each stage, then the tasks with their inputs.
struct GraphExpansion {
    let pipeline: Pipeline
    private(set) var graph: WorkGraph
    private(set) var mistakes: [Diagnostic] = []

    /// Items by stage and by source, made when first needed.
    private var stageItems: [ItemSet?]
    private var sourceItems: [ItemSet?]
    /// First task of each stage; tasks of reversed stages count down.
    private var firstTask: [Int]
    private var reversed: Set<Int> = []
    private var graphStage: [Int32]
    /// Index into the graph's sources for each item of each source; −1 where nobody reads it yet.
    private var sourceNumbers: [[Int32]]
    /// Index into the graph's items for each item of each stage and source.
    private var stageItemNumbers: [[Int32]]
    private var sourceItemNumbers: [[Int32]]
    private var itemTables: [[Int]: [UInt64: Int32]] = [:]

    static let taskLimit = 10_000_000

    init(_ pipeline: Pipeline) {
        self.pipeline = pipeline
        graph = WorkGraph(pipeline: pipeline.name)
        stageItems = pipeline.stages.map { _ in nil }
        sourceItems = pipeline.sources.map { _ in nil }
        firstTask = pipeline.stages.map { _ in 0 }
        graphStage = pipeline.stages.map { _ in -1 }
        sourceNumbers = pipeline.sources.map { _ in [] }
        stageItemNumbers = pipeline.stages.map { _ in [] }
        sourceItemNumbers = pipeline.sources.map { _ in [] }
    }

    mutating func run() {
        let order = StageOrder(pipeline)
        mistakes = order.mistakes
        guard mistakes.isEmpty else { return }
        reversed = order.reversed
        for stage in order.order {
            expand(stage)
            if graph.tasks.count > GraphExpansion.taskLimit { return }
        }
    }

    // MARK: Stages

    private mutating func expand(_ index: Int) {
        let stage = pipeline.stages[index]
        guard
            let items = ItemSet(
                axes: stage.axes, filters: stage.filters, of: pipeline.axes, limit: GraphExpansion.taskLimit),
            graph.tasks.count + items.count <= GraphExpansion.taskLimit
        else {
            mistakes.append(
                Diagnostic(
                    at: stage.mark,
                    "stage '\(stage.name)' brings the pipeline to more than \(GraphExpansion.taskLimit) tasks"))
            return
        }
        stageItems[index] = items
        graphStage[index] = Int32(graph.stages.count)
        graph.stages.append(workStage(stage))
        firstTask[index] = graph.tasks.count
        stageItemNumbers[index] = numbers(of: items)
        let order = reversed.contains(index) ? Array((0..<items.count).reversed()) : Array(0..<items.count)
        let configs = configNumbers(of: stage, items: items)
        let seeds = self.seeds(of: stage, items: items)
        var links = stage.inputs.enumerated().flatMap { port, connections in
            connections.map { InputLink($0, port: port, of: stage, consumer: items, in: pipeline) }
        }
        for link in links.indices { prepare(&links[link]) }
        graph.tasks.reserveCapacity(graph.tasks.count + items.count)
        for item in order {
            let start = Int32(graph.inputs.count)
            for link in links.indices { append(&links[link], item: item) }
            graph.tasks.append(
                WorkGraph.Task(
                    stage: graphStage[index], item: stageItemNumbers[index][item],
                    config: configs.count == 1 ? configs[0] : configs[item], inputs: start..<Int32(graph.inputs.count),
                    seed: seeds.count == 1 ? seeds[0] : seeds[item]))
        }
        for link in links { if let mistake = link.mistake(pipeline: pipeline) { mistakes.append(mistake) } }
    }

    private func workStage(_ stage: Pipeline.StageUse) -> WorkGraph.Stage {
        var resources = WorkGraph.Resources()
        if let cores = stage.resources.cores { resources.cores = cores }
        if let bytes = stage.resources.memoryBytes { resources.memoryBytes = bytes }
        if let gpus = stage.resources.gpus { resources.gpus = gpus }
        if let retries = stage.resources.retries { resources.retries = retries }
        resources.timeLimitSeconds = stage.resources.timeLimitSeconds
        return WorkGraph.Stage(
            name: stage.name, manifest: stage.manifest.name, version: stage.manifest.version,
            manifestDigest: stage.manifest.decidingDigest, command: stage.manifest.run, folder: stage.manifest.folder,
            inputPorts: stage.manifest.inputs.map(\.name),
            outputPorts: stage.manifest.outputs.map {
                WorkGraph.Port(name: $0.name, type: $0.type, isAnnounced: $0.isAnnounced)
            },
            resources: resources, leastCores: stage.resources.leastCores,
            typicalSeconds: stage.resources.typicalSeconds, resumable: stage.manifest.resumable)
    }

    /// Numbers of the items in the graph: stages over the same axes share them.
    private mutating func numbers(of items: ItemSet) -> [Int32] {
        let numbering = PlaceNumbering(axes: items.axes, of: pipeline.axes)
        var table = itemTables[items.axes] ?? [:]
        itemTables[items.axes] = nil
        table.reserveCapacity(items.count)
        var numbers: [Int32] = []
        numbers.reserveCapacity(items.count)
        let columns = numbering.steps.map { (items.columns[items.position(of: $0.axis) ?? 0], $0.step) }
        for item in 0..<items.count {
            var place: UInt64 = 0
            for (column, step) in columns { place &+= UInt64(column[item]) &* step }
            if let known = table[place] {
                numbers.append(known)
            } else {
                let number = Int32(graph.items.count)
                graph.items.append(items.coordinates(of: item, of: pipeline.axes))
                table[place] = number
                numbers.append(number)
            }
        }
        itemTables[items.axes] = table
        return numbers
    }

    /// Index of each item's config; a single one where the config is the same for all.
    private mutating func configNumbers(of stage: Pipeline.StageUse, items: ItemSet) -> [Int32] {
        var axes: Set<Int> = []
        var constants: [String: ConfigValue] = [:]
        var varying: [Pipeline.ConfigBinding] = []
        for binding in stage.config {
            if let value = binding.value.constant {
                constants[binding.key.name] = value
            } else {
                varying.append(binding)
                binding.value.collectAxes(into: &axes)
            }
        }
        if varying.isEmpty {
            graph.configs.append(constants)
            return [Int32(graph.configs.count - 1)]
        }
        let numbering = PlaceNumbering(axes: stage.axes.filter { axes.contains($0) }, of: pipeline.axes)
        let columns = numbering.steps.map { (items.columns[items.position(of: $0.axis) ?? 0], $0.step) }
        var known: [UInt64: Int32] = [:]
        var reported: Set<String> = []
        var numbers: [Int32] = []
        numbers.reserveCapacity(items.count)
        let schema = stage.manifest.config
        for item in 0..<items.count {
            var place: UInt64 = 0
            for (column, step) in columns { place &+= UInt64(column[item]) &* step }
            if let number = known[place] {
                numbers.append(number)
                continue
            }
            var config = constants
            for binding in varying {
                let value = binding.value.evaluated { items.value($0, at: item, of: pipeline.axes) }
                let what = "\(stage.name)\(label(items.coordinates(of: item, of: pipeline.axes)))"
                switch schema.check(
                    GraphExpansion.fitted(value, to: binding.key), of: binding.key, context: what, at: binding.mark)
                {
                case .success(let value): config[binding.key.name] = value
                case .failure(let misfit):
                    if reported.insert(binding.key.name).inserted { mistakes.append(misfit.diagnostic) }
                }
            }
            let number = Int32(graph.configs.count)
            graph.configs.append(config)
            known[place] = number
            numbers.append(number)
        }
        return numbers
    }

    /// The values of an axis are text; where a number or boolean is wanted, the text is read as one.
    private static func fitted(_ value: ConfigValue, to key: ConfigKey) -> ConfigValue {
        switch (key.kind, value) {
        case (.number, .text(let text)), (.integer, .text(let text)), (.boolean, .text(let text)):
            YAMLScalar(text: text, isPlain: true).value
        case (.text, .integer), (.text, .real), (.text, .bool): .text(ConfigKey.text(of: value))
        default: value
        }
    }

    private mutating func seeds(of stage: Pipeline.StageUse, items: ItemSet) -> [UInt64] {
        guard let seed = stage.seed else { return [0] }
        if case .integer(let value) = seed.value.constant { return [UInt64(clamping: value)] }
        var seeds: [UInt64] = []
        for item in 0..<items.count {
            let value = seed.value.evaluated { items.value($0, at: item, of: pipeline.axes) }
            let text = ConfigKey.text(of: value)
            guard let number = UInt64(text) else {
                mistakes.append(
                    Diagnostic(
                        at: seed.mark,
                        "the seed of \(stage.name)\(label(items.coordinates(of: item, of: pipeline.axes))) is '\(text)'",
                        expected: "an integer from 0 up"))
                return [0]
            }
            seeds.append(number)
        }
        return seeds.isEmpty ? [0] : seeds
    }

    private func label(_ coordinates: [Coordinate]) -> String {
        coordinates.isEmpty ? "" : "[" + coordinates.map { "\($0.axis)=\($0.value)" }.joined(separator: ",") + "]"
    }

    // MARK: Inputs

    /// Gives a link the producer's items and their index.
    private mutating func prepare(_ link: inout InputLink) {
        switch link.connection.origin {
        case .stage(let producer, port: _):
            guard let items = stageItems[producer] else { return }
            link.prepare(items, axes: pipeline.axes)
        case .source(let source):
            if sourceItems[source] == nil {
                let declared = pipeline.sources[source]
                guard
                    let items = ItemSet(
                        axes: declared.axes, filters: declared.filters, of: pipeline.axes,
                        limit: GraphExpansion.taskLimit)
                else { return }
                sourceItems[source] = items
                sourceNumbers[source] = [Int32](repeating: -1, count: items.count)
                sourceItemNumbers[source] = numbers(of: items)
            }
            if let items = sourceItems[source] { link.prepare(items, axes: pipeline.axes) }
        }
    }

    private mutating func append(_ link: inout InputLink, item: Int) {
        let before = graph.inputs.count
        for place in link.places(of: item, axes: pipeline.axes) {
            for position in link.items(at: place) {
                let origin: WorkGraph.Origin
                let number: Int32
                switch link.connection.origin {
                case .stage(let producer, let port):
                    let count = stageItems[producer]?.count ?? 0
                    let offset = reversed.contains(producer) ? count - 1 - Int(position) : Int(position)
                    origin = .task(Int32(firstTask[producer] + offset), port: Int32(port))
                    number = stageItemNumbers[producer][Int(position)]
                case .source(let source):
                    origin = .source(sourceNumber(source, item: Int(position)))
                    number = sourceItemNumbers[source][Int(position)]
                }
                let attributes = link.attributeNumber(
                    of: Int(position), axes: pipeline.axes, sets: &graph.attributeSets)
                graph.inputs.append(
                    WorkGraph.Input(port: Int32(link.port), origin: origin, item: number, attributes: attributes))
            }
        }
        if graph.inputs.count == before { link.noteMissing(item) }
    }

    private mutating func sourceNumber(_ source: Int, item: Int) -> Int32 {
        let known = sourceNumbers[source][item]
        if known >= 0 { return known }
        let declared = pipeline.sources[source]
        let value = declared.file.evaluated { reference in
            sourceItems[source]?.value(reference, at: item, of: pipeline.axes) ?? .null
        }
        let number = Int32(graph.sources.count)
        graph.sources.append(declared.absolutePath(ConfigKey.text(of: value)))
        sourceNumbers[source][item] = number
        return number
    }
}
