internal import NDArray

/// Where the gray matter of two banks touches, the pia that is not seen is put between them.
struct BankSeparation: Sendable {
    /// Nearer to white matter than this, gray counts as one sheet whatever its shape, in voxels.
    var smallestDistance: Float
    /// Farther from white matter than this nothing is looked at, in voxels (at most 100).
    var largestDistance: Float
    /// No pia is put nearer to white matter than this share of the cortex's median thickness: in the narrow ground of a sulcus the
    /// distance has a ridge too, but the cortex is one sheet there.
    var thicknessShare: Float = 0.7
    /// Nor farther than this share of it: a pia that is not seen is a thickness away from white matter on both sides, and where gray matter is
    /// thicker than that on both sides of a ridge it is a gyrus without white matter.
    var largestThicknessShare: Float = .infinity
    /// Ways to white matter that open wider than this angle lead to different banks: its cosine.
    var largestCosine: Float = 0

    /// Cuts the links between cells whose ways to white matter lead apart, with the pia's value where both are equally long.
    ///
    /// Distances from white matter grow through gray matter only, so that banks apart never meet; where they do meet
    /// the distance has a ridge, as the distance from a sulcus's two walls has at its middle.
    ///
    /// Gray matter that no pia reaches is left as it is.
    ///
    /// - Returns: cells that got a cut link.
    ///
    /// Reference: X. Han et al., NeuroImage 23, 997 (2004), doi:10.1016/j.neuroimage.2004.06.043 (anatomically consistent
    /// enhancement); C. Hutton et al., NeuroImage 40, 1701 (2008), doi:10.1016/j.neuroimage.2008.01.027. Differs: links are
    /// cut, at sub-voxel places; no voxel changes its class.
    func cut(_ grid: GrayGrid, threads: Int) -> Int {
        let offsets = nearestWhite(grid)
        let settled = limits(thickness: medianThickness(grid, offsets))
        let count = grid.map.count
        let band = LaplaceLevel.band
        let bands = (count + band - 1) / band
        // Each link is looked at from both its ends, which come to the same answer; each end changes only its own cell.
        let isCut = GridBuffer<UInt8>(count: count, filledWith: 0)
        parallelFor(bands, threads: threads) { part in
            for cell in part * band..<min(count, (part + 1) * band) {
                settled.forEachCrossing(of: cell, grid, offsets) { _, _ in isCut.base[cell] = 1 }
            }
        }
        keepReachingPia(isCut, grid)
        parallelFor(bands, threads: threads) { part in
            for cell in part * band..<min(count, (part + 1) * band) where isCut.base[cell] != 0 {
                settled.forEachCrossing(of: cell, grid, offsets) { link, share in
                    grid.neighbours.base[6 * cell + link] = Int32(count)
                    grid.anchors.base[cell] += 1 / share
                    grid.crossings?.base[6 * cell + link] = share
                }
            }
        }
        return (0..<count).reduce(0) { $0 + Int(isCut.base[$1]) }
    }

    /// The same with its limits for a cortex of some median thickness, in voxels.
    func limits(thickness: Float) -> BankSeparation {
        var limits = self
        limits.smallestDistance = max(smallestDistance, thicknessShare * thickness)
        limits.largestDistance = min(largestDistance, largestThicknessShare * thickness)
        return limits
    }

    /// The median distance from white matter at the pia that is seen, in voxels.
    private func medianThickness(_ grid: GrayGrid, _ offsets: GridBuffer<SIMD4<Int8>>) -> Float {
        // Squared distances are whole numbers up to 3 · 100².
        var counts = [Int](repeating: 0, count: 4 * 30_000)
        for cell in 0..<grid.map.count where grid.anchors.base[cell] > grid.right.base[cell] {
            let offset = offsets.base[cell]
            guard offset.w != 0 else { continue }
            let (x, y, z) = (Int(offset.x), Int(offset.y), Int(offset.z))
            counts[min(x * x + y * y + z * z, counts.count - 1)] += 1
        }
        return Self.median(ofSquares: counts)
    }

    /// The root of the median square, by how often each occurs; 0 where none does.
    static func median(ofSquares counts: [Int]) -> Float {
        var left = counts.reduce(0, +) / 2
        for (squared, count) in counts.enumerated() where count > 0 {
            if left < count { return Float(squared).squareRoot() }
            left -= count
        }
        return 0
    }

    /// Leaves of the marked cells those from which gray matter leads to a pia; others lie enclosed in white matter, as deep nuclei do.
    ///
    /// A front spreads from each until it meets a pia or a cell that is known to reach one.
    private func keepReachingPia(_ isMarked: GridBuffer<UInt8>, _ grid: GrayGrid) {
        let count = grid.map.count
        let (unknown, reaching, enclosed, visited): (UInt8, UInt8, UInt8, UInt8) = (0, 1, 2, 3)
        let state = GridBuffer<UInt8>(count: count, filledWith: unknown)
        let (states, anchors, right) = (state.base, grid.anchors.base, grid.right.base)
        var front: [Int32] = []
        for start in 0..<count where isMarked.base[start] != 0 {
            if states[start] == unknown {
                front.removeAll(keepingCapacity: true)
                front.append(Int32(start))
                states[start] = visited
                var result = enclosed
                var place = 0
                search: while place < front.count {
                    let cell = Int(front[place])
                    place += 1
                    if anchors[cell] > right[cell] {
                        result = reaching
                        break
                    }
                    for link in 6 * cell..<6 * cell + 6 {
                        let other = Int(grid.neighbours.base[link])
                        guard other < count, states[other] != visited else { continue }
                        if states[other] != unknown {
                            result = states[other]
                            break search
                        }
                        states[other] = visited
                        front.append(Int32(other))
                    }
                }
                for cell in front { states[Int(cell)] = result }
            }
            if states[start] == enclosed { isMarked.base[start] = 0 }
        }
    }

    /// Calls `body` with the links of a cell that lead to another bank, and the share of the way to it.
    @inline(__always) private func forEachCrossing(
        of cell: Int, _ grid: GrayGrid, _ offsets: GridBuffer<SIMD4<Int8>>, _ body: (Int, Float) -> Void
    ) {
        let offset = offsets.base[cell]
        guard offset.w != 0 else { return }
        let (x, y, z) = (Float(offset.x), Float(offset.y), Float(offset.z))
        let squared = x * x + y * y + z * z
        guard squared >= smallestDistance * smallestDistance, squared <= largestDistance * largestDistance else {
            return
        }
        for link in 0..<6 {
            let other = Int(grid.neighbours.base[6 * cell + link])
            guard other < grid.map.count, let share = crossing(offset, offsets.base[other], link: link) else {
                continue
            }
            body(link, share)
        }
    }

    /// The share of the way from a cell to its neighbour at which both banks are equally far; nil within one bank.
    func crossing(_ here: SIMD4<Int8>, _ there: SIMD4<Int8>, link: Int) -> Float? {
        guard here.w != 0, there.w != 0 else { return nil }
        let a = SIMD3<Float>(Float(here.x), Float(here.y), Float(here.z))
        let b = SIMD3<Float>(Float(there.x), Float(there.y), Float(there.z))
        let (aa, bb, ab) = ((a * a).sum(), (b * b).sum(), (a * b).sum())
        let smallest = smallestDistance * smallestDistance
        let largest = largestDistance * largestDistance
        guard aa >= smallest, bb >= smallest, aa <= largest, bb <= largest, ab < largestCosine * (aa * bb).squareRoot()
        else { return nil }
        let axis = link / 2
        let step: Float = link & 1 == 1 ? 1 : -1
        // |a − s e|² = |b + (1 − s) e|² on the way s from here (0) to there (1).
        let (ae, be) = (step * a[axis], step * b[axis])
        let denominator = 2 + 2 * (be - ae)
        guard denominator > 0.1 else { return nil }
        return min(max((bb + 2 * be + 1 - aa) / denominator, 0.02), 0.98)
    }

    /// The offset from each cell to its nearest white voxel, reached through gray matter; the last element is 0 where there is none.
    ///
    /// Cells are settled in the order of their distance, a quarter of a voxel at a time; what a cell knows is handed to its neighbours.
    private func nearestWhite(_ grid: GrayGrid) -> GridBuffer<SIMD4<Int8>> {
        let count = grid.map.count
        let offsets = grid.touched.base
        let steps: [SIMD4<Int8>] = [
            SIMD4(-1, 0, 0, 0), SIMD4(1, 0, 0, 0), SIMD4(0, -1, 0, 0), SIMD4(0, 1, 0, 0), SIMD4(0, 0, -1, 0),
            SIMD4(0, 0, 1, 0),
        ]
        let limit = min(largestDistance, 100)
        // The bucket of each squared distance; what is handed on is at most a voxel farther than the limit.
        let farthest = Int((limit + 2) * (limit + 2)) + 1
        let bucketOf = GridBuffer<Int32>(count: farthest + 1, filledWith: 0)
        for distance in 0...farthest { bucketOf[distance] = Int32(4 * Float(distance).squareRoot()) }
        let last = Int(4 * limit)
        let firstLink = grid.map.planes == 1 ? 2 : 0
        // Squared distances; no cell hands anything to the one that stands for none.
        let known = GridBuffer<Int32>(count: count + 1, filledWith: .max)
        let squares = known.base
        squares[count] = -1
        var waiting = BucketQueue(buckets: last + 16, capacity: count)
        for cell in 0..<count where offsets[cell].w != 0 {
            let (x, y, z) = (Int32(offsets[cell].x), Int32(offsets[cell].y), Int32(offsets[cell].z))
            squares[cell] = x * x + y * y + z * z
            waiting.append(cell, to: Int(bucketOf.base[Int(squares[cell])]))
        }
        steps.withUnsafeBufferPointer { steps in
            for bucket in 0..<last {
                // What is added to this bucket on the way is taken last.
                while let cell = waiting.first(of: bucket) {
                    let squared = squares[cell]
                    // Settled nearer in the meantime.
                    guard Int(bucketOf.base[Int(squared)]) == bucket else { continue }
                    let offset = offsets[cell]
                    let links = grid.neighbours.base + 6 * cell
                    for link in firstLink..<6 {
                        let other = Int(links[link])
                        // |o − s|² = |o|² − 2 o·s + 1.
                        let along = Int32(offset[link >> 1])
                        let distance = squared &+ 1 &+ (link & 1 == 0 ? 2 &* along : -2 &* along)
                        guard distance < squares[other] else { continue }
                        squares[other] = distance
                        offsets[other] = offset &- steps[link]
                        let place = max(Int(bucketOf.base[Int(distance)]), bucket)
                        if place < last { waiting.append(other, to: place) }
                    }
                }
            }
        }
        return grid.touched
    }
}
