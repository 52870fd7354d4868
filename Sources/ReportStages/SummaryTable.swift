internal import FoundationEssentials
internal import StageKit

/// What an evaluation says of itself: named figures, and tables (type scores-table).
struct EvaluationSummary: Sendable {
    enum Cell: Sendable, Equatable {
        case text(String)
        case number(Double)
        case undefined
    }

    struct Table: Sendable {
        var name: String
        var caption: String
        var columns: [String]
        var rows: [[Cell]]
    }

    var figures: [(name: String, value: Double)]
    var tables: [Table]

    /// Reads a summary; members that are not part of the contract are left alone.
    init(_ source: ReportSource) throws {
        guard let data = FileManager.default.contents(atPath: source.path) else {
            throw StageError(.inputOutput, "cannot be read", port: source.port, file: source.path)
        }
        guard let object = try? JSONDecoder().decode(Page.self, from: data) else {
            throw StageError(
                .badInput, "is no scores table: JSON with {\"figures\": {name: number}, \"tables\": […]} is expected",
                port: source.port, file: source.path)
        }
        figures = (object.figures ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, $0.value.number ?? .nan) }
        tables = (object.tables ?? []).map { table in
            Table(
                name: table.name, caption: table.caption ?? "", columns: table.columns,
                rows: table.rows.map { row in
                    row.map { cell in
                        if let number = cell.number { return .number(number) }
                        return cell.text.map { .text($0) } ?? .undefined
                    }
                })
        }
    }

    func figure(_ name: String) -> Double? { figures.first { $0.name == name }?.value }
    func table(_ name: String) -> Table? { tables.first { $0.name == name } }

    private struct Page: Decodable {
        var figures: [String: Value]?
        var tables: [Entry]?
    }

    private struct Entry: Decodable {
        var name: String
        var caption: String?
        var columns: [String]
        var rows: [[Value]]
    }

    private struct Value: Decodable {
        var number: Double?
        var text: String?

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() { return }
            if let number = try? container.decode(Double.self) {
                self.number = number
            } else if let bool = try? container.decode(Bool.self) {
                text = bool ? "yes" : "no"
            } else {
                text = try container.decode(String.self)
            }
        }
    }
}

/// Summaries of one evaluation over all its items, brought into as few tables as there are to read: the runs of one variant averaged.
struct SummaryDigest {
    struct Group {
        var variant: Variant
        var summaries: [EvaluationSummary]
    }

    let groups: [Group]
    let sources: [ReportSource]
    /// How many runs each group has at most.
    let runs: Int
    /// The stage that the summaries are of.
    let stage: String
    /// The port's other stages, each by itself: what different stages found is never averaged.
    let others: [SummaryDigest]

    /// The summaries of a port's first stage, and those of its others beside them.
    ///
    /// - Parameter repeats: axes that are averaged over like seeds.
    init(port: String, repeats: [String] = [], in report: ReportContext) throws {
        let sources = report.sources(port)
        var stages: [String] = []
        for source in sources where !stages.contains(source.stage) { stages.append(source.stage) }
        try self.init(
            sources.filter { $0.stage == stages.first }, repeats,
            others: try stages.dropFirst().map { stage in
                try SummaryDigest(sources.filter { $0.stage == stage }, repeats, others: [], in: report)
            }, in: report)
    }

    private init(
        _ sources: [ReportSource], _ repeats: [String], others: [SummaryDigest], in report: ReportContext
    ) throws {
        self.sources = sources
        self.others = others
        stage = sources.first?.stage ?? ""
        groups = try report.sorted(SeedGroup.grouped(sources, seedAxes: report.seedAxes + repeats)).map { group in
            Group(variant: group.variant, summaries: try group.sources.map(EvaluationSummary.init))
        }
        runs = groups.map(\.summaries.count).max() ?? 0
    }

    var isEmpty: Bool { groups.isEmpty }

    /// A figure of a variant over its runs.
    func spread(_ figure: String, of group: Group) -> Spread {
        Spread(group.summaries.compactMap { $0.figure(figure) })
    }

    /// Names of all tables, in the order in which they come.
    var tableNames: [String] {
        var names: [String] = []
        for table in groups.flatMap(\.summaries).flatMap(\.tables) where !names.contains(table.name) {
            names.append(table.name)
        }
        return names
    }

    /// All figures: one row each, one column a variant.
    func figures(_ report: ReportContext, leavingOut: (String) -> Bool = { _ in false }) -> Markup? {
        var names: [String] = []
        for (name, _) in groups.flatMap(\.summaries).flatMap(\.figures) where !names.contains(name) && !leavingOut(name)
        {
            names.append(name)
        }
        guard !names.isEmpty else { return nil }
        // Many variants of few figures are easier to read with a row each.
        if groups.count > 6, names.count < groups.count {
            let rows = groups.map { group in
                [PageTable.Cell.text(label(group, report))] + names.map { .number(spread($0, of: group).text()) }
            }
            return PageTable(columns: [""] + names.map(NumberText.words), rows: rows).markup
        }
        let rows = names.map { name in
            [PageTable.Cell.text(NumberText.words(name))] + groups.map { .number(spread(name, of: $0).text()) }
        }
        return PageTable(columns: ["figure"] + groups.map { label($0, report) }, rows: rows).markup
    }

    private func label(_ group: Group, _ report: ReportContext) -> String {
        let words = report.words(group.variant)
        return words.isEmpty ? "value" : words
    }

    /// A table by name: the rows of every variant below each other; numbers of several runs as mean ± sd where the runs have the same rows.
    func table(_ name: String, _ report: ReportContext, of only: Variant? = nil) -> (
        caption: String, markup: Markup, rows: Int
    )? {
        let shown = groups.filter { only == nil || $0.variant == only }
        let tables = shown.map { group in (group, group.summaries.compactMap { $0.table(name) }) }
        guard let first = tables.lazy.compactMap({ $0.1.first }).first else { return nil }
        let isSplit = shown.count > 1
        var table = PageTable(
            columns: first.columns.map(NumberText.words), headings: 1)
        for (group, runs) in tables {
            guard let lead = runs.first, lead.columns == first.columns else { continue }
            if isSplit { table.groups[table.rows.count] = label(group, report) }
            let same = runs.filter { $0.rows.count == lead.rows.count }
            for (index, row) in lead.rows.enumerated() {
                table.rows.append(
                    row.indices.map { column in
                        let cell = SummaryDigest.cell(
                            same.compactMap { run in
                                column < run.rows[index].count ? run.rows[index][column] : nil
                            })
                        // What is measured is written as figures' names are.
                        guard case .text(let text) = cell,
                            ["space", "property", "target"].contains(first.columns[column])
                        else { return cell }
                        return .text(NumberText.words(text))
                    })
            }
        }
        return (first.caption, table.markup, table.rows.count)
    }

    private static func cell(_ cells: [EvaluationSummary.Cell]) -> PageTable.Cell {
        let numbers = cells.compactMap { cell -> Double? in
            if case .number(let number) = cell { number } else { nil }
        }
        guard !numbers.isEmpty else {
            if case .text(let text)? = cells.first { return .text(text) }
            return .number("–")
        }
        return .number(Spread(numbers).text())
    }

    /// Everything, as figures of the page: for evaluations that the page knows nothing special of, and as the rest of those it knows.
    ///
    /// - Parameter folding: long ones are folded away, each under a line of its own.
    func blocks(
        _ report: ReportContext, title: String, leavingOut tables: [String] = [], folding: Bool = true
    ) -> [Markup] {
        var blocks: [Markup] = []
        let spread = runs > 1 ? " Mean ± standard deviation over \(runs) runs." : ""
        if let figures = figures(report) {
            let count = Set(groups.flatMap(\.summaries).flatMap(\.figures).map(\.name)).count
            let figure = Figure(
                name: title, caption: Markup(text: "Main figures." + spread), body: figures, sources: sources,
                isTable: true
            ).markup(report)
            // Many figures stand in a table of their own, too, and are for looking up.
            blocks.append(
                count <= 16 || !folding
                    ? figure
                    : "<details class=\"more\"><summary>\(title): \(count) figures</summary>\(figure)</details>")
        }
        for name in tableNames where !tables.contains(name) {
            guard let (caption, markup, rows) = table(name, report) else { continue }
            let text = caption.isEmpty ? NumberText.words(name) : caption
            let figure = Figure(
                name: title, caption: Markup(text: (text.hasSuffix(".") ? text : text + ".") + spread), body: markup,
                sources: sources, isTable: true
            ).markup(report)
            // A screen at most without being asked for.
            blocks.append(
                rows <= 16 || !folding
                    ? figure
                    : "<details class=\"more\"><summary>\(title): \(NumberText.words(name)), \(rows) rows</summary>\(figure)</details>"
            )
        }
        for other in others {
            blocks += other.blocks(
                report, title: "\(title), \(other.stage)", leavingOut: tables, folding: folding)
        }
        return blocks
    }

    /// All that `blocks` gives, folded away under one line.
    func foldedBlocks(_ report: ReportContext, title: String, leavingOut tables: [String] = []) -> [Markup] {
        let blocks = blocks(report, title: title, leavingOut: tables, folding: false)
        guard !blocks.isEmpty else { return [] }
        return ["<details class=\"more\"><summary>\(title): all figures</summary>\(blocks)</details>"]
    }
}
