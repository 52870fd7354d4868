internal import CTIFF
internal import Glibc

/// Decoded pixels of a tile, strip or group of rows, as a reader hands them out; valid only during the call.
public struct TIFFPiece {
    /// First row and column in the stored image.
    public let row: Int
    public let column: Int
    public let rows: Int
    public let columns: Int
    /// The first sample of the first row: samples interleaved, in the machine's byte order.
    public let base: UnsafeRawPointer
    /// Bytes from one row to the next.
    public let rowBytes: Int

    public init(row: Int, column: Int, rows: Int, columns: Int, base: UnsafeRawPointer, rowBytes: Int) {
        self.row = row
        self.column = column
        self.rows = rows
        self.columns = columns
        self.base = base
        self.rowBytes = rowBytes
    }
}

/// Decodes the pixels of one directory piece by piece in the stored orientation; used from one thread at a time.
///
/// What it hands out is plain: interleaved samples of 1, 2, 4 or 8 bytes. Odd bit depths are widened, separate planes
/// interleaved, YCbCr in JPEG turned to RGB; kinds that libtiff alone knows how to show come as RGBA of 8 bits.
public final class TIFFBlockReader {
    /// Samples as they are handed out.
    public struct Delivery: Sendable, Equatable {
        public enum Meaning: Sendable, Equatable { case gray, invertedGray, rgb, palette, separated }
        public let meaning: Meaning
        public let channels: Int
        public let bytesPerSample: Int
        /// Bits that the values use: `bytesPerSample * 8`, or fewer where they were packed tighter in the file.
        public let bits: Int
        public let format: TIFFDirectory.SampleFormat
        /// Index of the opacity channel; nil where there is none.
        public let alphaChannel: Int?
        public let isPremultiplied: Bool
        public var pixelBytes: Int { channels * bytesPerSample }

        public init(
            meaning: Meaning, channels: Int, bytesPerSample: Int, bits: Int, format: TIFFDirectory.SampleFormat,
            alphaChannel: Int?, isPremultiplied: Bool
        ) {
            self.meaning = meaning
            self.channels = channels
            self.bytesPerSample = bytesPerSample
            self.bits = bits
            self.format = format
            self.alphaChannel = alphaChannel
            self.isPremultiplied = isPremultiplied
        }
    }

    public let directory: TIFFDirectory
    public let delivery: Delivery
    /// Red, green, blue (0 … 65535) of each index of a palette image.
    public let palette: [SIMD3<UInt16>]
    /// About how much memory the reader takes while it decodes.
    public private(set) var workingBytes = 0
    private let handle: TIFFHandle
    private let usesLibraryConversion: Bool
    private let isTwelveBitJPEG: Bool
    private let isPacked: Bool
    private let readsByRow: Bool
    /// A block as libtiff gives it, one plane of it widened, and as it is handed out.
    private var encoded: [UInt8] = []
    private var samples: [UInt8] = []
    private var delivered: [UInt8] = []

    /// Opens the file again, for one thread.
    public init(file path: String, directory: TIFFDirectory) throws {
        self.directory = directory
        handle = try TIFFHandle(path: path)
        try handle.select(offset: directory.offset)
        let isJPEGColour = directory.photometric == .ycbcr && directory.compression == 7
        if isJPEGColour { _ = ctiff_set_jpeg_to_rgb(handle.raw) }
        let bits = directory.bitsPerSample
        let meaning: Delivery.Meaning? =
            switch directory.photometric {
            case .gray: .gray
            case .invertedGray: .invertedGray
            case .rgb: directory.samplesPerPixel >= 3 ? .rgb : .gray
            case .palette: bits <= 16 && directory.sampleFormat == .unsigned ? .palette : nil
            case .separated:
                directory.samplesPerPixel >= 4 && handle.number16(TIFFTAG_INKSET, default: 1) == 1 ? .separated : nil
            case .ycbcr: isJPEGColour && directory.samplesPerPixel == 3 && bits == 8 ? .rgb : nil
            case .other: nil
            }
        isTwelveBitJPEG =
            directory.compression == 7 && bits == 12 && directory.sampleFormat == .unsigned
            && (meaning == .gray || meaning == .invertedGray || meaning == .rgb)
        let isWhole = isTwelveBitJPEG || [8, 16, 32, 64].contains(bits)
        let colours = meaning == .rgb ? 3 : meaning == .separated ? 4 : 1
        let isFloatOfKnownSize = directory.sampleFormat != .float || [16, 32, 64].contains(bits)
        let isIntegerOfKnownSize = directory.sampleFormat == .float || bits <= 32
        let canRead =
            isFloatOfKnownSize && isIntegerOfKnownSize
            && (isWhole || directory.sampleFormat == .unsigned)
        if let meaning, canRead {
            usesLibraryConversion = false
            isPacked = !isWhole
            let hasAlpha = directory.alpha != .none && directory.samplesPerPixel > colours
            delivery = Delivery(
                meaning: meaning, channels: directory.samplesPerPixel,
                bytesPerSample: bits <= 8 ? 1 : bits <= 16 ? 2 : bits <= 32 ? 4 : 8, bits: bits,
                format: directory.sampleFormat, alphaChannel: hasAlpha ? colours : nil,
                isPremultiplied: directory.alpha == .premultiplied)
        } else {
            var message = [CChar](repeating: 0, count: 1024)
            guard TIFFRGBAImageOK(handle.raw, &message) == 1 else {
                let words = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
                throw TIFFError(
                    .unsupported, file: path,
                    problem:
                        "\(directory.samplesPerPixel) samples of \(bits) bits (\(directory.sampleFormat.rawValue), "
                        + "\(directory.photometric)) are not read: \(words)")
            }
            usesLibraryConversion = true
            isPacked = false
            delivery = Delivery(
                meaning: .rgb, channels: 4, bytesPerSample: 1, bits: 8, format: .unsigned, alphaChannel: 3,
                isPremultiplied: true)
        }
        var red: UnsafeMutablePointer<UInt16>?
        var green: UnsafeMutablePointer<UInt16>?
        var blue: UnsafeMutablePointer<UInt16>?
        if delivery.meaning == .palette {
            guard ctiff_color_map(handle.raw, &red, &green, &blue) == 1, let red, let green, let blue else {
                throw TIFFError(.unreadable, file: path, problem: "a palette image without its palette")
            }
            palette = (0..<1 << bits).map { SIMD3(red[$0], green[$0], blue[$0]) }
        } else {
            palette = []
        }
        let blockBytes =
            directory.blockRows.multipliedReportingOverflow(
                by: directory.blockColumns * max(directory.samplesPerPixel * ((bits + 7) / 8), 4))
        let isLarge = blockBytes.overflow || blockBytes.partialValue > TIFFLimits.wholeBlockBytes
        readsByRow = !directory.isTiled && isLarge && !usesLibraryConversion && !isTwelveBitJPEG
        if isLarge, !readsByRow, blockBytes.overflow || blockBytes.partialValue > TIFFLimits.tileBytes {
            throw TIFFError(
                .tooLarge, file: path,
                problem:
                    "tiles or strips of \(directory.blockColumns) × \(directory.blockRows) pixels are too large to "
                    + "decode; write the image with tiles of 256 to 1024")
        }
        let largest = readsByRow && directory.compression != 1 ? largestStripBytes() : 0
        guard largest <= TIFFLimits.compressedStripBytes else {
            throw TIFFError(
                .tooLarge, file: path,
                problem:
                    "a compressed strip of \(largest >> 20) MiB must be read as a whole; write the image with tiles or "
                    + "small strips")
        }
        workingBytes = largest + (readsByRow ? 8 << 20 : 3 * blockBytes.partialValue)
        try checkBlockCount()
    }

    private func largestStripBytes() -> Int {
        (0..<TIFFNumberOfStrips(handle.raw)).map { Int(clamping: TIFFGetStrileByteCount(handle.raw, $0)) }.max() ?? 0
    }

    /// Row ranges that cover the image, each of whole tiles or strips: the natural pieces of work, for any number of threads.
    public var bands: [Range<Int>] {
        let rows = directory.rows
        var height = directory.blockRows
        if !directory.isTiled, height < 64 { height *= (63 + height) / height }
        if readsByRow, directory.compression == 1 { height = min(height, 64) }
        return stride(from: 0, to: rows, by: height).map { $0..<min($0 + height, rows) }
    }

    /// Whether the file leaves out some of its tiles or strips.
    public var hasGaps: Bool {
        let count = directory.isTiled ? TIFFNumberOfTiles(handle.raw) : TIFFNumberOfStrips(handle.raw)
        return (0..<count).contains { TIFFGetStrileByteCount(handle.raw, $0) == 0 }
    }

    /// Decodes the pieces that lie in a rectangle of the stored image, each cut to it, top to bottom and left to right.
    ///
    /// A tile or strip that the file leaves out (sparse files) gets no call: there is only background.
    public func forEachPiece(rows: Range<Int>, columns: Range<Int>, _ body: (TIFFPiece) throws -> Void) throws {
        precondition(
            rows.lowerBound >= 0 && rows.upperBound <= directory.rows && columns.lowerBound >= 0
                && columns.upperBound <= directory.columns, "The rectangle leaves the image.")
        guard !rows.isEmpty, !columns.isEmpty else { return }
        if readsByRow { return try readRows(rows, columns, body) }
        let height = directory.blockRows
        let width = directory.blockColumns
        for blockRow in rows.lowerBound / height...(rows.upperBound - 1) / height {
            for blockColumn in columns.lowerBound / width...(columns.upperBound - 1) / width {
                let row = blockRow * height
                let column = blockColumn * width
                let rowBytes = try decode(row: row, column: column)
                guard rowBytes > 0 else { continue }
                let top = max(row, rows.lowerBound)
                let left = max(column, columns.lowerBound)
                let bottom = min(row + height, rows.upperBound)
                let right = min(column + width, columns.upperBound)
                try delivered.withUnsafeBytes { bytes in
                    guard let base = bytes.baseAddress else { return }
                    try body(
                        TIFFPiece(
                            row: top, column: left, rows: bottom - top, columns: right - left,
                            base: base + (top - row) * rowBytes + (left - column) * delivery.pixelBytes,
                            rowBytes: rowBytes))
                }
            }
        }
    }

    // MARK: Decoding

    /// Decodes the block whose first pixel is given into `delivered`; gives its row length in bytes, 0 for a block left out.
    private func decode(row: Int, column: Int) throws -> Int {
        let height = directory.isTiled ? directory.blockRows : min(directory.blockRows, directory.rows - row)
        let width = directory.blockColumns
        let rowBytes = width * delivery.pixelBytes
        if usesLibraryConversion {
            if isLeftOut(row: row, column: column, plane: 0) { return 0 }
            return try convert(row: row, column: column, rowBytes: rowBytes)
        }
        grow(&delivered, height * rowBytes)
        guard directory.isSeparate, directory.samplesPerPixel > 1 else {
            if isLeftOut(row: row, column: column, plane: 0) { return 0 }
            guard isPacked else {
                try fill(&delivered, row: row, column: column, plane: 0, byteCount: height * rowBytes)
                return rowBytes
            }
            let packedBytes = (width * delivery.channels * directory.bitsPerSample + 7) / 8
            try fill(&encoded, row: row, column: column, plane: 0, byteCount: height * packedBytes)
            for line in 0..<height {
                unpack(encoded, line * packedBytes, into: &delivered, line * rowBytes, count: width * delivery.channels)
            }
            return rowBytes
        }
        let sample = delivery.bytesPerSample
        let planeBytes = height * width * sample
        for plane in 0..<delivery.channels {
            if isLeftOut(row: row, column: column, plane: plane) {
                if plane == 0 { return 0 }
                samples = [UInt8](repeating: 0xff, count: planeBytes)
            } else if isPacked {
                let packedBytes = (width * directory.bitsPerSample + 7) / 8
                try fill(&encoded, row: row, column: column, plane: plane, byteCount: height * packedBytes)
                grow(&samples, planeBytes)
                for line in 0..<height {
                    unpack(encoded, line * packedBytes, into: &samples, line * width * sample, count: width)
                }
            } else {
                try fill(&samples, row: row, column: column, plane: plane, byteCount: planeBytes)
            }
            let channels = delivery.channels
            samples.withUnsafeBufferPointer { source in
                delivered.withUnsafeMutableBufferPointer { target in
                    for pixel in 0..<height * width {
                        for byte in 0..<sample {
                            target[(pixel * channels + plane) * sample + byte] = source[pixel * sample + byte]
                        }
                    }
                }
            }
        }
        return rowBytes
    }

    private func grow(_ buffer: inout [UInt8], _ count: Int) {
        if buffer.count < count { buffer = [UInt8](repeating: 0, count: count) }
    }

    private func block(row: Int, column: Int, plane: Int) -> UInt32 {
        directory.isTiled
            ? TIFFComputeTile(handle.raw, UInt32(column), UInt32(row), 0, UInt16(plane))
            : TIFFComputeStrip(handle.raw, UInt32(row), UInt16(plane))
    }

    /// Whether the file holds no bytes for a block.
    private func isLeftOut(row: Int, column: Int, plane: Int) -> Bool {
        TIFFGetStrileByteCount(handle.raw, block(row: row, column: column, plane: plane)) == 0
    }

    /// Decodes one tile or strip of libtiff; all of `byteCount` must come, else the file is damaged.
    private func fill(_ buffer: inout [UInt8], row: Int, column: Int, plane: Int, byteCount: Int) throws {
        let index = block(row: row, column: column, plane: plane)
        if isTwelveBitJPEG { return try fillTwelveBits(&buffer, row: row, column: column, index: index) }
        let expected = Int(
            directory.isTiled
                ? TIFFTileSize(handle.raw)
                : TIFFVStripSize(handle.raw, UInt32(min(directory.blockRows, directory.rows - row))))
        guard expected >= byteCount, expected <= TIFFLimits.tileBytes else {
            throw TIFFError(
                .unreadable, file: handle.path,
                problem: "a tile or strip decodes to \(expected) bytes where \(byteCount) were expected")
        }
        grow(&buffer, expected)
        _ = handle.takeWordsIfAny()
        let count = buffer.withUnsafeMutableBytes { bytes in
            directory.isTiled
                ? TIFFReadEncodedTile(handle.raw, index, bytes.baseAddress, tmsize_t(expected))
                : TIFFReadEncodedStrip(handle.raw, index, bytes.baseAddress, tmsize_t(expected))
        }
        guard count >= byteCount else { throw damaged(row, column) }
    }

    /// Decodes one tile or strip of 12-bit JPEG.
    private func fillTwelveBits(_ buffer: inout [UInt8], row: Int, column: Int, index: UInt32) throws {
        let count = TIFFGetStrileByteCount(handle.raw, index)
        guard count <= TIFFLimits.tileBytes else {
            throw TIFFError(.tooLarge, file: handle.path, problem: "a tile or strip of \(count) bytes")
        }
        var bytes = [UInt8](repeating: 0, count: Int(count))
        let read = bytes.withUnsafeMutableBytes { bytes in
            directory.isTiled
                ? TIFFReadRawTile(handle.raw, index, bytes.baseAddress, tmsize_t(count))
                : TIFFReadRawStrip(handle.raw, index, bytes.baseAddress, tmsize_t(count))
        }
        guard read == tmsize_t(count) else { throw damaged(row, column) }
        var tables: [UInt8] = []
        var tableCount: UInt32 = 0
        var start: UnsafeMutablePointer<UInt8>?
        if ctiff_jpeg_tables(handle.raw, &tableCount, &start) == 1, let start {
            tables = Array(UnsafeBufferPointer(start: start, count: Int(tableCount)))
        }
        let channels = directory.isSeparate ? 1 : delivery.channels
        let height = directory.isTiled ? directory.blockRows : min(directory.blockRows, directory.rows - row)
        do {
            let frame = try TwelveBitJPEG(
                bytes, tables: tables, rows: height, columns: directory.blockColumns, components: channels)
            grow(&buffer, frame.samples.count * 2)
            frame.samples.withUnsafeBytes { source in
                buffer.withUnsafeMutableBytes { $0.copyMemory(from: source) }
            }
        } catch let problem as TwelveBitJPEG.Problem {
            throw TIFFError(
                .unreadable, file: handle.path, problem: "row \(row), column \(column): \(problem.text)")
        }
    }

    private func convert(row: Int, column: Int, rowBytes: Int) throws -> Int {
        let height = min(directory.blockRows, directory.rows - row)
        let width = min(directory.blockColumns, directory.columns - column)
        grow(&delivered, directory.blockRows * rowBytes)
        grow(&encoded, height * width * 4)
        _ = handle.takeWordsIfAny()
        var message = [CChar](repeating: 0, count: 1024)
        let status = encoded.withUnsafeMutableBytes { bytes in
            ctiff_rgba(
                handle.raw, UInt32(row), UInt32(column), UInt32(height), UInt32(width),
                bytes.assumingMemoryBound(to: UInt32.self).baseAddress, &message)
        }
        guard status == 0 else { throw damaged(row, column) }
        for line in 0..<height {
            delivered.replaceSubrange(
                line * rowBytes..<line * rowBytes + width * 4, with: encoded[line * width * 4..<(line + 1) * width * 4])
        }
        return rowBytes
    }

    private func damaged(_ row: Int, _ column: Int) -> TIFFError {
        TIFFError(
            .unreadable, file: handle.path,
            problem: "is damaged or cut off at row \(row), column \(column) (\(directory.compressionName)): "
                + handle.takeWords())
    }

    /// Rows of strips too large to decode whole, a few at a time.
    private func readRows(
        _ rows: Range<Int>, _ columns: Range<Int>, _ body: (TIFFPiece) throws -> Void
    ) throws {
        let rowBytes = directory.columns * delivery.pixelBytes
        let planes = directory.isSeparate ? directory.samplesPerPixel : 1
        let lineBytes = Int(TIFFScanlineSize(handle.raw))
        let expected =
            (directory.columns * directory.bitsPerSample * (planes > 1 ? 1 : directory.samplesPerPixel) + 7) / 8
        guard lineBytes >= expected, lineBytes <= TIFFLimits.tileBytes, rowBytes <= TIFFLimits.tileBytes else {
            throw TIFFError(.tooLarge, file: handle.path, problem: "rows of \(lineBytes) bytes are not read")
        }
        guard planes == 1 else {
            throw TIFFError(
                .unsupported, file: handle.path,
                problem: "separate planes in strips of \(directory.blockRows) rows are not read; "
                    + "write the image with tiles or small strips")
        }
        let group = max(1, min(64, (4 << 20) / rowBytes))
        var start = rows.lowerBound
        while start < rows.upperBound {
            // A group ends with its strip, so that it is there as a whole or not at all.
            let end = min(start + group, rows.upperBound, (start / directory.blockRows + 1) * directory.blockRows)
            grow(&delivered, group * rowBytes)
            grow(&encoded, lineBytes)
            if isLeftOut(row: start, column: 0, plane: 0) {
                start = end
                continue
            }
            for row in start..<end {
                _ = handle.takeWordsIfAny()
                let status = encoded.withUnsafeMutableBytes {
                    TIFFReadScanline(handle.raw, $0.baseAddress, UInt32(row), 0)
                }
                guard status == 1 else { throw damaged(row, 0) }
                let target = (row - start) * rowBytes
                if isPacked {
                    unpack(encoded, 0, into: &delivered, target, count: directory.columns * delivery.channels)
                } else {
                    encoded.withUnsafeBytes { source in
                        delivered.withUnsafeMutableBytes { bytes in
                            bytes.baseAddress?.advanced(by: target).copyMemory(
                                from: source.baseAddress.unsafelyUnwrapped, byteCount: rowBytes)
                        }
                    }
                }
            }
            try delivered.withUnsafeBytes { bytes in
                guard let base = bytes.baseAddress else { return }
                try body(
                    TIFFPiece(
                        row: start, column: columns.lowerBound, rows: end - start, columns: columns.count,
                        base: base + columns.lowerBound * delivery.pixelBytes, rowBytes: rowBytes))
            }
            start = end
        }
    }

    /// Widens samples of an odd number of bits, most significant bit first, of one row.
    private func unpack(
        _ packed: [UInt8], _ sourceStart: Int, into wide: inout [UInt8], _ targetStart: Int, count: Int
    ) {
        let bits = directory.bitsPerSample
        let bytes = delivery.bytesPerSample
        packed.withUnsafeBufferPointer { source in
            wide.withUnsafeMutableBytes { target in
                if bits == 24 {
                    // libtiff has put whole bytes into the machine's order already.
                    for index in 0..<count {
                        let at = sourceStart + index * 3
                        let value = UInt32(source[at]) | UInt32(source[at + 1]) << 8 | UInt32(source[at + 2]) << 16
                        target.storeBytes(of: value, toByteOffset: targetStart + index * 4, as: UInt32.self)
                    }
                    return
                }
                var window: UInt64 = 0
                var available = 0
                var next = sourceStart
                let mask: UInt64 = (1 << UInt64(bits)) - 1
                for index in 0..<count {
                    while available < bits {
                        window = window << 8 | UInt64(source[next])
                        next += 1
                        available += 8
                    }
                    available -= bits
                    let value = (window >> UInt64(available)) & mask
                    switch bytes {
                    case 1: target[targetStart + index] = UInt8(value)
                    case 2:
                        target.storeBytes(
                            of: UInt16(value), toByteOffset: targetStart + index * 2, as: UInt16.self)
                    default:
                        target.storeBytes(
                            of: UInt32(value), toByteOffset: targetStart + index * 4, as: UInt32.self)
                    }
                }
            }
        }
    }

    /// A file must at least hold the list of its tiles: a count that it cannot hold is a mistake or an attack.
    private func checkBlockCount() throws {
        var status = stat()
        guard stat(handle.path, &status) == 0 else { return }
        let across = (directory.columns + directory.blockColumns - 1) / directory.blockColumns
        let down = (directory.rows + directory.blockRows - 1) / directory.blockRows
        let count = across * down
        // libtiff cuts a single uncompressed strip into many by itself; those stand in no list but hold their bytes.
        guard count <= Int(status.st_size) else {
            throw TIFFError(
                .tooLarge, file: handle.path,
                problem: "declares \(count) tiles or strips, but has only \(status.st_size) bytes")
        }
        // Tiles that share their bytes make a small file take hours: beyond what any blank slide compresses to, it is refused.
        let pixels = directory.rows * directory.columns
        guard pixels > TIFFLimits.unquestionedPixels, pixels / max(Int(status.st_size), 1) > TIFFLimits.pixelsPerByte
        else { return }
        let total = directory.isTiled ? TIFFNumberOfTiles(handle.raw) : TIFFNumberOfStrips(handle.raw)
        let present = (0..<total).count { TIFFGetStrileByteCount(handle.raw, $0) > 0 }
        guard present * directory.blockRows * directory.blockColumns <= TIFFLimits.unquestionedPixels else {
            throw TIFFError(
                .tooLarge, file: handle.path,
                problem: "\(directory.columns) × \(directory.rows) pixels in \(status.st_size) bytes cannot be a scan")
        }
    }
}
