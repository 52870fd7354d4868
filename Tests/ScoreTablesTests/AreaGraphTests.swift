import Foundation
import ScoreTables
import Testing

@Suite struct AreaGraphTests {
    @Test func hopsAreTheFewestSteps() {
        // A ring of five with a tail: 1-2-3-4-5-1, 3-9; 7-8 lie apart.
        let graph = AreaGraph(pairs: [(1, 2), (2, 3), (3, 4), (4, 5), (5, 1), (3, 9), (7, 8)])
        let hops = graph.hops(from: 1)
        #expect(hops == [1: 0, 2: 1, 5: 1, 3: 2, 4: 2, 9: 3])
        #expect(graph.hops(from: 42) == [42: 0])
        #expect(graph.hops(from: 9)[1] == 3, "the graph has no direction")
    }

    @Test func adjacencyTablesAreRead() throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).tsv").path
        try "area\tneighbour\tcontact_mm2\n1\t2\t3.5\n2\t3\t1.25\n".write(
            toFile: path, atomically: true, encoding: .utf8)
        #expect(try AreaGraph(reading: path) == AreaGraph(pairs: [(1, 2), (2, 3)]))
        try "area\tneighbour\n1\tx\n".write(toFile: path, atomically: true, encoding: .utf8)
        let error = #expect(throws: AreaGraphError.self) { try AreaGraph(reading: path) }
        #expect(error?.problem.contains("line 2") == true)
        try "a\tb\n1\t2\n".write(toFile: path, atomically: true, encoding: .utf8)
        #expect(throws: AreaGraphError.self) { try AreaGraph(reading: path) }
        #expect(throws: AreaGraphError.self) { try AreaGraph(reading: path + ".none") }
    }
}
