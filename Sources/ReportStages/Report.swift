internal import FoundationEssentials
internal import HDF5
public import StageKit
internal import StageProtocol

/// Brings what a pipeline found into one HTML page: the paper's tables and figures with our numbers, pictures of every step, and for each of them
/// the artifact that it is from.
///
/// All inputs are optional: a section whose evaluation is not part of the run says so in a sentence. What is computed with several seeds is shown as
/// mean ± standard deviation. The page holds everything, the plot library included, and needs no network.
public struct Report: Stage {
    public static let name = "report"
    public static let summary =
        "One self-contained HTML page: the paper's tables and figures with our numbers beside the paper's, and where each is from."

    public static func run(_ context: StageContext) throws {
        let library = try PlotLibrary(folder: try context.config.text("vega"))
        let report = try ReportContext(context)
        var findings = Findings()
        var sections: [PageSection] = []
        let makers: [(String, (inout Findings) throws -> PageSection?)] = [
            ("geometry", { try GeometrySection.make(report, findings: &$0) }),
            ("training", { _ in try TrainingSection.make(report) }),
            ("feature space", { try EmbeddingSection.make(report, findings: &$0) }),
            ("attention", { _ in try AttentionSection.make(report) }),
            ("structure", { try StructureSection.make(report, findings: &$0) }),
            ("areas", { try ClassificationSection.make(report, findings: &$0) }),
            ("layers", { try LayersSection.make(report, findings: &$0) }),
            ("parcellation", { try ParcellationSection.make(report, findings: &$0) }),
            ("coordinates", { try CoordinatesSection.make(report, findings: &$0) }),
            ("retrieval", { try RetrievalSection.make(report, findings: &$0) }),
            ("beyond", { _ in try EvaluationSections.beyond(report) }),
            ("others", { _ in try EvaluationSections.others(report) }),
        ]
        for (index, (step, make)) in makers.enumerated() {
            context.progress(Double(index) / Double(makers.count + 1), step)
            if let section = try make(&findings) { sections.append(section) }
        }
        sections.append(ProvenanceSection.make(report, library: library))
        let page = ReportPage(
            title: try context.config.text("title"), subtitle: try context.config.text("subtitle"), findings: findings,
            sections: sections, counts: try counts(report), library: library)
        let html = Data(page.html.utf8)
        context.figure("page_mb", Double(html.count) / 1_048_576)
        context.figure("artifacts", Double(report.usedSources.count))
        context.figure("missing", Double(sections.reduce(0) { $0 + $1.missing.count }))
        if report.pictures.leftOut > 0 {
            context.warn("\(report.pictures.leftOut) pictures were left out; config.pictures_mb allows more")
        }
        let path = try context.output("page")
        guard FileManager.default.createFile(atPath: path, contents: html) else {
            throw StageError(.inputOutput, "the page cannot be written", port: "page", file: path)
        }
    }

    /// How much went into the page: brains, models, seeds, artifacts.
    private static func counts(_ report: ReportContext) throws -> [(String, String)] {
        var values: [String: Set<String>] = [:]
        var artifacts = 0
        for port in report.stage.job.inputs.keys {
            for source in report.sources(port) {
                artifacts += 1
                for coordinate in source.item { values[coordinate.axis, default: []].insert(coordinate.value) }
            }
        }
        // Scores over all brains carry no such axis; they name their brains.
        for source in report.sources("area_classification") {
            let file = try HDF5File(reading: source.path)
            if file.contains("/brains/name") {
                try values["brain", default: []].formUnion(file.readTexts("/brains/name"))
            }
        }
        func entry(_ count: Int, _ one: String, _ many: String) -> (String, String)? {
            count == 0 ? nil : (NumberText.grouped(count), count == 1 ? one : many)
        }
        var entries = [
            entry(values["brain"]?.count ?? 0, "brain", "brains"), entry(report.modelOrder.count, "model", "models"),
        ].compactMap { $0 }
        for axis in report.seedAxes {
            let name = NumberText.words(axis)
            if let entry = entry(values[axis]?.count ?? 0, name, name + "s") { entries.append(entry) }
        }
        return entries + [entry(artifacts, "artifact", "artifacts")].compactMap { $0 }
    }
}
