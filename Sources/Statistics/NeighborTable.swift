/// The nearest neighbours of every point of a set: `points × neighbours`, the nearest first, the point itself left out.
public struct NeighborTable: Sendable, Equatable {
    public let points: Int
    /// How many neighbours each point has.
    public let neighbors: Int
    /// Index of each neighbour, row after row.
    public internal(set) var indices: [Int32]
    /// Distance to each neighbour.
    public internal(set) var distances: [Float]

    /// A table that holds nothing yet.
    init(points: Int, neighbors: Int) {
        self.points = points
        self.neighbors = neighbors
        indices = [Int32](repeating: -1, count: points * neighbors)
        distances = [Float](repeating: .infinity, count: points * neighbors)
    }

    /// The neighbours of one point.
    public func neighbors(of point: Int) -> ArraySlice<Int32> {
        precondition(point >= 0 && point < points, "Point \(point) is outside 0..<\(points).")
        return indices[point * neighbors..<(point + 1) * neighbors]
    }
}

/// One point's list of nearest neighbours while it is being found, ascending by (distance, index).
struct NeighborList {
    let indices: UnsafeMutablePointer<Int32>
    let distances: UnsafeMutablePointer<Float>
    let count: Int

    /// Distances from here on are of no interest.
    @inline(__always) var worst: Float { distances[count - 1] }

    /// Whether the point is among the neighbours.
    @inline(__always) func contains(_ index: Int32) -> Bool {
        for place in 0..<count where indices[place] == index { return true }
        return false
    }

    /// Enters a neighbour that is not yet in the list where it is nearer than the last; returns its place.
    @inline(__always) func insert(_ index: Int32, _ distance: Float) -> Int? {
        let last = count - 1
        guard distance < distances[last] || (distance == distances[last] && index < indices[last]) else { return nil }
        var place = last
        while place > 0,
            distance < distances[place - 1] || (distance == distances[place - 1] && index < indices[place - 1])
        {
            distances[place] = distances[place - 1]
            indices[place] = indices[place - 1]
            place -= 1
        }
        distances[place] = distance
        indices[place] = index
        return place
    }
}

/// The tables' storage as several threads write it, each thread the lists of its own points.
struct SharedNeighborLists: @unchecked Sendable {
    // Sendable by contract: no two threads change one point's list.
    let indices: UnsafeMutablePointer<Int32>
    let distances: UnsafeMutablePointer<Float>
    let neighbors: Int

    @inline(__always) subscript(point: Int) -> NeighborList {
        NeighborList(indices: indices + point * neighbors, distances: distances + point * neighbors, count: neighbors)
    }
}

extension NeighborTable {
    /// Lets `body` write the lists.
    mutating func withSharedLists(_ body: (SharedNeighborLists) -> Void) {
        let neighbors = neighbors
        indices.withUnsafeMutableBufferPointer { indices in
            distances.withUnsafeMutableBufferPointer { distances in
                guard let first = indices.baseAddress, let second = distances.baseAddress else { return }
                body(SharedNeighborLists(indices: first, distances: second, neighbors: neighbors))
            }
        }
    }
}
