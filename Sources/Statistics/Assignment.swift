/// The one-to-one assignment of rows to columns with the least sum of costs.
///
/// The Hungarian method in its form with shortest augmenting paths and potentials: each row in turn is entered, and the
/// cheapest alternating path to a free column is taken.
///
/// - Parameters:
///   - costs: `size × size`, row-major, finite.
///   - size: number of rows and of columns.
/// - Returns: the column of each row.
/// - Complexity: O(size³).
///
/// **Reference**: Jonker and Volgenant 1987, DOI 10.1007/BF02278710.
public func leastCostAssignment(_ costs: [Double], size: Int) -> [Int] {
    precondition(costs.count == size * size, "Costs of \(size) × \(size) are \(size * size), not \(costs.count).")
    precondition(costs.allSatisfy(\.isFinite), "Costs are finite.")
    // Column `size` stands for "no column": the path of each new row starts there.
    var rowPotential = [Double](repeating: 0, count: size)
    var columnPotential = [Double](repeating: 0, count: size + 1)
    var rowOfColumn = [Int](repeating: -1, count: size + 1)
    for newRow in 0..<size {
        rowOfColumn[size] = newRow
        var distance = [Double](repeating: .infinity, count: size)
        var previous = [Int](repeating: size, count: size)
        var visited = [Bool](repeating: false, count: size + 1)
        var column = size
        repeat {
            visited[column] = true
            let row = rowOfColumn[column]
            var step = Double.infinity
            var next = size
            for candidate in 0..<size where !visited[candidate] {
                let reduced = costs[row * size + candidate] - rowPotential[row] - columnPotential[candidate]
                if reduced < distance[candidate] {
                    distance[candidate] = reduced
                    previous[candidate] = column
                }
                if distance[candidate] < step {
                    step = distance[candidate]
                    next = candidate
                }
            }
            for seen in 0...size where visited[seen] {
                rowPotential[rowOfColumn[seen]] += step
                columnPotential[seen] -= step
            }
            for open in 0..<size where !visited[open] { distance[open] -= step }
            column = next
        } while rowOfColumn[column] >= 0
        while column != size {
            let before = previous[column]
            rowOfColumn[column] = rowOfColumn[before]
            column = before
        }
    }
    var assignment = [Int](repeating: 0, count: size)
    for column in 0..<size { assignment[rowOfColumn[column]] = column }
    return assignment
}
