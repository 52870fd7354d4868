import Foundation
import StageProtocol
import Testing

/// What the page says of where its figures are from, asked of the store: a run of the real stages on five small scans, and its report.
@Suite(
    .enabled(
        if: ScratchProject.isBuilt && ScratchProject.hasStages
            && FileManager.default.fileExists(atPath: "/usr/share/javascript/vega/vega-view.min.js"),
        "cyto-pipe, cyto-stage and Debian's libjs-vega are there"))
struct ReportTraceTests {
    @Test func everyDigestOnThePageLeadsBackToTheScans() throws {
        let project = try ScratchProject.scans()
        try project.write(
            "p.yaml",
            try project.read("p.yaml") + """

                  report:
                    inputs: { segmentation_preview: segmentation-preview.picture }
                    config: { pipeline: p.yaml }
                """)
        let run = try project.run("run", "p.yaml")
        #expect(run.status == 0, "\(run.errors)")
        let page = try project.run("path", "report").output.trimmingCharacters(in: .whitespacesAndNewlines)
        let html = try String(contentsOfFile: page, encoding: .utf8)

        let whole = Set(html.matches(of: />([0-9a-f]{64})</).map { String($0.1) })
        let asked = Set(html.matches(of: /cyto-pipe (?:show|audit) ([0-9a-f]+)/).map { String($0.1) })
        #expect(!whole.isEmpty && !asked.isEmpty)
        // What the commands name is a digest that stands beside them, shortened.
        #expect(asked.allSatisfy { short in short.count >= 12 && whole.contains { $0.hasPrefix(short) } })
        for digest in whole.union(asked) {
            let shown = try project.run("show", digest)
            #expect(shown.status == 0, "\(digest): \(shown.errors)")
            let audit = try project.run("audit", digest, "--verify", "--json")
            #expect(audit.status == 0, "\(digest): \(audit.errors)")
            let chain = try #require(try? JSONDecoder().decode(Chain.self, from: Data(audit.output.utf8)))
            #expect(Set(chain.openEnds).isEmpty, "\(digest)")
            #expect(chain.sources.count == 5)
        }
        // The page itself, copied away from the store, as its reader has it.
        let copy = project.folder + "/copy.html"
        try FileManager.default.copyItem(atPath: page, toPath: copy)
        let audit = try project.run("audit", copy, "--full", "--verify")
        #expect(audit.status == 0 && audit.output.contains("0004.tif") && audit.output.contains("5 source files"))
    }
}

/// A chain as `audit --json` tells it.
private struct Chain: Decodable {
    struct File: Decodable { var digest: String }
    struct Entry: Decodable {
        struct Task: Decodable { var inputs: [File] }
        struct Action: Decodable { var task: Task }
        var action: Action
        var outputs: [File]
    }
    var actions: [Entry]
    var sources: [File]

    /// What was read but neither made in the chain nor a source.
    var openEnds: [String] {
        let known = Set(actions.flatMap { $0.outputs.map(\.digest) } + sources.map(\.digest))
        return actions.flatMap { $0.action.task.inputs.map(\.digest) }.filter { !known.contains($0) }
    }
}
