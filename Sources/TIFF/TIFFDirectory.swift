internal import CTIFF

/// What one image directory of a TIFF file says about its image.
public struct TIFFDirectory: Sendable, Equatable {
    public enum SampleFormat: String, Sendable { case unsigned, signed, float }

    /// What the samples mean.
    public enum Photometric: Sendable, Equatable {
        case gray, invertedGray, rgb, palette, separated, ycbcr
        /// Any other, by its number in the file.
        case other(Int)
    }

    /// Opacity among the extra samples.
    public enum Alpha: String, Sendable { case none, premultiplied, straight }

    /// Where the directory lies in the file.
    public let offset: UInt64
    public let rows: Int
    public let columns: Int
    public let bitsPerSample: Int
    public let samplesPerPixel: Int
    public let sampleFormat: SampleFormat
    public let photometric: Photometric
    /// Every channel in strips or tiles of its own.
    public let isSeparate: Bool
    public let alpha: Alpha
    /// 1 … 8 as TIFF numbers them.
    public let orientation: Int
    public let isTiled: Bool
    /// Rows of a tile or strip.
    public let blockRows: Int
    /// Columns of a tile; of a strip all.
    public let blockColumns: Int
    /// Number in the file, see `compressionName`.
    public let compression: Int
    /// Marked as a smaller version of another image.
    public let isReduced: Bool
    public let description: String
    /// Pixels per unit by the resolution tags and unit (1 none, 2 inch, 3 cm), rows and columns; nil where absent.
    public let resolution: Resolution?
    /// The largest value that samples are said to reach.
    public let maximumSample: Int?
    /// Offsets of the directories that hang below this one.
    public let subDirectories: [UInt64]

    public struct Resolution: Sendable, Equatable {
        public let perRow: Double
        public let perColumn: Double
        public let unit: Int
    }

    /// The compression's usual name.
    public var compressionName: String {
        switch compression {
        case 1: "none"
        case 2, 3, 4: "CCITT fax"
        case 5: "LZW"
        case 6: "old JPEG"
        case 7: "JPEG"
        case 8, 32946: "deflate"
        case 32773: "PackBits"
        case 33003, 33005, 34712: "JPEG 2000"
        case 34661: "JBIG"
        case 34887: "LERC"
        case 34925: "LZMA"
        case 50000: "zstd"
        case 50001: "WebP"
        default: "compression \(compression)"
        }
    }

    /// Reads the current directory of a handle.
    init(_ handle: TIFFHandle) throws {
        func wrong(_ code: TIFFError.Code, _ problem: String) -> TIFFError {
            TIFFError(code, file: handle.path, problem: problem)
        }
        offset = TIFFCurrentDirOffset(handle.raw)
        guard let columns = handle.number32(TIFFTAG_IMAGEWIDTH), let rows = handle.number32(TIFFTAG_IMAGELENGTH),
            rows > 0, columns > 0
        else { throw wrong(.unreadable, "an image of no rows or columns") }
        guard rows <= TIFFLimits.side, columns <= TIFFLimits.side, rows * columns <= TIFFLimits.pixels else {
            throw wrong(.tooLarge, "\(columns) × \(rows) pixels are more than is read (\(TIFFLimits.pixels))")
        }
        self.rows = rows
        self.columns = columns
        bitsPerSample = handle.number16(TIFFTAG_BITSPERSAMPLE, default: 1)
        samplesPerPixel = handle.number16(TIFFTAG_SAMPLESPERPIXEL, default: 1)
        guard (1...64).contains(bitsPerSample), (1...4096).contains(samplesPerPixel) else {
            throw wrong(.unsupported, "\(samplesPerPixel) samples of \(bitsPerSample) bits a pixel are not read")
        }
        switch handle.number16(TIFFTAG_SAMPLEFORMAT, default: SAMPLEFORMAT_UINT.number) {
        case 1, 4: sampleFormat = .unsigned
        case 2: sampleFormat = .signed
        case 3: sampleFormat = .float
        case let format: throw wrong(.unsupported, "samples of format \(format) (complex numbers?) are not read")
        }
        switch handle.number16(TIFFTAG_PHOTOMETRIC) {
        case 0: photometric = .invertedGray
        case 1, nil: photometric = .gray
        case 2: photometric = .rgb
        case 3: photometric = .palette
        case 5: photometric = .separated
        case 6: photometric = .ycbcr
        case let number?: photometric = .other(number)
        }
        isSeparate = handle.number16(TIFFTAG_PLANARCONFIG, default: 1) == 2
        let orientation = handle.number16(TIFFTAG_ORIENTATION, default: 1)
        self.orientation = (1...8).contains(orientation) ? orientation : 1
        compression = handle.number16(TIFFTAG_COMPRESSION, default: 1)
        guard TIFFIsCODECConfigured(UInt16(compression)) == 1 else {
            let name = compression == 33003 || compression == 33005 || compression == 34712 ? " (JPEG 2000)" : ""
            throw wrong(
                .unsupported, "compression \(compression)\(name) is not read; convert the file, for example to deflate")
        }
        isTiled = TIFFIsTiled(handle.raw) == 1
        if isTiled {
            guard let tileRows = handle.number32(TIFFTAG_TILELENGTH),
                let tileColumns = handle.number32(TIFFTAG_TILEWIDTH),
                tileRows > 0, tileColumns > 0
            else { throw wrong(.unreadable, "tiles of no rows or columns") }
            blockRows = tileRows
            blockColumns = tileColumns
        } else {
            var value: UInt32 = 0
            let isGiven = ctiff_u32_or_default(handle.raw, UInt32(TIFFTAG_ROWSPERSTRIP), &value) == 1
            guard !isGiven || value > 0 else { throw wrong(.unreadable, "strips of no rows") }
            blockRows = isGiven ? min(Int(value), rows) : rows
            blockColumns = columns
        }
        isReduced = ((handle.number32(TIFFTAG_SUBFILETYPE) ?? 0) & Int(FILETYPE_REDUCEDIMAGE)) != 0
        description = handle.text(TIFFTAG_IMAGEDESCRIPTION) ?? ""
        if let x = handle.real(TIFFTAG_XRESOLUTION), let y = handle.real(TIFFTAG_YRESOLUTION), x > 0, y > 0 {
            resolution = Resolution(
                perRow: y, perColumn: x, unit: handle.number16(TIFFTAG_RESOLUTIONUNIT, default: 2))
        } else {
            resolution = nil
        }
        maximumSample = handle.number16(TIFFTAG_MAXSAMPLEVALUE)
        var count: UInt16 = 0
        var kinds: UnsafeMutablePointer<UInt16>?
        if ctiff_extra_samples(handle.raw, &count, &kinds) == 1, let kinds, count > 0 {
            alpha = kinds[0] == 1 ? .premultiplied : kinds[0] == 2 ? .straight : .none
        } else {
            alpha = .none
        }
        var offsets: UnsafeMutablePointer<UInt64>?
        count = 0
        if ctiff_sub_directories(handle.raw, &count, &offsets) == 1, let offsets {
            subDirectories = (0..<min(Int(count), TIFFLimits.directories)).map { offsets[$0] }
        } else {
            subDirectories = []
        }
    }
}

/// What no file may exceed; the largest scans of the field (136,000 × 95,000) stay far below.
enum TIFFLimits {
    static let side = 1 << 24
    static let pixels = 1 << 37
    static let directories = 1024
    /// Images of more pixels must have a byte for every `pixelsPerByte` of them.
    static let unquestionedPixels = 1 << 31
    static let pixelsPerByte = 4096
    /// A strip that decodes to more is read row by row.
    static let wholeBlockBytes = 16 << 20
    /// libtiff reads a compressed strip as a whole before it decodes the first row.
    static let compressedStripBytes = 320 << 20
    /// A tile must be decoded in one go.
    static let tileBytes = 128 << 20
}

extension BinaryInteger {
    fileprivate var number: Int { Int(self) }
}
