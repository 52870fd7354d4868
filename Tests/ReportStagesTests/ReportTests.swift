import Foundation
import HDF5
import ReportStages
import StageKit
import StageProtocol
import Testing

@Suite(.enabled(if: SmallRun.hasVega, "Debian's libjs-vega is installed")) struct ReportTests {
    @Test func aRunWithNothingGivesAPageThatSaysWhatIsMissing() throws {
        let page = try SmallRun().report()
        #expect(page.hasPrefix("<!doctype html>") && page.contains("</html>"))
        for stage in ["area-classification", "embedding", "layer-segmentation", "retrieval", "attention-maps"] {
            #expect(page.contains("<code>\(stage)</code>"), "\(stage)")
        }
    }

    @Test func seedsBecomeMeanAndDeviationBesideThePapersNumbers() throws {
        let run = try SmallRun()
        try run.addAll()
        let page = try run.report()
        // 0.70, 0.71, 0.72 on seen brains; the paper's CytoNet (200k) has 0.64 ± 0.00.
        #expect(page.contains("0.71 ± 0.01<span class=\"paper\"><span>paper </span>0.64 ± 0.00</span>"))
        // Layers: four folds of three seeds at 1 %, 0.60 and 0.62.
        #expect(page.contains("0.61 ± 0.01<span class=\"paper\"><span>paper </span>0.59 ± 0.06</span>"))
        #expect(page.contains("Areas, transfer brains: CytoNet above SimCLR (macro-F1)"))
        #expect(page.contains("0.61 ± 0.01 against 0.41 ± 0.01"))
        // Half of the errors are one hop away, half two.
        #expect(page.contains("50\u{202F}% within 1, 100\u{202F}% within 2"))
    }

    @Test func fewLabelsStandBesideAllOfThem() throws {
        let run = try SmallRun()
        try run.addAll()
        let page = try run.report()
        #expect(page.contains("5 labels an area") && page.contains("all labels"))
        // The mean of the two draws, on seen and on transfer brains.
        #expect(page.contains("0.55 ± 0.00") && page.contains("0.45 ± 0.00"))
    }

    @Test func everyArtifactIsNamedWithItsTaskAndDigest() throws {
        let run = try SmallRun()
        try run.addAll()
        let page = try run.report()
        for (port, files) in run.inputs {
            for file in files { #expect(page.contains(file.digest), "\(port)") }
        }
        #expect(page.contains("area-classification[model=cytonet,training_seed=0]"))
        #expect(page.contains("cyto-pipe audit"))
    }

    @Test func thePageAsksTheNetworkForNothing() throws {
        let run = try SmallRun()
        try run.addAll()
        let page = try run.report()
        #expect(page.contains("default-src 'none'"))
        for element in ["<link", "<iframe", "src=\"http", "src=\"//", "url(http", "@import"] {
            #expect(!page.contains(element), "\(element)")
        }
    }

    @Test func namesCannotBringMarkupIn() throws {
        let run = try SmallRun()
        try run.addAll()
        try run.write(
            "evil.json",
            #"{"figures": {"<img src=x onerror=alert(1)>": 1}, "tables": [{"name": "t", "caption": "</script><b>", "columns": ["<u>"], "rows": [["<s>"], [null]]}]}"#
        )
        run.add("summaries", "evil.json", [("model", "<script>alert(2)</script>")])
        let page = try run.report()
        for text in ["<img src=x", "</script><b>", "<u>", "<s>", "<script>alert", "<i>c</i>"] {
            #expect(!page.contains(text), "\(text)")
        }
        #expect(page.contains("&lt;script&gt;alert(2)"))
    }

    @Test func theSameInputsGiveTheSameBytes() throws {
        let run = try SmallRun()
        try run.addAll()
        let first = try run.report()
        #expect(try run.report() == first)
    }

    @Test func aMissingLibraryIsAnErrorThatSaysHowToInstallIt() throws {
        let run = try SmallRun()
        #expect {
            try run.report(vega: run.folder)
        } throws: { error in
            "\(error)".contains("apt-get install libjs-vega") && "\(error)".contains(run.folder)
        }
    }

    @Test func damagedInputsAreNamed() throws {
        let run = try SmallRun()
        try run.write("bad.json", "{\"figures\": [1, 2]}")
        run.add("geometry_check", "bad.json", [("brain", "B01")])
        #expect { try run.report() } throws: { "\($0)".contains("geometry_check") && "\($0)".contains("scores table") }
        let other = try SmallRun()
        try HDF5File.create(other.path("scores.h5")) { file in
            try file.setAttribute("strategy", to: "guessing")
            try file.write(texts: ["seen"], to: "/scores/set")
        }
        other.add("area_classification", "scores.h5")
        #expect { try other.report() } throws: { "\($0)".contains("guessing") }
    }

    @Test func whatDifferentStagesFoundIsNeverAveraged() throws {
        let run = try SmallRun()
        for (stage, value) in [("one-stage", 1.0), ("other-stage", 3.0)] {
            try run.write("\(stage).json", "{\"figures\": {\"thing\": \(value)}}")
            run.add(
                "summaries", "\(stage).json", [("model", "cytonet"), ("training_seed", "0")],
                attributes: ["@stage": ["name": .text(stage)]])
        }
        let page = try run.report()
        #expect(page.contains("one-stage[model=cytonet,training_seed=0]"))
        #expect(page.contains("other-stage[model=cytonet,training_seed=0]"))
        #expect(!page.contains("2 ± 1"))
    }

    @Test func oneSeedHasNoSpread() throws {
        let run = try SmallRun()
        try run.addAll()
        for (port, files) in run.inputs {
            run.inputs[port] = files.filter { file in
                !file.item.contains { $0.axis == "training_seed" && $0.value != "0" }
            }
        }
        let page = try run.report()
        #expect(page.contains("One training seed: no spread is given."))
        #expect(page.contains(">0.70<span class=\"paper\">"))
    }
}
