internal import Glibc
internal import JPEG
internal import PNG
internal import TIFF

/// A scan of one section: any TIFF or BigTIFF (strips, tiles, pyramids, SVS, OME-TIFF), PNG or JPEG, told by its content.
///
/// Opening reads the directories only. Pixels come as gray values, the picture upright (TIFF's orientation applied), by
/// `reduced(toSpacingUm:)` for the whole section at a working resolution or by `region` for a part of a level.
///
/// ```swift
/// let scan = try SectionScan(path: "0150.tif", pixelSizeUm: nil)
/// let image = try scan.reduced(toSpacingUm: 64, threads: 2)      // Image<UInt8>
/// ```
public final class SectionScan: Sendable {
    public let path: String
    /// "TIFF", "BigTIFF", "SVS", "OME-TIFF", "PNG" or "JPEG".
    public let format: String
    /// As seen, orientation applied.
    public var rows: Int { levels[0].rows }
    public var columns: Int { levels[0].columns }
    /// Samples of a pixel.
    public let channels: Int
    /// Bits of a sample in the file.
    public let bitsPerSample: Int
    /// What the samples are, for example "RGB, unsigned".
    public let samples: String
    /// Size of a pixel of level 0; nil where neither cohort nor file tells it.
    public let pixelSize: PixelSize?
    /// Level 0 is the scan, each further one smaller.
    public let levels: [ScanLevel]

    let sources: [PieceSource]
    let orientation: Orientation
    let significantBits: Int?

    /// Opens a scan.
    ///
    /// - Parameters:
    ///   - path: the file.
    ///   - pixelSizeUm: what the cohort says; it overrides the file.
    /// - Throws: `SectionFileError` that names the file: absent, empty, of another format, damaged, or of a kind that is not read.
    public init(path: String, pixelSizeUm: Double? = nil) throws {
        self.path = path
        let given = pixelSizeUm.map { PixelSize(rowUm: $0, columnUm: $0, source: "cohort") }
        let head = try SectionScan.firstBytes(of: path)
        if TIFFFile.isTIFF(firstBytes: head) {
            let opened = try SectionFileError.translating {
                let file = try TIFFFile(path: path)
                let directories = ScanLevel.directories(of: file)
                var sources = [try PieceSource(file: path, directory: directories[0])]
                var readable = [directories[0]]
                // A smaller level that cannot be read is no reason to refuse the scan.
                for directory in directories.dropFirst() {
                    guard let source = try? PieceSource(file: path, directory: directory) else { continue }
                    sources.append(source)
                    readable.append(directory)
                }
                return (file: file, directories: readable, sources: sources)
            }
            let base = opened.directories[0]
            let orientation = Orientation(base.orientation)
            self.orientation = orientation
            sources = opened.sources
            format =
                base.description.hasPrefix("Aperio")
                ? "SVS" : base.description.contains("<OME") ? "OME-TIFF" : opened.file.isBigTIFF ? "BigTIFF" : "TIFF"
            channels = base.samplesPerPixel
            bitsPerSample = base.bitsPerSample
            samples = "\(base.photometric), \(base.sampleFormat.rawValue)"
            let stored = PixelSize(base).map {
                orientation.isTransposed
                    ? PixelSize(rowUm: $0.columnUm, columnUm: $0.rowUm, source: $0.source) : $0
            }
            pixelSize = given ?? stored
            significantBits =
                PixelSize.significantBits(base)
                ?? base.maximumSample.flatMap { $0 > 0 ? Int.bitWidth - $0.leadingZeroBitCount : nil }
            levels = opened.directories.map { directory in
                let swap = orientation.isTransposed
                let kind = directory.isTiled ? "tiles" : "strips"
                return ScanLevel(
                    rows: swap ? directory.columns : directory.rows,
                    columns: swap ? directory.rows : directory.columns,
                    downsample: ScanLevel.downsample(from: base.columns, to: directory.columns),
                    storage: "\(kind) of \(directory.blockColumns) × \(directory.blockRows), "
                        + directory.compressionName)
            }
        } else if head.starts(with: [0x89, 0x50, 0x4e, 0x47]) {
            let file = try SectionFileError.translating { try PNGFile(path: path) }
            format = "PNG"
            channels = file.channels
            bitsPerSample = file.sourceBitsPerSample
            samples = file.channels >= 3 ? "rgb, unsigned" : "gray, unsigned"
            pixelSize = given ?? file.pixelSizeUm.map { PixelSize(rowUm: $0, columnUm: $0, source: "pHYs") }
            significantBits = nil
            orientation = Orientation(1)
            levels = [ScanLevel(rows: file.rows, columns: file.columns, downsample: 1, storage: "whole, deflate")]
            sources = [
                PieceSource(
                    rows: file.rows, columns: file.columns,
                    delivery: TIFFBlockReader.Delivery(
                        meaning: file.channels >= 3 ? .rgb : .gray, channels: file.channels,
                        bytesPerSample: file.bitsPerSample / 8, bits: file.bitsPerSample, format: .unsigned,
                        alphaChannel: file.channels % 2 == 0 ? file.channels - 1 : nil, isPremultiplied: false),
                    decode: { try file.samples(limitBytes: SectionScan.wholeImageLimitBytes) })
            ]
        } else if head.starts(with: [0xff, 0xd8, 0xff]) {
            let file = try SectionFileError.translating { try JPEGFile(path: path) }
            format = "JPEG"
            channels = file.channels
            bitsPerSample = 8
            samples =
                file.channels == 1 ? "gray, unsigned" : file.channels == 3 ? "rgb, unsigned" : "separated, unsigned"
            pixelSize = given
            significantBits = nil
            orientation = Orientation(1)
            levels = [ScanLevel(rows: file.rows, columns: file.columns, downsample: 1, storage: "whole, JPEG")]
            sources = [
                PieceSource(
                    rows: file.rows, columns: file.columns,
                    delivery: TIFFBlockReader.Delivery(
                        meaning: file.channels == 1 ? .gray : file.channels == 3 ? .rgb : .separated,
                        channels: file.channels, bytesPerSample: 1, bits: 8, format: .unsigned, alphaChannel: nil,
                        isPremultiplied: false),
                    decode: {
                        var samples = try file.samples(limitBytes: SectionScan.wholeImageLimitBytes)
                        // Adobe's CMYK, the only one in use, stores the inks inverted.
                        if file.channels == 4 { for index in samples.indices { samples[index] = ~samples[index] } }
                        return samples
                    })
            ]
        } else {
            let shown = head.prefix(8).map { byte in
                let digits = String(byte, radix: 16)
                return digits.count == 1 ? "0" + digits : digits
            }
            throw SectionFileError(
                .unreadable, file: path,
                problem: "is not a TIFF, PNG or JPEG image (it starts with the bytes \(shown.joined(separator: " ")))")
        }
        if let size = pixelSize {
            guard size.rowUm.isFinite, size.columnUm.isFinite, size.rowUm > 0, size.columnUm > 0 else {
                throw SectionFileError(
                    .noPixelSize, file: path, problem: "a pixel of \(size.columnUm) × \(size.rowUm) µm (\(size.source))"
                )
            }
        }
    }

    /// PNG and JPEG are decoded as a whole: they are for small series.
    private static let wholeImageLimitBytes = 1 << 30

    private static func firstBytes(of path: String) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else {
            throw SectionFileError(
                .unreadable, file: path, problem: "cannot be opened: \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var head = [UInt8](repeating: 0, count: 16)
        let count = read(descriptor, &head, head.count)
        guard count >= 0 else {
            throw SectionFileError(
                .unreadable, file: path, problem: "cannot be read: \(String(cString: strerror(errno)))")
        }
        guard count > 0 else { throw SectionFileError(.unreadable, file: path, problem: "is empty (0 bytes)") }
        return Array(head[..<count])
    }
}
