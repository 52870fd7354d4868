extension BitImage {
    /// The pixels whose centres lie inside an odd number of closed polygons, so that a polygon within another is a hole.
    ///
    /// A centre on an edge counts to one side of it only: polygons that share an edge share no pixel and leave none out.
    ///
    /// - Parameters:
    ///   - polygons: corners (row, column) in pixels; the last is joined to the first. Parts outside the image are left out.
    /// - Complexity: O(rows that the edges cross + pixels inside).
    public init(rows: Int, columns: Int, polygons: [[SIMD2<Double>]]) {
        self.init(rows: rows, columns: columns)
        var crossings = [[Double]](repeating: [], count: rows)
        for polygon in polygons where polygon.count >= 3 {
            var last = polygon[polygon.count - 1]
            for corner in polygon {
                defer { last = corner }
                let (upper, lower) = last.x < corner.x ? (last, corner) : (corner, last)
                // Rows with upper ≤ row < lower: an edge's end belongs to the edge below.
                let first = max(Int(max(upper.x, -1).rounded(.up)), 0)
                let end = min(Int(min(lower.x, Double(rows)).rounded(.up)), rows)
                guard first < end else { continue }
                let slope = (lower.y - upper.y) / (lower.x - upper.x)
                for row in first..<end { crossings[row].append(upper.y + (Double(row) - upper.x) * slope) }
            }
        }
        for row in 0..<rows where crossings[row].count >= 2 {
            let line = crossings[row].sorted()
            for pair in stride(from: 0, to: line.count - 1, by: 2) {
                let first = max(Int(max(line[pair], -1).rounded(.up)), 0)
                let end = min(Int(min(line[pair + 1], Double(columns)).rounded(.up)), columns)
                for column in first..<max(end, first) { self[row, column] = true }
            }
        }
    }
}
