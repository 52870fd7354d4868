internal import Synchronization

/// Windows of one size around points of many scans: scans are opened when they are asked for, and only some stay open.
///
/// ```swift
/// let pool = WindowPool(spacingUm: 2, side: 3096, cacheBytes: 1 << 30)
/// try pool.read(ScanFile(path: "0150.tif"), centreUm: SIMD2(25_000, 31_000), into: pixels)   // from any thread
/// ```
public final class WindowPool: Sendable {
    public let spacingUm: Double
    /// Side of a window, px.
    public let side: Int
    public let cache: TileCache
    private let openScans: Int
    private let state = Mutex(State())

    private final class Entry: Sendable {
        let reader = Mutex<WindowReader?>(nil)
    }

    private struct State {
        var entries: [ScanFile: (entry: Entry, use: Int)] = [:]
        /// What scans of more than 8 bits were found to hold.
        var ranges: [ScanFile: IntensityRange] = [:]
        var clock = 0
    }

    /// - Parameters:
    ///   - cacheBytes: room for decoded tiles.
    ///   - openScans: how many scans stay open; every one holds a file a thread and level.
    public init(spacingUm: Double, side: Int, cacheBytes: Int, openScans: Int = 64) {
        precondition(side >= 1 && openScans >= 1, "Windows of \(side) px from \(openScans) scans.")
        (self.spacingUm, self.side, self.openScans) = (spacingUm, side, openScans)
        cache = TileCache(limitBytes: cacheBytes)
    }

    /// A window into a buffer of `side`² pixels; see `WindowReader.read`.
    public func read(
        _ file: ScanFile, centreUm: SIMD2<Double>, into target: UnsafeMutableBufferPointer<UInt8>,
        needs: ((_ rows: Range<Int>, _ columns: Range<Int>) -> Bool)? = nil
    ) throws {
        try reader(of: file).read(centreUm: centreUm, side: side, into: target, needs: needs)
    }

    /// The reader of a scan, opened if need be.
    public func reader(of file: ScanFile) throws -> WindowReader {
        let (entry, range) = state.withLock { state in
            state.clock += 1
            let entry = state.entries[file]?.entry ?? Entry()
            state.entries[file] = (entry, state.clock)
            if state.entries.count > openScans,
                let oldest = state.entries.min(by: { $0.value.use < $1.value.use })?.key
            {
                state.entries[oldest] = nil
            }
            return (entry, state.ranges[file])
        }
        return try entry.reader.withLock { reader in
            if let reader { return reader }
            let new = try WindowReader(
                try SectionScan(path: file.path, pixelSizeUm: file.pixelSizeUm), spacingUm: spacingUm, range: range,
                cache: cache)
            reader = new
            state.withLock { $0.ranges[file] = new.range }
            return new
        }
    }
}

/// A scan's file, and what is known of it from outside.
public struct ScanFile: Sendable, Hashable {
    public let path: String
    /// What the cohort says; nil takes the file's own.
    public let pixelSizeUm: Double?

    public init(path: String, pixelSizeUm: Double? = nil) {
        (self.path, self.pixelSizeUm) = (path, pixelSizeUm)
    }
}

/// The side of the window that a patch is cut from, so that no rotation and no shift leaves it, px.
///
/// Even for an even patch and odd for an odd one: then both have the same centre, and a patch that is not turned is not
/// interpolated. 98 px for 64 px at 64 µm; 3096 px for the paper's 2048 px at 2 µm.
public func patchWindowSide(patchSide: Int, spacingUm: Double, maximumShiftMm: Double = 0.2) -> Int {
    let reach = Double(patchSide - 1) / 2 * 2.0.squareRoot() + maximumShiftMm * 1000 / spacingUm
    let side = Int((2 * reach + 1).rounded(.up))
    return side + (side - patchSide) % 2
}
