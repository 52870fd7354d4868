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
        let reachesPia = reachesPia(grid)
        var limits = self
        let thickness = medianThickness(grid, offsets)
        limits.smallestDistance = max(smallestDistance, thicknessShare * thickness)
        limits.largestDistance = min(largestDistance, largestThicknessShare * thickness)
        let settled = limits
        let count = grid.map.count
        let band = LaplaceLevel.band
        let found = GridBuffer<Int>(count: (count + band - 1) / band, filledWith: 0)
        // Each link is looked at from both its ends, which come to the same answer; each end changes only its own cell.
        parallelFor(found.count, threads: threads) { part in
            for cell in part * band..<min(count, (part + 1) * band) where reachesPia.base[cell] != 0 {
                var cuts = 0
                for link in 0..<6 {
                    let other = Int(grid.neighbours.base[6 * cell + link])
                    guard other < count,
                        let share = settled.crossing(offsets.base[cell], offsets.base[other], link: link)
                    else { continue }
                    grid.neighbours.base[6 * cell + link] = Int32(count)
                    grid.anchors.base[cell] += 1 / share
                    grid.crossings?.base[6 * cell + link] = share
                    cuts += 1
                }
                if cuts > 0 { found.base[part] += 1 }
            }
        }
        return (0..<found.count).reduce(0) { $0 + found[$1] }
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
        var left = counts.reduce(0, +) / 2
        for (squared, count) in counts.enumerated() where count > 0 {
            if left < count { return Float(squared).squareRoot() }
            left -= count
        }
        return 0
    }

    /// Whether gray matter hangs together with a pia (1) or lies enclosed in white matter, as deep nuclei do (0).
    private func reachesPia(_ grid: GrayGrid) -> GridBuffer<UInt8> {
        let count = grid.map.count
        let reached = GridBuffer<UInt8>(count: count, filledWith: 0)
        var waiting: [Int32] = []
        for start in 0..<count where grid.anchors.base[start] > grid.right.base[start] && reached.base[start] == 0 {
            reached.base[start] = 1
            waiting.append(Int32(start))
            while let cell = waiting.popLast() {
                for link in 6 * Int(cell)..<6 * Int(cell) + 6 {
                    let other = Int(grid.neighbours.base[link])
                    guard other < count, reached.base[other] == 0 else { continue }
                    reached.base[other] = 1
                    waiting.append(Int32(other))
                }
            }
        }
        return reached
    }

    /// The share of the way from a cell to its neighbour at which both banks are equally far; nil within one bank.
    private func crossing(_ here: SIMD4<Int8>, _ there: SIMD4<Int8>, link: Int) -> Float? {
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
        let offsets = grid.touched
        let steps: [SIMD4<Int8>] = [
            SIMD4(-1, 0, 0, 0), SIMD4(1, 0, 0, 0), SIMD4(0, -1, 0, 0), SIMD4(0, 1, 0, 0), SIMD4(0, 0, -1, 0),
            SIMD4(0, 0, 1, 0),
        ]
        @inline(__always) func squared(_ offset: SIMD4<Int8>) -> Int32 {
            let (x, y, z) = (Int32(offset.x), Int32(offset.y), Int32(offset.z))
            return x * x + y * y + z * z
        }
        let limit = min(largestDistance, 100)
        // The bucket of each squared distance; what is handed on is at most a voxel farther than the limit.
        let farthest = Int((limit + 2) * (limit + 2)) + 1
        let bucketOf = GridBuffer<Int32>(count: farthest + 1, filledWith: 0)
        for distance in 0...farthest { bucketOf[distance] = Int32(4 * Float(distance).squareRoot()) }
        let last = Int(4 * limit)
        let firstLink = grid.map.planes == 1 ? 2 : 0
        var buckets = [[Int32]](repeating: [], count: last + 16)
        for cell in 0..<count where offsets.base[cell].w != 0 {
            buckets[Int(bucketOf.base[Int(squared(offsets.base[cell]))])].append(Int32(cell))
        }
        for bucket in 0..<last {
            // What is added to this bucket on the way is taken next.
            while !buckets[bucket].isEmpty {
                var cells: [Int32] = []
                swap(&cells, &buckets[bucket])
                for cell in cells {
                    let offset = offsets.base[Int(cell)]
                    // Settled nearer in the meantime.
                    guard Int(bucketOf.base[Int(squared(offset))]) == bucket else { continue }
                    let links = grid.neighbours.base + 6 * Int(cell)
                    for link in firstLink..<6 {
                        let other = Int(links[link])
                        guard other < count else { continue }
                        let handed = offset &- steps[link]
                        let distance = squared(handed)
                        let known = offsets.base[other]
                        guard known.w == 0 || distance < squared(known) else { continue }
                        offsets.base[other] = handed
                        let place = max(Int(bucketOf.base[Int(distance)]), bucket)
                        if place < last { buckets[place].append(Int32(other)) }
                    }
                }
            }
        }
        return offsets
    }
}
