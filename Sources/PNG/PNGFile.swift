internal import CPNG
public import NDArray

/// A PNG file's pixels: rows of interleaved samples, palettes expanded, fewer than 8 bits widened to 8. Gamma is left alone.
public struct PNGFile: Sendable {
    public let rows: Int
    public let columns: Int
    /// 1 gray, 2 gray and alpha, 3 RGB, 4 RGB and alpha.
    public let channels: Int
    /// Bits of a sample as it is delivered: 8, or 16 in the machine's byte order.
    public let bitsPerSample: Int
    /// Pixel size by the file's pHYs chunk; nil where it has none.
    public let pixelSizeUm: Double?
    /// The file's bits per sample.
    public let sourceBitsPerSample: Int

    private let path: String

    /// Reads the header.
    public init(path: String) throws {
        var image = cpng_image()
        guard cpng_read(path, &image, nil, 0) == 0 else {
            throw PNGError(code: .unreadable, file: path, problem: "not a readable PNG: " + image.message)
        }
        self.path = path
        rows = Int(image.rows)
        columns = Int(image.columns)
        channels = Int(image.channels)
        bitsPerSample = Int(image.bits)
        sourceBitsPerSample = Int(image.sourceBits)
        pixelSizeUm = image.pixelsPerMetre == 0 ? nil : 1e6 / Double(image.pixelsPerMetre)
    }

    /// Bytes of all pixels in memory.
    public var byteCount: Int { rows * columns * channels * (bitsPerSample / 8) }

    /// All samples, row by row.
    ///
    /// - Parameter limitBytes: throws `tooLarge` before anything is allocated if the pixels need more.
    public func samples(limitBytes: Int = 1 << 31) throws -> [UInt8] {
        guard byteCount <= limitBytes else {
            throw PNGError(
                code: .tooLarge, file: path,
                problem: "\(columns) × \(rows) pixels need \(byteCount >> 20) MiB, but \(limitBytes >> 20) MiB are "
                    + "allowed; convert the file to a tiled TIFF")
        }
        var image = cpng_image()
        var samples = [UInt8](repeating: 0, count: byteCount)
        let status = samples.withUnsafeMutableBufferPointer {
            cpng_read(path, &image, $0.baseAddress, rows == 0 ? 0 : byteCount / rows)
        }
        guard status == 0 else {
            throw PNGError(code: .unreadable, file: path, problem: "is damaged or cut off: " + image.message)
        }
        return samples
    }
}

extension cpng_image {
    /// The library's words.
    fileprivate var message: String {
        withUnsafeBytes(of: error) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}

/// Writes a gray picture; the same pixels give the same bytes.
///
/// - Parameter pixelSizeUm: goes into the file (pHYs) where given.
public func writePNG(_ image: Image<UInt8>, to path: String, pixelSizeUm: Double? = nil) throws {
    try writePNG(image, channels: 1, to: path, pixelSizeUm: pixelSizeUm)
}

/// Writes a picture in colour; the same pixels give the same bytes.
public func writePNG(_ image: Image<RGB>, to path: String, pixelSizeUm: Double? = nil) throws {
    try writePNG(image, channels: 3, to: path, pixelSizeUm: pixelSizeUm)
}

/// Writes a picture in colour with opacity; the same pixels give the same bytes.
public func writePNG(_ image: Image<RGBA>, to path: String, pixelSizeUm: Double? = nil) throws {
    try writePNG(image, channels: 4, to: path, pixelSizeUm: pixelSizeUm)
}

private func writePNG<Pixel: BitwiseCopyable>(
    _ image: Image<Pixel>, channels: Int32, to path: String, pixelSizeUm: Double?
) throws {
    guard image.rows > 0, image.columns > 0 else {
        throw PNGError(code: .unwritable, file: path, problem: "a PNG cannot be empty")
    }
    var header = cpng_image()
    header.rows = UInt32(image.rows)
    header.columns = UInt32(image.columns)
    header.channels = channels
    if let pixelSizeUm, pixelSizeUm > 0 { header.pixelsPerMetre = UInt32(min((1e6 / pixelSizeUm).rounded(), 4e9)) }
    let status = image.elements.withUnsafeBytes { bytes in
        cpng_write(path, &header, bytes.assumingMemoryBound(to: UInt8.self).baseAddress, 6)
    }
    guard status == 0 else { throw PNGError(code: .unwritable, file: path, problem: header.message) }
}
