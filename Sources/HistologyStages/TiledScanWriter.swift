internal import Glibc
internal import StageKit

/// Writes a gray 8-bit scan as a tiled TIFF, band by band: memory holds one row of tiles, whatever the scan's size.
///
/// Tiles of 256 × 256, not compressed: every offset is known beforehand, so the directory stands in front and the bytes depend on the
/// pixels alone. A scan that does not fit below 4 GiB becomes a BigTIFF.
///
/// **Reference**: TIFF 6.0 (Adobe 1992), sections 2 and 15; BigTIFF (Aware Systems 2007).
struct TiledScanWriter {
    private static let side = 256

    private let path: String
    private let rows: Int
    private let columns: Int
    private let spacingUm: Double

    init(path: String, rows: Int, columns: Int, spacingUm: Double) throws {
        guard rows > 0, columns > 0 else { throw StageError(.badJob, "a scan cannot be empty", file: path) }
        (self.path, self.rows, self.columns, self.spacingUm) = (path, rows, columns, spacingUm)
    }

    private var tileRows: Int { (rows + Self.side - 1) / Self.side }
    private var tileColumns: Int { (columns + Self.side - 1) / Self.side }

    /// Writes the file.
    ///
    /// - Parameters:
    ///   - progress: gets the share that is done.
    ///   - band: fills a buffer with the pixels of some rows.
    func write(
        progress: (Double) -> Void, band: (Range<Int>, UnsafeMutableBufferPointer<UInt8>) throws -> Void
    ) throws {
        guard let stream = fopen(path, "wb") else {
            throw StageError(.inputOutput, "the scan cannot be written here", file: path)
        }
        defer { fclose(stream) }
        func append(_ bytes: UnsafeRawBufferPointer) throws {
            guard fwrite(bytes.baseAddress, 1, bytes.count, stream) == bytes.count else {
                throw StageError(
                    .inputOutput, "the scan could not be written to its end; is the disk full?", file: path)
            }
        }
        try header().withUnsafeBytes(append)
        let side = Self.side
        var pixels = [UInt8](repeating: 0, count: side * columns)
        var tiles = [UInt8](repeating: 0, count: side * side * tileColumns)
        for tileRow in 0..<tileRows {
            let height = min(side, rows - tileRow * side)
            try pixels.withUnsafeMutableBufferPointer { buffer in
                try band(
                    tileRow * side..<tileRow * side + height,
                    UnsafeMutableBufferPointer(rebasing: buffer[..<(height * columns)]))
            }
            pixels.withUnsafeBufferPointer { pixels in
                tiles.withUnsafeMutableBufferPointer { cut(pixels, height: height, into: $0) }
            }
            try tiles.withUnsafeBytes(append)
            progress(Double(tileRow + 1) / Double(tileRows))
        }
        guard fflush(stream) == 0 else {
            throw StageError(.inputOutput, "the scan could not be written to its end; is the disk full?", file: path)
        }
    }

    /// Cuts a band of `height` rows into tiles; beyond the scan's edge a tile repeats the last row and column.
    private func cut(
        _ pixels: UnsafeBufferPointer<UInt8>, height: Int, into tiles: UnsafeMutableBufferPointer<UInt8>
    ) {
        let side = Self.side
        for tile in 0..<tileColumns {
            let first = tile * side
            let width = min(side, columns - first)
            for row in 0..<side {
                let source = min(row, height - 1) * columns + first
                let target = (tile * side + row) * side
                _ = tiles[target..<target + width].update(fromContentsOf: pixels[source..<source + width])
                tiles[target + width..<target + side].update(repeating: pixels[source + width - 1])
            }
        }
    }

    /// Everything before the first tile: header, directory, the values that do not fit into it.
    private func header() -> [UInt8] {
        let tileBytes = Self.side * Self.side
        let count = tileRows * tileColumns
        let isBig = count * tileBytes > 0xF000_0000
        let (word, entryCount) = (isBig ? 8 : 4, 13)
        let directory = isBig ? 16 : 8
        let directoryBytes = (isBig ? 8 : 2) + entryCount * (isBig ? 20 : 12) + word
        // Outside the directory: resolution twice, offsets, byte counts (each only if it needs more than a word).
        let resolutionPlace = directory + directoryBytes
        let offsetsPlace = resolutionPlace + 16
        let countsPlace = offsetsPlace + (count > 1 ? count * word : 0)
        let end = countsPlace + (count > 1 ? count * 4 : 0)
        let first = (end + 15) / 16 * 16

        var bytes: [UInt8] = []
        func put(_ value: Int, _ width: Int) {
            for shift in 0..<width { bytes.append(UInt8(value >> (8 * shift) & 255)) }
        }
        /// Type 3: 16 bits, 4: 32 bits, 5: two 32 bits, 16: 64 bits.
        func entry(_ tag: Int, _ type: Int, _ entries: Int, _ value: Int) {
            put(tag, 2)
            put(type, 2)
            put(entries, word)
            put(value, word)
        }
        bytes += isBig ? [0x49, 0x49, 43, 0, 8, 0, 0, 0] : [0x49, 0x49, 42, 0]
        put(directory, word)
        put(entryCount, isBig ? 8 : 2)
        entry(256, 4, 1, columns)
        entry(257, 4, 1, rows)
        entry(258, 3, 1, 8)  // bits per sample
        entry(259, 3, 1, 1)  // not compressed
        entry(262, 3, 1, 1)  // black is zero
        entry(277, 3, 1, 1)  // samples per pixel
        // Pixels per centimetre, exact for a pixel size of whole nanometres.
        entry(282, 5, 1, isBig ? 0 : resolutionPlace)
        entry(283, 5, 1, isBig ? 0 : resolutionPlace + 8)
        entry(296, 3, 1, 3)  // centimetre
        entry(322, 4, 1, Self.side)
        entry(323, 4, 1, Self.side)
        entry(324, isBig ? 16 : 4, count, count > 1 ? offsetsPlace : first)
        entry(325, 4, count, count > 1 ? countsPlace : tileBytes)
        put(0, word)
        let nanometres = Int((spacingUm * 1000).rounded())
        if isBig {
            // In a BigTIFF the rational fits into the entry itself: patch both in place.
            for index in [6, 7] {
                let place = directory + 8 + index * 20 + 12
                for shift in 0..<4 {
                    bytes[place + shift] = UInt8(10_000_000 >> (8 * shift) & 255)
                    bytes[place + 4 + shift] = UInt8(nanometres >> (8 * shift) & 255)
                }
            }
        }
        for _ in 0..<2 {
            put(10_000_000, 4)
            put(nanometres, 4)
        }
        if count > 1 {
            for tile in 0..<count { put(first + tile * tileBytes, word) }
            for _ in 0..<count { put(tileBytes, 4) }
        }
        while bytes.count < first { bytes.append(0) }
        return bytes
    }
}
