import Foundation
import StageProtocol
import Testing

@Suite(.enabled(if: ScratchProject.isBuilt, "the built cyto-pipe stands beside the tests")) struct AnnouncementTests {
    private func announcing() throws -> ScratchProject {
        let project = try ScratchProject.fan()
        try project.write(
            "stages/page.yaml",
            """
            stage: page
            run: [sh, -c, 'cat "$2" > "$1"; echo "$3" >> "$1"', page, "${outputs.page}", "${inputs.text}", "${config.word}"]
            inputs: { text: { type: note } }
            outputs: { page: { type: file, extension: html, announce: true } }
            config: { word: { type: text, default: a } }
            resources: { memory: 10MiB }
            """)
        let pipeline = try project.read("p.yaml")
        try project.write("p.yaml", pipeline + "\n  page: { inputs: { text: final } }\n")
        for group in ["a", "b", "c"] {
            for leaf in 1...4 { try project.write("in/\(group)\(leaf).txt", "12345678") }
        }
        return project
    }

    @Test func theLastLineOfARunIsWhereTheAnnouncedOutputLies() throws {
        let project = try announcing()
        let first = try project.run("run", "p.yaml")
        #expect(first.status == 0)
        let line = try #require(first.output.split(separator: "\n").last)
        #expect(line.hasPrefix("page: ") && line.hasSuffix("/artifacts/reports/fan.html"))
        let link = project.folder + "/artifacts/reports/fan.html"
        let page = try String(contentsOfFile: link, encoding: .utf8)
        #expect(page.contains("12345"))
        let target = try FileManager.default.destinationOfSymbolicLink(atPath: link)
        #expect(target.hasPrefix("../objects/") && target.hasSuffix(".html"))

        // Nothing to do: told all the same.
        let again = try project.run("run", "p.yaml")
        #expect(again.output.split(separator: "\n").last == line)

        // Made anew: the same path leads to the new page.
        let edited = try project.run("run", "p.yaml", "--set", "page.word=other")
        #expect(edited.output.split(separator: "\n").last == line)
        #expect(try String(contentsOfFile: link, encoding: .utf8).hasSuffix("other\n"))
    }

    @Test func aPortCanAskForTheStageThatMadeItsFiles() throws {
        let project = try announcing()
        try project.write(
            "stages/who.yaml",
            """
            stage: who
            run: [cp, "${job}", "${outputs.job}"]
            inputs: { texts: { type: note, attributes: ["@stage"] } }
            outputs: { job: { type: file, extension: json } }
            resources: { memory: 10MiB }
            """)
        let pipeline = try project.read("p.yaml")
        try project.write("p.yaml", pipeline + "\n  who: { inputs: { texts: [final, group] } }\n")
        #expect(try project.run("run", "p.yaml", "who").status == 0)
        let path = try project.run("path", "who").output.trimmingCharacters(in: .whitespacesAndNewlines)
        let job = try String(contentsOfFile: path, encoding: .utf8)
        #expect(job.contains(#""@stage":{"name":"final"}"#) && job.contains(#""@stage":{"name":"group"}"#))
    }

    @Test func aRunWithoutTheAnnouncingTaskTellsNothing() throws {
        let project = try announcing()
        let outcome = try project.run("run", "p.yaml", "final")
        #expect(outcome.status == 0 && !outcome.output.contains("reports/"))
        guard case .list(let announced)? = try project.run("run", "p.yaml", "--json").json["announced"] else {
            Issue.record("no list of announced outputs")
            return
        }
        #expect(announced.count == 1)
    }
}
