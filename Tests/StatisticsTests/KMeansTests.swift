import NDArray
import Statistics
import Testing

@Suite struct KMeansTests {
    @Test func clustersAreThoseOfScikitLearnFromTheSameStart() throws {
        for given in try Vectors.load().kmeans {
            let found = try KMeans(of: matrix(given.points, columns: 3), startingFrom: matrix(given.start, columns: 3))
            #expect(found.labels == given.labels, "\(given.name)")
            #expect(abs(found.inertia / given.inertia - 1) < 1e-6, "\(given.name)")
            #expect(largestError(found.centers.elements.map(Double.init), given.centers) < 1e-5, "\(given.name)")
        }
    }

    @Test func separateClustersAreFoundWhateverTheThreads() throws {
        var generator = SeededGenerator(seed: 4)
        let truth = (0..<6000).map { _ in generator.index(below: 5) }
        var elements: [Float] = []
        for group in truth {
            for column in 0..<20 {
                let centre: Float = column % 5 == group ? 1008 : 1000
                elements.append(centre + Float(generator.normal()))
            }
        }
        let points = Matrix(rows: 6000, columns: 20, elements: elements)
        let one = try KMeans(of: points, clusters: 5, runs: 3, seed: 1, threads: 1)
        let three = try KMeans(of: points, clusters: 5, runs: 3, seed: 1, threads: 3)
        #expect(one == three)
        #expect(matchedAccuracy(clusters: one.labels, labels: truth) == 1)
        // 20 dimensions of variance 1 for each point.
        #expect(abs(one.inertia / (6000 * 20) - 1) < 0.02)
        #expect(one.nearestCenters(of: points) == one.labels)
    }

    @Test func everyPointIsItsOwnClusterWhereThereAreAsMany() throws {
        let found = try KMeans(of: Matrix([[0], [1], [5]]), clusters: 3, seed: 0)
        #expect(Set(found.labels).count == 3 && found.inertia == 0)
        #expect(try KMeans(of: Matrix([[3, 4]]), clusters: 1, seed: 0).centers == Matrix([[3, 4]]))
    }

    @Test func duplicatesLeaveClustersEmpty() throws {
        let found = try KMeans(of: Matrix(rows: 6, columns: 2, repeating: 3), clusters: 3, seed: 0)
        #expect(found.inertia == 0)
        #expect(found.labels == [0, 0, 0, 0, 0, 0])
        #expect(found.centers == Matrix(rows: 3, columns: 2, repeating: 3))
    }

    @Test func impossibleRequestsAreRefused() {
        #expect(throws: StatisticsError.self) { try KMeans(of: Matrix([[1], [2]]), clusters: 3, seed: 0) }
        #expect(throws: StatisticsError.self) { try KMeans(of: Matrix([[1], [2]]), clusters: 0, seed: 0) }
        #expect(throws: StatisticsError.self) { try KMeans(of: Matrix([[1], [.infinity]]), clusters: 1, seed: 0) }
    }
}
