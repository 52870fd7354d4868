internal import JPEG
internal import PNG
internal import Synchronization
internal import TIFF

/// Decoded pixels by pieces, from one thread at a time.
protocol PieceReader: AnyObject {
    /// See `TIFFBlockReader.forEachPiece`.
    func forEachPiece(rows: Range<Int>, columns: Range<Int>, _ body: (TIFFPiece) throws -> Void) throws
}

extension TIFFBlockReader: PieceReader {}

/// Hands out all of an image that lies in memory.
final class MemoryReader: PieceReader {
    private let samples: [UInt8]
    private let rowBytes: Int
    private let pixelBytes: Int

    init(samples: [UInt8], columns: Int, pixelBytes: Int) {
        self.samples = samples
        self.pixelBytes = pixelBytes
        rowBytes = columns * pixelBytes
    }

    func forEachPiece(rows: Range<Int>, columns: Range<Int>, _ body: (TIFFPiece) throws -> Void) throws {
        try samples.withUnsafeBytes { bytes in
            guard let base = bytes.baseAddress, !rows.isEmpty, !columns.isEmpty else { return }
            try body(
                TIFFPiece(
                    row: rows.lowerBound, column: columns.lowerBound, rows: rows.count, columns: columns.count,
                    base: base + rows.lowerBound * rowBytes + columns.lowerBound * pixelBytes, rowBytes: rowBytes))
        }
    }
}

/// The pixels of one level: what they are, how they are best split, and readers for any number of threads.
final class PieceSource: Sendable {
    /// Stored rows and columns.
    let rows: Int
    let columns: Int
    let delivery: TIFFBlockReader.Delivery
    let palette: [SIMD3<UInt16>]
    /// Row ranges to work on, the same whatever the number of threads.
    let bands: [Range<Int>]
    /// Rows and columns of what is best decoded in one go: a tile, some strips, some rows of an image in memory.
    let blockRows: Int
    let blockColumns: Int
    /// About how much memory one reader takes.
    let workingBytes: Int
    /// Whether some pieces are left out and show background.
    let hasGaps: Bool
    private let makeReader: @Sendable () throws -> any PieceReader
    private let idle: Mutex<[Box]>

    private struct Box: @unchecked Sendable {
        // Sendable: a reader is in the pool or in one thread's hands, never in two.
        let reader: any PieceReader
    }

    init(file: String, directory: TIFFDirectory) throws {
        let reader = try TIFFBlockReader(file: file, directory: directory)
        rows = directory.rows
        columns = directory.columns
        delivery = reader.delivery
        palette = reader.palette
        bands = reader.bands
        blockRows = directory.isTiled ? directory.blockRows : reader.bands.first?.count ?? 1
        blockColumns = directory.isTiled ? directory.blockColumns : directory.columns
        hasGaps = reader.hasGaps
        workingBytes = reader.workingBytes
        makeReader = { try TIFFBlockReader(file: file, directory: directory) }
        idle = Mutex([Box(reader: reader)])
    }

    /// An image of 8- or 16-bit samples that is decoded as a whole when its pixels are first asked for.
    init(
        rows: Int, columns: Int, delivery: TIFFBlockReader.Delivery, decode: @escaping @Sendable () throws -> [UInt8]
    ) {
        self.rows = rows
        self.columns = columns
        self.delivery = delivery
        palette = []
        bands = stride(from: 0, to: rows, by: 64).map { $0..<min($0 + 64, rows) }
        blockRows = 64
        blockColumns = columns
        hasGaps = false
        workingBytes = 0
        let cache = DecodedOnce(decode)
        makeReader = {
            MemoryReader(samples: try cache.samples(), columns: columns, pixelBytes: delivery.pixelBytes)
        }
        idle = Mutex([])
    }

    /// Lends a reader to `body`.
    func withReader<Result>(_ body: (any PieceReader) throws -> Result) throws -> Result {
        let box: Box
        if let pooled = idle.withLock({ $0.popLast() }) {
            box = pooled
        } else {
            box = Box(reader: try makeReader())
        }
        let result = try body(box.reader)
        idle.withLock { $0.append(box) }
        return result
    }
}

/// The samples of an image, decoded once.
private final class DecodedOnce: Sendable {
    private let decoded = Mutex<[UInt8]?>(nil)
    private let decode: @Sendable () throws -> [UInt8]

    init(_ decode: @escaping @Sendable () throws -> [UInt8]) {
        self.decode = decode
    }

    func samples() throws -> [UInt8] {
        try decoded.withLock { samples in
            if let samples { return samples }
            let new = try decode()
            samples = new
            return new
        }
    }
}
