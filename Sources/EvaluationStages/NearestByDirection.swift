internal import LinearAlgebra
internal import NDArray
internal import StageKit
internal import Statistics

/// The nearest points to some queries by cosine similarity, exactly: every point is compared with every query, block by block.
///
/// Memory is that of the queries and one block; time is O(queries · points · features) in matrix products.
struct NearestByDirection {
    /// Rows that are searched for.
    var queries: [Int]
    var neighbours: Int
    var exclude: Retrieval.Exclusion
    var threads: Int

    /// A point that a query found.
    struct Found: Equatable, Sendable {
        var row: Int
        var similarity: Float
    }

    /// Of each query its neighbours, most alike first; of equal ones the lower row.
    func run(_ table: FeatureTable, progress: (Double) -> Void = { _ in }) throws -> [[Found]] {
        let points = table.points
        let directions = unitRows(try table.matrix(rows: queries))
        var best = [[Found]](repeating: [], count: queries.count)
        try table.forEachBlock(rows: 4096) { range, block in
            if let place = block.firstNotFinite {
                throw table.notFinite(
                    range.lowerBound + place.row, place.column, block[place.row, place.column])
            }
            let candidates = unitRows(block)
            best.withUnsafeMutableBufferPointer { buffer in
                guard !buffer.isEmpty else { return }
                let lists = DisjointSlices(buffer)
                parallelBands(queries.count, band: 64, threads: threads) { band in
                    let products = Matrix(rows: band.count, columns: range.count) { output in
                        directions.withUnsafeElements { left in
                            candidates.withUnsafeElements { right in
                                productWithTranspose(
                                    UnsafeBufferPointer(
                                        rebasing: left[band.lowerBound * table.width..<band.upperBound * table.width]),
                                    rows: band.count, right, rows: range.count, inner: table.width, into: output)
                            }
                        }
                    }
                    for query in band {
                        var list = lists[query]
                        for (offset, similarity) in products.row(query - band.lowerBound).enumerated() {
                            if list.count == neighbours, similarity <= list[neighbours - 1].similarity { continue }
                            let row = range.lowerBound + offset
                            if isExcluded(row, from: queries[query], points) { continue }
                            let place = list.firstIndex { $0.similarity < similarity } ?? list.count
                            list.insert(Found(row: row, similarity: similarity), at: place)
                            if list.count > neighbours { list.removeLast() }
                        }
                        lists[query] = list
                    }
                }
            }
            progress(Double(range.upperBound) / Double(points.count))
        }
        return best
    }

    private func isExcluded(_ row: Int, from query: Int, _ points: PointTable) -> Bool {
        exclude.covers(row, query, points)
    }

    /// Rows of length 1; a row of zeros stays.
    private func unitRows(_ matrix: Matrix) -> Matrix {
        var result = matrix
        let columns = matrix.columns
        result.withUnsafeMutableElements { elements in
            for row in 0..<matrix.rows {
                var square = 0.0
                for place in row * columns..<(row + 1) * columns {
                    square += Double(elements[place]) * Double(elements[place])
                }
                guard square > 0 else { continue }
                let scale = Float(1 / square.squareRoot())
                for place in row * columns..<(row + 1) * columns { elements[place] *= scale }
            }
        }
        return result
    }
}

extension Retrieval.Exclusion {
    /// Whether a point is none that a query may find.
    func covers(_ row: Int, _ query: Int, _ points: PointTable) -> Bool {
        switch self {
        case .point: row == query
        case .section: points.section[row] == points.section[query]
        case .brain: points.brain[row] == points.brain[query]
        }
    }
}

/// How many of the nearest neighbours share something with their query, and how many random points would.
struct NeighbourShares {
    /// Among the neighbours, and among points drawn at random under the same exclusion; NaN where it cannot be told.
    typealias Share = (found: Double, chance: Double)
    let sameArea: Share
    /// Within a distance in the template's space.
    let near: Share
    let sameBrain: Share
    let sameHemisphere: Share

    init(
        queries: [Int], found: [[NearestByDirection.Found]], points: PointTable, nearMm: Double,
        exclude: Retrieval.Exclusion, seed: UInt64
    ) {
        var random = SeededGenerator(seed: seed, stream: "random neighbours")
        let pairs = zip(queries, found).flatMap { query, list in list.map { (query, $0.row) } }
        // Ten random partners a query, drawn until one may be found; a query that has none is given up.
        let chance = queries.flatMap { query -> [(Int, Int)] in
            (0..<10).compactMap { _ in
                for _ in 0..<100 {
                    let row = random.index(below: points.count)
                    if !exclude.covers(row, query, points) { return (query, row) }
                }
                return nil
            }
        }
        func share(_ property: (Int, Int) -> Bool?) -> Share {
            func of(_ pairs: [(Int, Int)]) -> Double {
                let told = pairs.compactMap { property($0.0, $0.1) }
                return told.isEmpty ? .nan : Double(told.count { $0 }) / Double(told.count)
            }
            return (of(pairs), of(chance))
        }
        sameArea = share { points.hasArea($1) ? points.label[$0] == points.label[$1] : nil }
        near = share {
            let distance = points.distanceMm($0, $1)
            return distance.isNaN ? nil : distance <= nearMm
        }
        sameBrain = share { points.brain[$0] == points.brain[$1] }
        sameHemisphere = share { points.hemisphere[$0] == points.hemisphere[$1] }
    }
}
