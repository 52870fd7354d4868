/// Bilinear samples of a window along straight lines: the pixels of a patch's row, of which each lies a step after the one before.
///
/// Places are in 32.32 fixed point: steps add up without drift, over 4096 px to 10⁻⁶ px. Eight neighbours at a time are taken where all
/// have their four pixels; there the fraction counts to 24 bits. Samples are 0 … 1.
struct BilinearLines {
    /// A place in the window, or a step, in 32.32 fixed point.
    struct Place {
        var row: Int64
        var column: Int64

        @inline(__always) func moved(_ count: Int, by step: Place) -> Place {
            Place(row: row &+ Int64(count) &* step.row, column: column &+ Int64(count) &* step.column)
        }
    }

    /// Longest line that is sampled.
    static let longest = 256
    private let window: UnsafePointer<UInt8>
    private let side: Int
    /// From one sample to the next, at most 1 px along each axis.
    private let step: Place
    /// From the first of eight samples to each, in 8.24 fixed point.
    private let rows: SIMD8<Int32>
    private let columns: SIMD8<Int32>
    /// Of each sample of a line: where its upper left pixel lies from that of the first of its eight, and the fractions, downward
    /// and to the right.
    private let offsets: UnsafeMutableRawPointer
    private let down: UnsafeMutablePointer<Float>
    private let right: UnsafeMutablePointer<Float>

    /// Floats that a sampler writes to while it works.
    static let scratchCount = 3 * longest

    /// - Parameters:
    ///   - window: `side`² pixels, which outlive the sampler, as the scratch does.
    ///   - step: at most 1 along each axis.
    ///   - scratch: room for `scratchCount`.
    init(_ window: UnsafePointer<UInt8>, side: Int, step: Place, scratch: UnsafeMutablePointer<Float>) {
        (down, right) = (scratch, scratch + BilinearLines.longest)
        offsets = UnsafeMutableRawPointer(scratch + 2 * BilinearLines.longest)
        (self.window, self.side, self.step) = (window, side, step)
        var (rows, columns) = (SIMD8<Int32>.zero, SIMD8<Int32>.zero)
        for lane in 0..<8 {
            rows[lane] = Int32(truncatingIfNeeded: Int64(lane) * step.row >> 8)
            columns[lane] = Int32(truncatingIfNeeded: Int64(lane) * step.column >> 8)
        }
        (self.rows, self.columns) = (rows, columns)
    }

    /// Samples a line of at most `longest`.
    ///
    /// - Parameter first: the place of the first sample.
    func sample(from first: Place, count: Int, into line: UnsafeMutablePointer<Float>) {
        precondition(count <= BilinearLines.longest, "A line of \(count) samples is too long.")
        var place = first
        var index = 0
        while index < count {
            let groups = groupsInside(from: place, atMost: (count - index) / 8)
            if groups == 0 {
                line[index] = single(place)
                place = place.moved(1, by: step)
                index += 1
                continue
            }
            // Seven rows of less than 4,096 px are less than 32,768: eight offsets then take half the room.
            if side < 4096 {
                sampleGroups(from: place, count: groups, into: line + index, offsets: Int16.self)
            } else {
                sampleGroups(from: place, count: groups, into: line + index, offsets: Int32.self)
            }
            place = place.moved(8 * groups, by: step)
            index += 8 * groups
        }
    }

    /// How many groups of eight, one after the other, have all their pixels.
    private func groupsInside(from place: Place, atMost most: Int) -> Int {
        guard most > 0, isInside(place) else { return 0 }
        // What lies between two places inside lies inside.
        if isInside(place.moved(8 * (most - 1), by: step)) { return most }
        var count = 1
        while isInside(place.moved(8 * count, by: step)) { count += 1 }
        return count
    }

    /// Whether eight samples from a place on have four pixels around them, with a pixel to spare for rounding.
    @inline(__always) private func isInside(_ place: Place) -> Bool {
        let end = place.moved(7, by: step)
        let one: Int64 = 1 << 32
        let last = Int64(side - 2) << 32
        return min(place.row, end.row) >= one && max(place.row, end.row) < last
            && min(place.column, end.column) >= one && max(place.column, end.column) < last && side < 32_768
    }

    /// Groups of eight in two passes over a short line, in the nearest cache: where to look first, then what is there.
    @inline(__always) private func sampleGroups<Offset: FixedWidthInteger & SIMDScalar>(
        from first: Place, count: Int, into line: UnsafeMutablePointer<Float>, offsets type: Offset.Type
    ) where SIMD8<Offset>: BitwiseCopyable {
        let offsets = self.offsets.bindMemory(to: Offset.self, capacity: 8 * count)
        let width = Offset(truncatingIfNeeded: side)
        var place = first
        for group in 0..<count {
            let r = rows &+ Int32(truncatingIfNeeded: (place.row & 0xffff_ffff) &>> 8)
            let c = columns &+ Int32(truncatingIfNeeded: (place.column & 0xffff_ffff) &>> 8)
            let offset =
                SIMD8<Offset>(truncatingIfNeeded: r &>> 24) &* width &+ SIMD8<Offset>(truncatingIfNeeded: c &>> 24)
            BilinearLines.store(offset, at: offsets + 8 &* group)
            let unit = Float(0x1p-24)
            BilinearLines.store(BilinearLines.floats(r & 0xff_ffff) * unit, at: down + 8 &* group)
            BilinearLines.store(BilinearLines.floats(c & 0xff_ffff) * unit, at: right + 8 &* group)
            place = place.moved(8, by: step)
        }
        place = first
        for group in 0..<count {
            let upper = UnsafeRawPointer(window) + (Int(place.row &>> 32) &* side &+ Int(place.column &>> 32))
            let lower = upper + side
            let at = offsets + 8 &* group
            for half in 0..<2 {
                let start = 8 &* group &+ 4 &* half
                // Four bytes a sample, of which two are its pixels, the left one in the low byte; a pixel to spare, so that all lie in
                // the window.
                let above = BilinearLines.gather(upper, at + 4 &* half)
                let below = BilinearLines.gather(lower, at + 4 &* half)
                let toTheRight: SIMD4<Float> = BilinearLines.load(right + start)
                let top = BilinearLines.between(above, toTheRight)
                let bottom = BilinearLines.between(below, toTheRight)
                let downward: SIMD4<Float> = BilinearLines.load(down + start)
                BilinearLines.store((top + (bottom - top) * downward) * Float(1.0 / 255), at: line + start)
            }
            place = place.moved(8, by: step)
        }
    }

    /// Four bytes from each of four places.
    @inline(__always) private static func gather<Offset: FixedWidthInteger & SIMDScalar>(
        _ base: UnsafeRawPointer, _ offsets: UnsafePointer<Offset>
    ) -> SIMD4<UInt32> {
        func bytes(_ lane: Int) -> UInt32 {
            UInt32(littleEndian: base.loadUnaligned(fromByteOffset: Int(offsets[lane]), as: UInt32.self))
        }
        return SIMD4(bytes(0), bytes(1), bytes(2), bytes(3))
    }

    /// Between the pixel in the lowest byte and that in the next.
    @inline(__always) private static func between(_ bytes: SIMD4<UInt32>, _ fraction: SIMD4<Float>) -> SIMD4<Float> {
        let pixels = SIMD4<Int32>(truncatingIfNeeded: bytes)
        let first = pixels & 0xff
        let second = (pixels &>> 8) & 0xff
        return SIMD4<Float>(first) + SIMD4<Float>(second &- first) * fraction
    }

    /// By halves, which the compiler takes in line.
    @inline(__always) private static func floats(_ lanes: SIMD8<Int32>) -> SIMD8<Float> {
        SIMD8(lowHalf: SIMD4<Float>(lanes.lowHalf), highHalf: SIMD4<Float>(lanes.highHalf))
    }

    /// One sample anywhere in the window; its edges go on beyond them.
    private func single(_ place: Place) -> Float {
        let last = Int64(side - 1) << 32
        let row = min(max(place.row, 0), last)
        let column = min(max(place.column, 0), last)
        // The last row and column are interpolated from the cell before them.
        let top = min(Int(row >> 32), side - 2)
        let left = min(Int(column >> 32), side - 2)
        let pixel = window + (top * side + left)
        let unit = Float(1 / 4_294_967_296.0)
        let down = Float(row - Int64(top) << 32) * unit
        let right = Float(column - Int64(left) << 32) * unit
        let upper = Float(pixel[0]) + (Float(pixel[1]) - Float(pixel[0])) * right
        let lower = Float(pixel[side]) + (Float(pixel[side + 1]) - Float(pixel[side])) * right
        return (upper + (lower - upper) * down) * Float(1.0 / 255)
    }

    @inline(__always) private static func load<Lanes: SIMD & BitwiseCopyable>(_ place: UnsafePointer<Lanes.Scalar>)
        -> Lanes
    {
        UnsafeRawPointer(place).loadUnaligned(as: Lanes.self)
    }

    @inline(__always) private static func store<Lanes: SIMD & BitwiseCopyable>(
        _ lanes: Lanes, at place: UnsafeMutablePointer<Lanes.Scalar>
    ) {
        UnsafeMutableRawPointer(place).storeBytes(of: lanes, as: Lanes.self)
    }
}
