/// What the paper says, in figures, and whether this run shows the same: the table at the top of the page.
package struct Findings {
    package enum Verdict {
        /// As in the paper, by more than the spread where there is one.
        case shown
        /// The difference lies within the spread over seeds.
        case open
        /// The same figure as far as it is printed.
        case equal
        /// For most of what is counted, but not for all of it, as the paper says.
        case partly
        case notShown

        var words: String {
            switch self {
            case .shown: "✓ as in the paper"
            case .open: "≈ within the spread"
            case .equal: "≈ no difference"
            case .partly: "≈ in part"
            case .notShown: "✗ not here"
            }
        }

        var kind: Markup {
            switch self {
            case .shown: "shown"
            case .open, .equal, .partly: "open"
            case .notShown: "not-shown"
            }
        }
    }

    struct Row {
        var claim: String
        var paper: String
        var ours: String
        var verdict: Verdict
        /// Id of the section that shows it.
        var section: String
    }

    struct Card {
        var value: String
        var label: String
        var note: String
    }

    private(set) var rows: [Row] = []
    private(set) var cards: [Card] = []
    /// Shares of errors within one and two hops, by set.
    var errorsWithin: [String: (one: Double, two: Double)] = [:]

    mutating func add(card value: String, _ label: String, note: String = "") {
        cards.append(Card(value: value, label: label, note: note))
    }

    mutating func add(
        _ claim: String, paper: String, ours: String, holds verdict: Verdict, section: String
    ) {
        rows.append(Row(claim: claim, paper: paper, ours: ours, verdict: verdict, section: section))
    }

    /// One thing above another: ours by the difference of the means against the spread of both.
    mutating func compare(
        _ claim: String, _ high: Spread, above low: Spread, paper: (high: PaperNumbers.Score, low: PaperNumbers.Score)?,
        decimals: Int = 2, section: String
    ) {
        guard high.count > 0, low.count > 0 else { return }
        rows.append(
            Row(
                claim: claim,
                paper: paper.map { "\($0.high.text(decimals)) against \($0.low.text(decimals))" } ?? "no number",
                ours: "\(high.text(decimals: decimals)) against \(low.text(decimals: decimals))",
                verdict: Findings.verdict(high, above: low, decimals: decimals), section: section))
    }

    package static func verdict(_ high: Spread, above low: Spread, decimals: Int = 2) -> Verdict {
        guard NumberText.fixed(high.mean, decimals) != NumberText.fixed(low.mean, decimals) else { return .equal }
        let difference = high.mean - low.mean
        let (one, other) = (high.deviation ?? 0, low.deviation ?? 0)
        let spread = (one * one + other * other).squareRoot()
        if difference > spread { return .shown }
        return difference < -spread || spread == 0 ? .notShown : .open
    }

    /// What Table 5 is cited for.
    mutating func take(
        _ scores: ClassificationScores, rows: [ClassificationSection.Row], report: ReportContext
    ) {
        func row(_ method: String, vit: Bool) -> ClassificationSection.Row? {
            rows.first {
                let model = report.model(of: $0.variant)
                return model.method == method && model.isTransformer == vit && $0.form.isEmpty
                    && (model.plain == method || model.plain == method + "-vit")
            }
        }
        func score(_ row: ClassificationSection.Row?, _ set: String) -> (Spread, PaperNumbers.Score?)? {
            guard let row, let kind = scores.kind(row, .linearProbe) ?? scores.kind(row, .finetune) else { return nil }
            let paper = PaperNumbers.find(
                report.paper.classification, set, ClassificationSection.paperModel(row, report),
                kind.strategy.rawValue, "macro_f1")
            // Where the paper only trains a model from scratch, that is what it is compared with.
            let other = PaperNumbers.find(
                report.paper.classification, set, ClassificationSection.paperModel(row, report), "finetune", "macro_f1")
            return (scores.spread(kind, set, "macro_f1"), paper ?? other)
        }
        let main = row("cytonet", vit: false) ?? row("cytonet", vit: true)
        let isTransformer = main.map { report.model(of: $0.variant).isTransformer } ?? false
        if let main {
            let name = ClassificationSection.name(main, report)
            for set in scores.sets {
                guard let (ours, paper) = score(main, set), ours.count > 0 else { continue }
                add(
                    card: ours.text(decimals: 2), "macro-F1, \(set) brains",
                    note: "\(name), linear probe" + (paper.map { "; paper \($0.text())" } ?? ""))
            }
        }
        for (method, label) in [("simclr", "SimCLR"), ("supcon", "SupCon"), ("scratch", "training from scratch")] {
            let other = row(method, vit: isTransformer)
            for set in method == "simclr" ? ["seen", "transfer", "unseen"] : ["transfer"] {
                guard let (ours, paper) = score(main, set), let (theirs, low) = score(other, set) else { continue }
                compare(
                    "Areas, \(set) brains: CytoNet above \(label) (macro-F1)", ours, above: theirs,
                    paper: paper.flatMap { high in low.map { (high, $0) } }, section: "areas")
            }
        }
        if let (seen, paperSeen) = score(main, "seen"), let (transfer, paperTransfer) = score(main, "transfer") {
            compare(
                "Areas: seen brains above transfer brains", seen, above: transfer,
                paper: paperSeen.flatMap { high in paperTransfer.map { (high, $0) } }, section: "areas")
        }
        if let (transfer, paperTransfer) = score(main, "transfer"), let (unseen, paperUnseen) = score(main, "unseen") {
            compare(
                "Areas: transfer brains above unseen brains", transfer, above: unseen,
                paper: paperTransfer.flatMap { high in paperUnseen.map { (high, $0) } }, section: "areas")
        }
        for set in ["seen", "transfer", "unseen"] {
            guard let (one, two) = errorsWithin[set], let paper = report.paper.text["errors_within_1_hop_\(set)"],
                let paperTwo = report.paper.text["errors_within_2_hops_\(set)"]
            else { continue }
            add(
                "Errors on \(set) brains stay near: most within one hop of the true area",
                paper: "\(NumberText.percent(paper.mean)) within 1, \(NumberText.percent(paperTwo.mean)) within 2",
                ours: "\(NumberText.percent(one)) within 1, \(NumberText.percent(two)) within 2",
                holds: one > 0.5 ? .shown : .notShown, section: "areas")
        }
    }

    /// Sections in the order in which their findings are told.
    private static let order = ["areas", "layers", "features", "structure", "parcellation", "coordinates", "retrieval"]

    private static func place(_ section: String) -> Int { order.firstIndex(of: section) ?? order.count }

    var markup: Markup {
        guard !rows.isEmpty else { return .empty }
        let sorted = rows.enumerated().sorted {
            (Findings.place($0.element.section), $0.offset) < (Findings.place($1.element.section), $1.offset)
        }.map(\.element)
        let lines = sorted.map { row -> Markup in
            """
            <tr><th scope="row"><a href="#\(row.section)">\(row.claim)</a></th><td class="number">\(row.paper)</td>\
            <td class="number">\(row.ours)</td><td><span class="verdict \(row.verdict.kind)">\(row.verdict.words)</span></td></tr>
            """
        }
        return """
            <figure class="block table"><figcaption><strong>The paper’s findings, here.</strong> Each row compares figures of this page. “As in \
            the paper” says that the difference has the same sign and is larger than the standard deviation over seeds where there are several (after one training \
            no spread is known, and a small difference says little); it does not say that the size is the same. “In part”: for most, where the paper finds it for all.</figcaption><div class="scroll" tabindex="0"><table class="findings"><thead><tr><th scope="col">finding</th>\
            <th scope="col" class="number">paper</th><th scope="col" class="number">this run</th><th scope="col">verdict</th></tr></thead>\
            <tbody>\(lines)</tbody></table></div></figure>
            """
    }

    var cardsMarkup: Markup {
        // Areas and layers first: what the paper is cited for.
        let first = cards.filter { $0.label.contains("macro-F1") }
        let cards = (first + cards.filter { !$0.label.contains("macro-F1") }).map { card -> Markup in
            "<div class=\"card\"><b>\(card.value)</b><span>\(card.label)</span><small>\(card.note)</small></div>"
        }
        return cards.isEmpty ? .empty : "<div class=\"cards\">\(cards)</div>"
    }
}
