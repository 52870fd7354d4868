import Foundation
import Registration
import Testing

@Suite struct RecordedFitTests {
    struct Recording: Decodable {
        struct Case: Decodable {
            var moving: [[Double]]
            var fixed: [[Double]]
            /// Row-major 3 × 3.
            var matrix: [Double]
        }
        var cases: [Case]
    }

    @Test func theFitIsThatOfScikitImage() throws {
        let folder = try #require(Bundle.module.resourceURL)
        let file = folder.appending(path: "Vectors/rigid_fit.json")
        let recording = try JSONDecoder().decode(Recording.self, from: Data(contentsOf: file))
        #expect(recording.cases.count == 3)
        for recorded in recording.cases {
            // Both take an axis pair; scikit-image's (x, y) of the script is our (row, column).
            let fit = try #require(
                rigidFit(
                    recorded.moving.map { PlanarPoint(row: $0[0], column: $0[1]) },
                    recorded.fixed.map { PlanarPoint(row: $0[0], column: $0[1]) }))
            // Two ways to the same optimum, shifts of some hundred: rounding only.
            for (ours, theirs) in zip(fit.matrix, recorded.matrix) { #expect(abs(ours - theirs) < 1e-9) }
        }
    }
}
