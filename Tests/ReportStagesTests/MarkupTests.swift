import Foundation
import ReportStages
import Testing

@Suite struct MarkupTests {
    @Test func textsAreEscapedAndMarkupIsNot() {
        let name = "<script>alert('x')</script> & \"more\""
        let cell: Markup = "<td title=\"\(name)\">\(name)</td>"
        #expect(!cell.html.contains("<script>") && !cell.html.contains("\"more\""))
        #expect(cell.html.hasPrefix("<td title=\"&lt;script&gt;") && cell.html.hasSuffix("</td>"))
        let row: Markup = "<tr>\([cell, cell])</tr>"
        #expect(row.html == "<tr>" + cell.html + cell.html + "</tr>")
        #expect(Markup(text: "a\u{0}b").html == "a\u{FFFD}b")
    }

    @Test func jsonCannotEndTheElementItStandsIn() throws {
        let text = "</script><b>\u{2028}\"\\ \u{1}"
        let json = JSONText.object([("name", .text(text)), ("x", .numbers([1, .nan, 0.333_333, -12_345.678]))])
        #expect(!json.written.contains("<") && !json.written.contains("\u{2028}"))
        let read = try JSONSerialization.jsonObject(with: Data(json.written.utf8)) as? [String: Any]
        #expect(read?["name"] as? String == text)
        let numbers = try #require(read?["x"] as? [Any])
        #expect(numbers[1] is NSNull)
        #expect(abs((numbers[2] as? Double ?? 0) - 0.33333) < 1e-9)
        #expect(abs((numbers[3] as? Double ?? 0) + 12_346) < 1)
    }

    @Test func numbersAreWrittenAsPeopleReadThem() {
        #expect(NumberText.fixed(0.126, 2) == "0.13")
        #expect(NumberText.fixed(-0.004, 2) == "0.00")
        #expect(NumberText.fixed(-1.5, 1) == "−1.5")
        #expect(NumberText.fixed(.nan, 2) == "–")
        #expect(NumberText.short(12_345) == "12\u{202F}345")
        #expect(NumberText.short(0.5321) == "0.532")
        #expect(NumberText.short(11_577.88) == "11\u{202F}578")
        #expect(NumberText.grouped(4654) == "4654")
        #expect(NumberText.words("macro_f1_seen") == "macro-F1 seen")
        #expect(NumberText.words("given_error_median_mm") == "given error median (mm)")
    }

    @Test func spreadIsThatOfASample() {
        #expect(Spread([1, 2, 3, .nan]).mean == 2)
        #expect(Spread([1, 2, 3]).deviation == 1)
        #expect(Spread([0.5]).text(decimals: 2) == "0.50")
        #expect(Spread([0.5, 0.7]).text(decimals: 2) == "0.60 ± 0.14")
        #expect(Spread([]).text() == "–")
        #expect(quantile(0.5, ofSorted: [1, 2, 3, 4]) == 2.5)
    }

    @Test func aDifferenceWithinTheSpreadIsOpen() {
        #expect(Findings.verdict(Spread([0.6, 0.62]), above: Spread([0.4, 0.42])) == .shown)
        #expect(Findings.verdict(Spread([0.4, 0.42]), above: Spread([0.6, 0.62])) == .notShown)
        #expect(Findings.verdict(Spread([0.4, 0.6]), above: Spread([0.45, 0.5])) == .open)
        #expect(Findings.verdict(Spread([0.5]), above: Spread([0.4])) == .shown)
        #expect(Findings.verdict(Spread([0.4]), above: Spread([0.5])) == .notShown)
        // What is printed alike is called alike, whatever its further digits say.
        #expect(Findings.verdict(Spread([0.4]), above: Spread([0.4])) == .equal)
        #expect(Findings.verdict(Spread([0.378]), above: Spread([0.376])) == .equal)
        #expect(Findings.verdict(Spread([0.378]), above: Spread([0.376]), decimals: 3) == .shown)
    }

    @Test func thePapersTablesAreWhole() throws {
        let paper = try PaperNumbers()
        // 12 models probed and 14 finetuned, three sets, three metrics.
        #expect(paper.classification.count == (12 + 14) * 9)
        #expect(
            PaperNumbers.find(paper.classification, "seen", "CytoNet-ViT (1M)", "linear-probe", "macro_f1")
                == .init(mean: 0.69, deviation: 0))
        #expect(
            PaperNumbers.find(paper.classification, "unseen", "SupCon-ViT", "finetune", "top3")
                == .init(mean: 0.49, deviation: 0.09))
        #expect(paper.coordinateErrors.count == 27 && paper.leftOut.count == 9 && paper.layers.count == 50)
        #expect(
            PaperNumbers.find(paper.layers, "CytoNet-ViT (1M)", "finetune", "1") == .init(mean: 0.21, deviation: 0.33))
        #expect(paper.text["similarity_r"]?.text() == "0.88 ± 0.09")
    }

    @Test func modelsAreNamedAsThePaperNamesThem() {
        let plain = ModelName(key: "cytonet", method: "cytonet", network: "small")
        #expect(plain.shown == "CytoNet" && plain.paperRow == "CytoNet (200k)")
        let hybrid = ModelName(key: "cytonet-vit", method: nil, network: nil)
        #expect(hybrid.shown == "CytoNet-ViT" && hybrid.paperRow == "CytoNet-ViT (1M)" && hybrid.isTransformer)
        let named = ModelName(key: "CytoNet-ViT", method: "cytonet", network: "small-vit")
        #expect(named.shown == "CytoNet-ViT" && named.paperRow == "CytoNet-ViT (1M)")
        #expect(ModelName(key: "cytonet-vit-m", method: nil, network: nil).paperRow == "CytoNet-ViT (1M) M")
        #expect(ModelName(key: "scratch", method: nil, network: nil).paperRow == "scratch")
        // Another σ is another model: not set beside the paper's.
        #expect(ModelName(key: "cytonet-sigma5", method: "cytonet", network: "small").paperRow == nil)
        #expect(ModelName(key: "mystery", method: nil, network: nil).paperRow == nil)
    }
}
