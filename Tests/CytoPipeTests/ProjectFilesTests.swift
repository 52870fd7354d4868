import Foundation
import Testing

/// The project's own manifests and pipelines.
@Suite(.enabled(if: ScratchProject.isBuilt, "cyto-pipe is not built beside the tests"))
struct ProjectFilesTests {
    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static let pipelines: [String] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: root.appending(path: "pipelines").path)) ?? []
        return names.filter { $0.hasSuffix(".yaml") }.sorted()
    }()

    private func lint(_ path: String) throws -> ScratchProject.Outcome {
        let project = try ScratchProject()
        return try project.run("lint", ProjectFilesTests.root.appending(path: path).path)
    }

    @Test func everyManifestIsFreeOfMistakes() throws {
        let outcome = try lint("stages")
        #expect(outcome.status == 0, "\(outcome.errors)")
    }

    @Test(arguments: pipelines)
    func everyPipelineIsFreeOfMistakes(name: String) throws {
        let outcome = try lint("pipelines/" + name)
        // Without the data of a cohort, its table is the one thing that may be missing.
        let isWithoutData = outcome.errors.contains("there is no table") || outcome.errors.contains("no file matches")
        #expect(outcome.status == 0 || isWithoutData, "\(outcome.errors)")
    }
}
