internal import StageKit
internal import StageProtocol

/// Every artifact that the page was made from, and how to check and repeat it.
enum ProvenanceSection {
    static func make(_ report: ReportContext, library: PlotLibrary) -> PageSection {
        var section = PageSection(id: "provenance", title: "Where every number is from")
        section.lead = """
            Each figure names the artifacts that it shows by the SHA-256 of their bytes. The first twelve digits are enough for \
            <code>cyto-pipe show</code>, <code>path</code>, <code>audit</code> and <code>export</code>; <code>audit --verify</code> rehashes the whole \
            chain back to the source files, <code>audit --replay</code> makes the artifact again and compares the bytes.
            """
        var all: [ReportSource] = []
        for port in report.stage.job.inputs.keys.sorted() { all += report.sources(port) }
        var table = PageTable(columns: ["task", "artifact (SHA-256)", "port"])
        for source in all {
            table.rows.append([
                .text(source.label), .markup("<code class=\"digest\">\(source.digest)</code>"), .text(source.port),
            ])
        }
        section.blocks.append(
            "<details class=\"more\"><summary>All \(all.count) artifacts</summary>\(table.markup)</details>")
        section.blocks.append(
            """
            <p>Make the page again: <code>cyto-pipe run \(report.pipeline)</code>. What would run, and why: \
            <code>cyto-pipe plan \(report.pipeline)</code>.</p>\
            <p>Plots: Vega (\(library.version)), BSD-3-Clause, University of Washington Interactive Data Lab. The page holds all that it shows and \
            asks the network for nothing.</p>
            """)
        return section
    }
}
