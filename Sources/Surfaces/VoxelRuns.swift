/// Connected parts of a set of voxels, by runs along the columns: memory and time go with the set's surface, not its volume.
struct VoxelRuns {
    enum Connectivity { case faces, facesAndEdges }

    /// Row (plane · rows + row), first and last column of each run.
    private(set) var runs: [(row: Int32, first: Int32, last: Int32)] = []
    /// Lowest run of each run's part.
    private(set) var part: [Int] = []
    private let columns: Int

    init(
        planes: Int, rows: Int, columns: Int, connectivity: Connectivity, contains: (Int) -> Bool
    ) {
        self.columns = columns
        var rowStarts = [0]
        for row in 0..<planes * rows {
            let start = row * columns
            var column = 0
            while column < columns {
                guard contains(start + column) else {
                    column += 1
                    continue
                }
                let first = column
                while column < columns, contains(start + column) { column += 1 }
                runs.append((Int32(row), Int32(first), Int32(column - 1)))
            }
            rowStarts.append(runs.count)
        }
        var sets = DisjointSets(count: runs.count)
        // Rows before a row, with how far columns may be apart.
        let neighbours: [(plane: Int, row: Int, reach: Int32)] =
            connectivity == .faces
            ? [(-1, 0, 0), (0, -1, 0)] : [(-1, 0, 1), (0, -1, 1), (-1, -1, 0), (-1, 1, 0)]
        for plane in 0..<planes {
            for row in 0..<rows {
                let here = plane * rows + row
                for neighbour in neighbours {
                    let (p, r) = (plane + neighbour.plane, row + neighbour.row)
                    guard p >= 0, r >= 0, r < rows else { continue }
                    let there = p * rows + r
                    var (a, b) = (rowStarts[here], rowStarts[there])
                    while a < rowStarts[here + 1], b < rowStarts[there + 1] {
                        if runs[a].last + neighbour.reach < runs[b].first {
                            a += 1
                        } else if runs[b].last + neighbour.reach < runs[a].first {
                            b += 1
                        } else {
                            sets.join(a, b)
                            if runs[a].last < runs[b].last { a += 1 } else { b += 1 }
                        }
                    }
                }
            }
        }
        part = runs.indices.map { sets.root(of: $0) }
    }

    /// Voxels of each part, by its lowest run.
    func sizes() -> [Int: Int] {
        var sizes: [Int: Int] = [:]
        for (index, run) in runs.enumerated() { sizes[part[index], default: 0] += Int(run.last - run.first) + 1 }
        return sizes
    }

    /// Calls `body` with the index of each voxel of a run.
    func forEachVoxel(ofRun index: Int, _ body: (Int) -> Void) {
        let run = runs[index]
        let start = Int(run.row) * columns
        for column in Int(run.first)...Int(run.last) { body(start + column) }
    }
}
