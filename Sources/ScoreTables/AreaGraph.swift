internal import FoundationEssentials

/// Which areas touch on the cortex, to tell how far a wrong prediction is off.
public struct AreaGraph: Sendable, Equatable {
    private var neighbours: [Int: Set<Int>] = [:]

    /// - Parameter pairs: labels of areas that touch; the order does not matter.
    public init(pairs: [(Int, Int)]) {
        for (a, b) in pairs {
            neighbours[a, default: []].insert(b)
            neighbours[b, default: []].insert(a)
        }
    }

    /// Reads an area-adjacency table: a heading with the columns `area` and `neighbour`, then labels, apart by tabs.
    ///
    /// - Throws: `AreaGraphError` for a file that is not such a table.
    public init(reading path: String) throws {
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw AreaGraphError(file: path, problem: "cannot be read as text")
        }
        var lines = text.split(whereSeparator: \.isNewline).map {
            $0.split(separator: "\t", omittingEmptySubsequences: false)
        }
        guard let heading = lines.first, let area = heading.firstIndex(of: "area"),
            let neighbour = heading.firstIndex(of: "neighbour")
        else {
            throw AreaGraphError(file: path, problem: "has no heading with the columns 'area' and 'neighbour'")
        }
        lines.removeFirst()
        self.init(
            pairs: try lines.enumerated().map { index, fields in
                guard fields.count > max(area, neighbour), let a = Int(fields[area]), let b = Int(fields[neighbour])
                else {
                    throw AreaGraphError(
                        file: path, problem: "line \(index + 2) has no two labels: \(fields.joined(separator: " "))")
                }
                return (a, b)
            })
    }

    /// Steps from an area to every other that can be reached, by breadth first; 0 for itself.
    public func hops(from area: Int) -> [Int: Int] {
        var distance = [area: 0]
        var front = [area]
        var steps = 0
        while !front.isEmpty {
            steps += 1
            var next: Set<Int> = []
            for place in front { next.formUnion(neighbours[place, default: []]) }
            front = next.filter { distance[$0] == nil }.sorted()
            for place in front { distance[place] = steps }
        }
        return distance
    }
}

/// Why an adjacency table could not be read.
public struct AreaGraphError: Error, Sendable, CustomStringConvertible {
    public let file: String
    public let problem: String

    public var description: String { "\(file): \(problem)" }
}
