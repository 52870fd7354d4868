import Foundation
import StageProtocol
import Testing

/// `cyto-pipe export` through the built programs; what stands in which format is tested beside the worker.
@Suite(.enabled(if: ScratchProject.isBuilt, "cyto-pipe is not built beside the tests"))
struct ExportCommandTests {
    @Test func artifactsAreFoundByLabelAndDigestAndCopied() throws {
        let project = try ScratchProject.fan()
        #expect(try project.executed() == 16)
        let outcome = try project.run("export", "final", "--to", "final.txt", "--json")
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(outcome.json["from"] == .text("final.out") && outcome.json["type"] == .text("note"))
        guard case .text(let digest)? = outcome.json["artifact"] else {
            Issue.record("there is no digest in \(outcome.output)")
            return
        }
        let path = try project.run("path", "final").output.split(separator: "\n").first.map(String.init) ?? ""
        #expect(try project.read("final.txt") == String(contentsOfFile: path, encoding: .utf8))
        #expect(try project.run("export", String(digest.prefix(12)), "--to", "again.txt").status == 0)
        #expect(try project.read("again.txt") == project.read("final.txt"))
    }

    @Test func mistakesEndWithTheWorkersWordAndTheRightStatus() throws {
        let project = try ScratchProject.fan()
        _ = try project.executed()
        let impossible = try project.run("export", "final.out", "--to", "final.gii")
        #expect(impossible.status == 2 && impossible.errors.contains("an artifact of type note cannot go to gifti"))
        #expect(try project.run("export", "final", "--to", "nowhere/final.txt").status == 3)
        let several = try project.run("export", "leaf", "--to", "leaf.txt")
        #expect(several.status == 2 && several.errors.contains("means 12 tasks"))
        #expect(try project.run("export", "nothing", "--to", "x.txt").status == 1)
    }
}
