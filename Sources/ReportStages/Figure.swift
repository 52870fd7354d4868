/// A figure or table of the page, with its caption and where it is from.
struct Figure {
    /// Short and bold: `Figure 5A`, `Table 7`, or words where the paper has none.
    var name: String
    var caption: Markup
    var body: Markup
    var sources: [ReportSource]
    /// Tables have their caption above, figures below.
    var isTable = false

    func markup(_ report: ReportContext) -> Markup {
        report.use(sources)
        let caption: Markup =
            "<figcaption><strong>\(name).</strong> \(self.caption)\(SourceList.markup(sources))</figcaption>"
        return isTable
            ? "<figure class=\"block table\">\(caption)\(body)</figure>"
            : "<figure class=\"block\">\(body)\(caption)</figure>"
    }
}

/// Where a figure is from: each artifact's task and digest, and how to check and repeat it.
enum SourceList {
    static func markup(_ sources: [ReportSource]) -> Markup {
        guard let first = sources.first else { return .empty }
        let more: Markup = sources.count > 1 ? " and \(sources.count - 1) more" : ""
        let rows = sources.prefix(200).map { source -> Markup in
            "<li><code>\(source.label)</code> <code class=\"digest\">\(source.digest)</code></li>"
        }
        return """
            <details class="source"><summary>Source: <code>\(first.label)</code> <code>\(first.shortDigest)</code>\(more)</summary>\
            <ul>\(rows)</ul>\
            <p>Its task and figures: <code>cyto-pipe show \(first.shortDigest)</code>. Back to the source files: <code>cyto-pipe audit \
            \(first.shortDigest) --verify</code>. Made again and compared: <code>cyto-pipe audit \(first.shortDigest) --replay</code>.</p></details>
            """
    }
}

/// A plot: what the page's script draws, and words for those who cannot see it.
enum Chart {
    /// - Parameters:
    ///   - heightPx: kept before the plot is drawn, so that nothing moves.
    static func markup(
        _ data: [(String, JSONText)], heightPx: Int, description: String, title: String? = nil,
        in report: ReportContext
    ) -> Markup {
        let name = report.nextChart()
        let heading: Markup = title.map { "<h4>\($0)</h4>" } ?? .empty
        let legend = Legend.places(of: data, chart: name)
        let json = Markup(trusted: JSONText.object(data).written)
        return """
            <div class="chart">\(heading)\(legend)<div class="plot" id="\(name)" style="height:\(heightPx)px" role="img" \
            aria-label="\(description)"></div><script type="application/json" data-for="\(name)">\(json)</script></div>
            """
    }

    /// Several plots beside each other where there is room, below each other on a phone.
    static func row(_ charts: [Markup], columns: Int = 3) -> Markup {
        "<div class=\"charts columns-\(min(columns, max(charts.count, 1)))\">\(charts)</div>"
    }
}

/// A table of the page.
struct PageTable {
    enum Cell {
        case text(String)
        case markup(Markup)
        /// Set to the right.
        case number(String)
        /// Ours, and the paper's below it.
        case compared(String, paper: String?)
    }

    var columns: [String]
    var rows: [[Cell]] = []
    /// How many leading columns name the row.
    var headings = 1
    /// Rows before which a line of its own says what follows.
    var groups: [Int: String] = [:]

    var markup: Markup {
        var body: [Markup] = []
        for (index, row) in rows.enumerated() {
            if let group = groups[index] {
                body.append(
                    "<tr class=\"group\"><th colspan=\"\(columns.count)\" scope=\"rowgroup\">\(group)</th></tr>")
            }
            let cells = row.enumerated().map { column, cell -> Markup in
                let content: Markup
                var kind: Markup = .empty
                switch cell {
                case .text(let text): content = Markup(text: text)
                case .markup(let markup): content = markup
                case .number(let text):
                    content = Markup(text: text)
                    kind = " class=\"number\""
                case .compared(let ours, let paper):
                    let below: Markup = paper.map { "<span class=\"paper\"><span>paper </span>\($0)</span>" } ?? .empty
                    content = "\(ours)\(below)"
                    kind = " class=\"number\""
                }
                return column < headings ? "<th scope=\"row\">\(content)</th>" : "<td\(kind)>\(content)</td>"
            }
            body.append("<tr>\(cells)</tr>")
        }
        let head = columns.enumerated().map { column, name -> Markup in
            let isNumber = rows.contains { row in
                guard column < row.count else { return false }
                switch row[column] {
                case .number, .compared: return true
                case .text, .markup: return false
                }
            }
            let kind: Markup = isNumber ? " class=\"number\"" : .empty
            return "<th scope=\"col\"\(kind)>\(name)</th>"
        }
        return """
            <div class="scroll" tabindex="0"><table><thead><tr>\(head)</tr></thead><tbody>\(body)</tbody></table></div>
            """
    }
}

/// A part of the page.
struct PageSection {
    var id: String
    var title: String
    var lead: Markup = .empty
    var blocks: [Markup] = []
    /// What this page could show and this run does not have, one sentence each.
    var missing: [Markup] = []

    var markup: Markup {
        let gaps: Markup =
            missing.isEmpty ? .empty : "<div class=\"missing\">\(missing.map { "<p>\($0)</p>" as Markup })</div>"
        let opening: Markup = lead.isEmpty ? .empty : "<p class=\"lead\">\(lead)</p>"
        return "<section id=\"\(id)\"><h2>\(title)</h2>\(opening)\(blocks)\(gaps)</section>"
    }
}
