import NDArray
import Statistics
import Testing

@Suite struct NeighborTests {
    /// Points near a curved sheet of four dimensions in 30.
    static func sheet(_ count: Int) -> Matrix {
        var generator = SeededGenerator(seed: 9)
        let directions = (0..<4 * 30).map { _ in generator.normal() }
        var elements: [Float] = []
        for _ in 0..<count {
            let place = (0..<4).map { _ in generator.normal() }
            for column in 0..<30 {
                let value = (0..<4).reduce(0.0) { $0 + place[$1] * directions[$1 * 30 + column] }
                elements.append(Float(max(value, 0) + 0.05 * generator.normal()))
            }
        }
        return Matrix(rows: count, columns: 30, elements: elements)
    }

    @Test(arguments: DistanceMetric.allCases) func exactNeighborsAreThoseOfAPlainLoop(metric: DistanceMetric) throws {
        let points = Self.sheet(150)
        let table = try NeighborTable.nearest(to: points, neighbors: 7, metric: metric, threads: 2)
        for point in stride(from: 0, to: 150, by: 10) {
            func distance(_ other: Int) -> Double {
                var square = 0.0
                var product = 0.0
                var lengths = (0.0, 0.0)
                for (x, y) in zip(points.row(point), points.row(other)) {
                    square += Double((x - y) * (x - y))
                    product += Double(x * y)
                    lengths.0 += Double(x * x)
                    lengths.1 += Double(y * y)
                }
                return metric == .euclidean ? square.squareRoot() : 1 - product / (lengths.0 * lengths.1).squareRoot()
            }
            let expected = (0..<150).filter { $0 != point }.sorted { distance($0) < distance($1) }.prefix(7)
            #expect(table.neighbors(of: point).map(Int.init) == Array(expected))
            #expect(abs(Double(table.distances[point * 7 + 6]) - distance(expected[6])) < 1e-5)
        }
    }

    @Test func descentFindsNearlyAll() throws {
        let points = Self.sheet(4000)
        let exact = try NeighborTable.nearest(to: points, neighbors: 14, search: .exact, threads: 2)
        let found = try NeighborTable.nearest(to: points, neighbors: 14, search: .descent, seed: 1, threads: 2)
        var hits = 0
        for point in 0..<4000 {
            hits += Set(exact.neighbors(of: point)).intersection(found.neighbors(of: point)).count
        }
        #expect(Double(hits) / (4000 * 14) > 0.97)
        #expect(try NeighborTable.nearest(to: points, neighbors: 14, search: .descent, seed: 1, threads: 1) == found)
    }

    @Test func duplicatesAreNeighbors() throws {
        for search in [NeighborTable.Search.exact, .descent] {
            let table = try NeighborTable.nearest(
                to: Matrix(rows: 600, columns: 2, repeating: 5), neighbors: 3, search: search)
            #expect(table.distances.allSatisfy { $0 == 0 })
            for point in 0..<600 {
                let own = Set(table.neighbors(of: point))
                #expect(own.count == 3 && !own.contains(Int32(point)) && !own.contains(-1))
            }
        }
    }

    @Test func tooManyNeighborsAreRefused() {
        #expect(throws: StatisticsError.self) { try NeighborTable.nearest(to: Matrix([[1], [2]]), neighbors: 2) }
        #expect(throws: StatisticsError.self) { try NeighborTable.nearest(to: Matrix([[1]]), neighbors: 1) }
        #expect(throws: StatisticsError.self) { try NeighborTable.nearest(to: Matrix([[1], [2]]), neighbors: 0) }
    }
}
