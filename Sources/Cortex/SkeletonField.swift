internal import NDArray

/// Laplace's equation on both sides of a skeleton: 1 on it, 0 at pia and white matter.
///
/// Successive over-relaxation, red pixels before black ones, of those from which the skeleton can be reached only. Pixels that
/// stand still, with their neighbours, are left out after a while: most of the cortex settles long before its widest parts do.
struct SkeletonField {
    /// Pixels farther than this from the skeleton keep their first guess: no push leads from them to it. In steps through gray matter.
    var reachSteps: Int
    /// Best for a strip of some forty pixels: 2 / (1 + sin(π / 40)).
    var omega: Float = 1.85
    /// The solution stands when no pixel changes by more.
    var tolerance: Float = 1e-3

    /// - Parameters:
    ///   - values: the first guess for each pixel of the grid, 0 outside gray matter; the solution out.
    ///   - isSkeleton: 1 at pixels whose value is kept.
    ///   - banks: what cut the grid's links.
    func relax(_ values: GridBuffer<Float>, grid: SectionGrid, isSkeleton: GridBuffer<UInt8>, banks: BankSeparation) {
        let reached = pixelsWithinReach(grid, isSkeleton)
        let changes = GridBuffer<Float>(count: grid.count, filledWith: 0)
        let (value, change) = (values.base, changes.base)
        // Red pixels, those with an even sum of row and column, then black ones.
        var lists = [ActivePixels(stride: grid.stride), ActivePixels(stride: grid.stride)]
        for row in 0..<grid.rows {
            let start = grid.start(ofRow: row)
            var pixel = start
            while pixel < start + grid.columns {
                // Most of a section is out of reach: eight pixels at a time.
                if pixel + 8 <= start + grid.columns,
                    UnsafeRawPointer(reached.base + pixel).loadUnaligned(as: UInt64.self) == 0
                {
                    pixel += 8
                    continue
                }
                if reached.base[pixel] != 0, isSkeleton.base[pixel] == 0 {
                    lists[(row + pixel - start) & 1].append(pixel, grid, banks)
                }
                pixel += 1
            }
        }
        for sweep in 1...400 {
            // Changes are asked for after every eighth sweep only.
            let isLookedAt = sweep % 8 == 0
            var largest: Float = 0
            for index in lists.indices {
                largest = max(largest, lists[index].relax(value, isLookedAt ? change : nil, omega: omega))
            }
            if sweep > 5, largest < tolerance { break }
            guard isLookedAt else { continue }
            for index in lists.indices { lists[index].keepMoving(change, tolerance: tolerance) }
        }
    }

    /// 1 at pixels at most `reachSteps` steps from the skeleton.
    private func pixelsWithinReach(_ grid: SectionGrid, _ isSkeleton: GridBuffer<UInt8>) -> GridBuffer<UInt8> {
        let reached = GridBuffer<UInt8>(count: grid.count, filledWith: 0)
        let waiting = GridBuffer<Int32>(unsetCount: grid.count)
        var end = 0
        for pixel in 0..<grid.count where isSkeleton.base[pixel] != 0 {
            reached.base[pixel] = 1
            waiting.base[end] = Int32(truncatingIfNeeded: pixel)
            end += 1
        }
        let (labels, cuts) = (grid.labels.base, grid.cuts.base)
        var (begin, steps) = (0, 0)
        while begin < end, steps < reachSteps {
            let front = begin..<end
            begin = end
            steps += 1
            for place in front {
                let pixel = Int(waiting.base[place])
                let cut = cuts[pixel]
                @inline(__always) func reach(_ other: Int, _ link: UInt8) {
                    guard labels[other] == TissueClass.gray, reached.base[other] == 0, cut >> link & 1 == 0 else {
                        return
                    }
                    reached.base[other] = 1
                    waiting.base[end] = Int32(truncatingIfNeeded: other)
                    end += 1
                }
                reach(pixel - grid.stride, 0)
                reach(pixel + grid.stride, 1)
                reach(pixel - 1, 2)
                reach(pixel + 1, 3)
            }
        }
        return reached
    }
}

/// Pixels of one colour that still move.
private struct ActivePixels {
    private let stride: Int
    /// Those within gray matter, linked to all their neighbours.
    private var inner: [Int32] = []
    /// Those at pia or white matter, whose neighbours beyond these are 0, and 1 / diagonal of each.
    private var outer: [(pixel: Int32, inverse: Float)] = []
    /// Those with a link that is cut, and the pixels that the others lead to.
    private var cut: [(pixel: Int32, inverse: Float, links: SIMD4<Int32>)] = []

    init(stride: Int) { self.stride = stride }

    @inline(__always) mutating func append(_ pixel: Int, _ grid: SectionGrid, _ banks: BankSeparation) {
        let place = grid.labels.base + pixel
        let gray = TissueClass.gray
        if grid.cuts.base[pixel] == 0, place[-stride] == gray, place[stride] == gray, place[-1] == gray,
            place[1] == gray
        {
            inner.append(Int32(truncatingIfNeeded: pixel))
        } else {
            appendOuter(pixel, grid, banks)
        }
    }

    @inline(never) private mutating func appendOuter(_ pixel: Int, _ grid: SectionGrid, _ banks: BankSeparation) {
        let inverse = grid.inverseDiagonal(pixel) { banks.cutShare(grid, $0, $1) }
        let cuts = grid.cuts.base[pixel]
        guard cuts != 0 else { return outer.append((Int32(pixel), inverse)) }
        var links = SIMD4<Int32>(repeating: 0)
        // A link that is cut leads to the frame's first pixel, which is 0 as all the frame is.
        for link in 0..<4 where cuts >> UInt8(link) & 1 == 0 { links[link] = Int32(pixel + grid.steps[link]) }
        cut.append((Int32(pixel), inverse, links))
    }

    /// Moves every pixel once; returns the largest move.
    func relax(_ value: UnsafeMutablePointer<Float>, _ change: UnsafeMutablePointer<Float>?, omega: Float) -> Float {
        let stride = stride
        // Two at a time, so that neither waits for the largest of those before.
        var (largest, other): (Float, Float) = (0, 0)
        @inline(__always) func move(_ pixel: Int32, _ inverse: Float) -> Float {
            let place = value + Int(pixel)
            let sum = (place[-stride] + place[stride]) + (place[-1] + place[1])
            let move = omega * (sum * inverse - place[0])
            place[0] += move
            if let change { change[Int(pixel)] = abs(move) }
            return abs(move)
        }
        inner.withUnsafeBufferPointer { inner in
            var index = 0
            while index + 1 < inner.count {
                let (first, second) = (move(inner[index], 0.25), move(inner[index + 1], 0.25))
                largest = max(largest, first)
                other = max(other, second)
                index += 2
            }
            if index < inner.count { largest = max(largest, move(inner[index], 0.25)) }
        }
        for pixel in outer { largest = max(largest, move(pixel.pixel, pixel.inverse)) }
        for pixel in cut {
            let place = Int(pixel.pixel)
            let sum =
                (value[Int(pixel.links[0])] + value[Int(pixel.links[1])])
                + (value[Int(pixel.links[2])] + value[Int(pixel.links[3])])
            let move = omega * (sum * pixel.inverse - value[place])
            value[place] += move
            change?[place] = abs(move)
            largest = max(largest, abs(move))
        }
        return max(largest, other)
    }

    /// Drops the pixels that stand still with their neighbours.
    mutating func keepMoving(_ change: UnsafeMutablePointer<Float>, tolerance: Float) {
        let stride = stride
        @inline(__always) func stands(_ pixel: Int32) -> Bool {
            let place = change + Int(pixel)
            let around = max(max(place[-stride], place[stride]), max(place[-1], place[1]))
            return max(around, place[0]) <= tolerance / 4
        }
        inner.removeAll { stands($0) }
        outer.removeAll { stands($0.pixel) }
        cut.removeAll { pixel in
            let around = max(
                max(change[Int(pixel.links[0])], change[Int(pixel.links[1])]),
                max(change[Int(pixel.links[2])], change[Int(pixel.links[3])]))
            return max(around, change[Int(pixel.pixel)]) <= tolerance / 4
        }
    }
}
