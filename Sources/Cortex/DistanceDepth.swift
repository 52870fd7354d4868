internal import NDArray

/// The depth in gray matter as a share of distances: that to the pia in that to the pia and to white matter together.
///
/// Half-way is then where both are equally far, which is what a midline is, also in a gyrus so narrow that it has no white matter
/// of its own: there the lines of Laplace's field run far around, and the shares of their lengths say little.
///
/// Every cell learns which point of each boundary is nearest, handed on from neighbour to neighbour through gray matter, so that no
/// distance leads through a sulcus. The boundaries' points lie between voxels, where the links are cut.
///
/// Reference: P.-E. Danielsson, Comput. Graph. Image Process. 14, 227 (1980), doi:10.1016/0146-664X(80)90054-4 (nearest points
/// handed on). Differs: points between voxels, in the order of their distance, within gray matter.
struct DistanceDepth: Sendable {
    let grid: GrayGrid
    /// Beyond this distance from a boundary nothing is looked at, in voxels.
    var largestDistance: Float = 100

    /// The share of each cell: 0 where only a pia is within reach, 1 where only white matter is.
    ///
    /// - Parameter crossings: of every link of every cell the share of its length at which a boundary cuts it: positive for the pia, negative
    ///   for white matter, 0 where none does.
    /// - Complexity: O(cells), about 60 bytes each.
    func shares(crossings: GridBuffer<Float>, threads: Int) -> GridBuffer<Float> {
        let count = grid.map.count
        let distances = [
            GridBuffer<Float>(count: count, filledWith: .infinity),
            GridBuffer<Float>(count: count, filledWith: .infinity),
        ]
        parallelFor(2, threads: threads) { boundary in
            propagate(crossings, sign: boundary == 0 ? 1 : -1, into: distances[boundary])
        }
        let shares = distances[0]
        for cell in 0..<count {
            let (pia, white) = (distances[0].base[cell], distances[1].base[cell])
            shares.base[cell] = pia == .infinity ? (white == .infinity ? 0 : 1) : pia / (pia + white)
        }
        return shares
    }

    /// Squared distances first, in the order of the distance by quarters of a voxel; the roots out.
    private func propagate(_ crossings: GridBuffer<Float>, sign: Float, into distances: GridBuffer<Float>) {
        let count = grid.map.count
        // From the cell to the nearest point of the boundary that it knows.
        let offsets = GridBuffer<SIMD4<Float>>(count: count, filledWith: SIMD4(0, 0, 0, 0))
        let steps: [SIMD4<Float>] = [
            SIMD4(-1, 0, 0, 0), SIMD4(1, 0, 0, 0), SIMD4(0, -1, 0, 0), SIMD4(0, 1, 0, 0), SIMD4(0, 0, -1, 0),
            SIMD4(0, 0, 1, 0),
        ]
        let last = Int(4 * largestDistance)
        let known = distances.base
        var waiting = BucketQueue(buckets: last + 1, capacity: count)
        for cell in 0..<count {
            for link in 0..<6 {
                let share = sign * crossings.base[6 * cell + link]
                guard share > 0, share * share < distances.base[cell] else { continue }
                distances.base[cell] = share * share
                offsets.base[cell] = steps[link] * share
            }
            if distances.base[cell] < .infinity {
                waiting.append(cell, to: Int(4 * distances.base[cell].squareRoot()))
            }
        }
        for bucket in 0...last {
            while let cell = waiting.first(of: bucket) {
                // Settled nearer in the meantime.
                guard Int(4 * known[cell].squareRoot()) == bucket else { continue }
                let offset = offsets.base[cell]
                for link in 0..<6 {
                    let other = Int(grid.neighbours.base[6 * cell + link])
                    guard other < count else { continue }
                    let handed = offset - steps[link]
                    let squared = (handed * handed).sum()
                    guard squared < known[other] else { continue }
                    known[other] = squared
                    offsets.base[other] = handed
                    let place = max(Int(4 * squared.squareRoot()), bucket)
                    if place <= last { waiting.append(other, to: place) }
                }
            }
        }
        for cell in 0..<count { distances.base[cell] = distances.base[cell].squareRoot() }
    }
}
