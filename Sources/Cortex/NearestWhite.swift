internal import NDArray

/// The way from each pixel of a section's gray matter to its nearest pixel of white matter, reached through gray matter: one number, the squared
/// distance above the steps along the rows and the columns.
enum NearestWhite {
    static let outside: Int32 = -1
    static let unknown: Int32 = 0x7fff << 16

    @inline(__always) static func packed(_ squared: Int32, _ row: Int32, _ column: Int32) -> Int32 {
        squared << 16 | Int32(UInt8(truncatingIfNeeded: row)) << 8 | Int32(UInt8(truncatingIfNeeded: column))
    }

    @inline(__always) static func squared(_ known: Int32) -> Int32 { known >> 16 }

    @inline(__always) static func row(_ known: Int32) -> Int32 { Int32(Int8(truncatingIfNeeded: known >> 8)) }

    @inline(__always) static func column(_ known: Int32) -> Int32 { Int32(Int8(truncatingIfNeeded: known)) }

    /// Finds all ways up to `limit`, at most 100, pixels.
    ///
    /// Pixels are settled in the order of their distance, a quarter of a pixel at a time, as `BankSeparation` settles the cells of a volume;
    /// what a pixel knows is handed to its neighbours.
    static func find(in grid: SectionGrid, limit: Float) {
        // The bucket of each squared distance; what is handed on is at most a pixel farther than the limit.
        let farthest = Int((limit + 2) * (limit + 2)) + 1
        let buckets = GridBuffer<Int32>(count: farthest + 1, filledWith: 0)
        for distance in 0...farthest { buckets[distance] = Int32(4 * Float(distance).squareRoot()) }
        let (bucketOf, last) = (buckets.base, Int32(4 * limit))
        let (known, stride) = (grid.whites.base, grid.stride)
        let waiting = FrontQueue()
        for pixel in grid.atWhite {
            let place = besideWhite(grid, Int(pixel))
            known[Int(pixel)] = place
            waiting.append(pixel, to: bucketOf[Int(squared(place))])
        }
        for bucket in 0..<max(last, 0) {
            // What is added to this bucket on the way is taken last.
            while let next = waiting.first(of: bucket) {
                let pixel = Int(next)
                let (row, column, squared) = (row(known[pixel]), column(known[pixel]), squared(known[pixel]))
                // Settled nearer in the meantime.
                guard bucketOf[Int(squared)] == bucket else { continue }
                @inline(__always) func hand(to other: Int, _ distance: Int32, _ row: Int32, _ column: Int32) {
                    guard distance < NearestWhite.squared(known[other]) else { return }
                    known[other] = packed(distance, row, column)
                    let place = max(bucketOf[Int(distance)], bucket)
                    if place < last { waiting.append(Int32(truncatingIfNeeded: other), to: place) }
                }
                // |o − s|² = |o|² − 2 o·s + 1.
                hand(to: pixel - stride, squared &+ 1 &+ 2 &* row, row &+ 1, column)
                hand(to: pixel + stride, squared &+ 1 &- 2 &* row, row &- 1, column)
                hand(to: pixel - 1, squared &+ 1 &+ 2 &* column, row, column &+ 1)
                hand(to: pixel + 1, squared &+ 1 &- 2 &* column, row, column &- 1)
            }
        }
    }

    /// The way to the nearest white pixel among the eight around.
    private static func besideWhite(_ grid: SectionGrid, _ pixel: Int) -> Int32 {
        let place = grid.labels.base + pixel
        let stride = grid.stride
        @inline(__always) func isWhite(_ row: Int, _ column: Int) -> Bool {
            place[row * stride + column] == TissueClass.white
        }
        if isWhite(-1, 0) { return packed(1, -1, 0) }
        if isWhite(0, -1) { return packed(1, 0, -1) }
        if isWhite(0, 1) { return packed(1, 0, 1) }
        if isWhite(1, 0) { return packed(1, 1, 0) }
        if isWhite(-1, -1) { return packed(2, -1, -1) }
        if isWhite(-1, 1) { return packed(2, -1, 1) }
        return isWhite(1, -1) ? packed(2, 1, -1) : packed(2, 1, 1)
    }
}

/// Pixels that wait in buckets, first come, first served; buckets are emptied in ascending order, and none is filled that lies eight or more ahead.
private final class FrontQueue {
    private struct Bucket {
        var pixels: UnsafeMutablePointer<Int32>
        var head = 0
        var end = 0
        var capacity = 4096
    }

    private let buckets = UnsafeMutablePointer<Bucket>.allocate(capacity: 8)

    init() {
        for bucket in 0..<8 { (buckets + bucket).initialize(to: Bucket(pixels: .allocate(capacity: 4096))) }
    }

    deinit {
        for bucket in 0..<8 { buckets[bucket].pixels.deallocate() }
        buckets.deallocate()
    }

    @inline(__always) func append(_ pixel: Int32, to bucket: Int32) {
        let place = buckets + Int(bucket & 7)
        if place.pointee.end == place.pointee.capacity { grow(place) }
        place.pointee.pixels[place.pointee.end] = pixel
        place.pointee.end &+= 1
    }

    /// Takes the first pixel of a bucket out; nil where none is left.
    @inline(__always) func first(of bucket: Int32) -> Int32? {
        let place = buckets + Int(bucket & 7)
        guard place.pointee.head < place.pointee.end else {
            (place.pointee.head, place.pointee.end) = (0, 0)
            return nil
        }
        let pixel = place.pointee.pixels[place.pointee.head]
        place.pointee.head &+= 1
        return pixel
    }

    @inline(never) private func grow(_ bucket: UnsafeMutablePointer<Bucket>) {
        let larger = UnsafeMutablePointer<Int32>.allocate(capacity: 2 * bucket.pointee.capacity)
        larger.update(from: bucket.pointee.pixels, count: bucket.pointee.end)
        bucket.pointee.pixels.deallocate()
        bucket.pointee.pixels = larger
        bucket.pointee.capacity *= 2
    }
}
