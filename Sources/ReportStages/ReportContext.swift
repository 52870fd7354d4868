internal import StageKit
internal import StageProtocol

/// What the sections of the page are made from: the inputs by port, how to group them, and the page's numbering.
final class ReportContext {
    let stage: StageContext
    /// Axes along which a computation is repeated: what differs along them is averaged.
    let seedAxes: [String]
    let paper: PaperNumbers
    let pipeline: String
    let pictures: PictureEmbedder
    private(set) var usedSources: [ReportSource] = []
    private var chartCount = 0
    private var models: [String: ModelName] = [:]
    private(set) var modelOrder: [String] = []

    init(_ stage: StageContext) throws {
        self.stage = stage
        seedAxes = try stage.config.texts("seed_axes")
        pipeline = try stage.config.text("pipeline")
        paper = try PaperNumbers()
        pictures = PictureEmbedder(
            scratch: stage.scratch, widthPx: try stage.config.integer("picture_width_px", in: 64...8192),
            limitBytes: try stage.config.integer("pictures_mb", in: 1...1000) << 20)
        for port in stage.job.inputs.keys.sorted() {
            for source in sources(port) { note(model: source) }
        }
    }

    /// The artifacts of a port; empty where the pipeline gives it nothing.
    func sources(_ port: String) -> [ReportSource] {
        let stageName = ReportPorts.stage(of: port)
        return stage.optionalInputs(port).map { ReportSource($0, stage: stageName) }
    }

    func groups(_ port: String) -> [SeedGroup] { SeedGroup.grouped(sources(port), seedAxes: seedAxes) }

    /// The model that a variant is of; its name is that of the axis `model`.
    func model(of variant: Variant) -> ModelName {
        let key = variant["model"] ?? "model"
        return models[key] ?? ModelName(key: key, method: nil, network: nil)
    }

    /// The place of a model among all, so that it has the same colour and mark everywhere.
    func place(of model: ModelName) -> Int { modelOrder.firstIndex(of: model.key) ?? modelOrder.count }

    private func note(model source: ReportSource) {
        guard let key = source.coordinate("model"), models[key] == nil else { return }
        models[key] = ModelName(key: key, method: source.attribute("method"), network: source.attribute("network"))
        modelOrder.append(key)
        let rank = ["cytonet", "simclr", "supcon", "scratch"]
        func place(_ key: String) -> Int {
            let model = models[key]
            return 2 * (model?.method.flatMap { rank.firstIndex(of: $0) } ?? rank.count)
                + (model?.isTransformer == true ? 1 : 0)
        }
        modelOrder.sort { (place($0), $0) < (place($1), $1) }
    }

    /// What tells a variant from its siblings, in words: the model's name, then other coordinates.
    func words(_ variant: Variant) -> String {
        var parts: [String] = []
        if variant["model"] != nil { parts.append(model(of: variant).shown) }
        for coordinate in variant.coordinates where coordinate.axis != "model" {
            let isName = coordinate.value.contains { $0.isLetter }
            parts.append(isName ? coordinate.value : "\(NumberText.words(coordinate.axis)) \(coordinate.value)")
        }
        return parts.joined(separator: ", ")
    }

    /// A group's name among others: its variant, and its stage where the others have several.
    func words(_ group: SeedGroup, among groups: [SeedGroup]) -> String {
        let words = words(group.variant)
        guard Set(groups.map(\.stage)).count > 1 else { return words }
        return words.isEmpty ? group.stage : "\(words), \(group.stage)"
    }

    /// Variants in the order of their models.
    func sorted(_ groups: [SeedGroup]) -> [SeedGroup] {
        groups.enumerated().sorted { left, right in
            let (one, other) = (place(of: model(of: left.element.variant)), place(of: model(of: right.element.variant)))
            return (one, left.offset) < (other, right.offset)
        }.map(\.element)
    }

    func nextChart() -> String {
        chartCount += 1
        return "chart-\(chartCount)"
    }

    func use(_ sources: [ReportSource]) {
        for source in sources where !usedSources.contains(source) { usedSources.append(source) }
    }
}
