internal import CJPEG
internal import FoundationEssentials

/// Why a JPEG file could not be read.
public struct JPEGError: Error, Sendable, CustomStringConvertible {
    public enum Code: String, Sendable {
        /// The file is absent, not a JPEG, damaged or cut off.
        case unreadable
        /// The image is larger than allowed.
        case tooLarge
    }

    public let code: Code
    public let file: String
    /// What is wrong, in libjpeg's words where it was the one to notice.
    public let problem: String

    public var description: String { "\(file): \(problem)" }
}

/// A JPEG file (baseline or progressive, 8 bits): gray, RGB or CMYK samples.
public struct JPEGFile: Sendable {
    public let rows: Int
    public let columns: Int
    /// 1 gray, 3 RGB, 4 CMYK as it stands in the file (Adobe's is inverted).
    public let channels: Int

    private let path: String
    private let compressed: Data

    /// Reads the file and its header.
    public init(path: String) throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw JPEGError(code: .unreadable, file: path, problem: "the file cannot be opened")
        }
        self.path = path
        compressed = data
        let handle = try JPEGFile.decoder(path)
        defer { tjDestroy(handle) }
        var width: Int32 = 0
        var height: Int32 = 0
        var subsampling: Int32 = 0
        var space: Int32 = 0
        let status = data.withUnsafeBytes { bytes in
            tjDecompressHeader3(
                handle, bytes.assumingMemoryBound(to: UInt8.self).baseAddress, UInt(bytes.count), &width, &height,
                &subsampling, &space)
        }
        guard status == 0, width > 0, height > 0 else {
            throw JPEGError(
                code: .unreadable, file: path,
                problem: "not a readable JPEG: " + String(cString: tjGetErrorStr2(handle)))
        }
        rows = Int(height)
        columns = Int(width)
        channels =
            space == TJCS_GRAY.rawValue
            ? 1 : space == TJCS_CMYK.rawValue || space == TJCS_YCCK.rawValue ? 4 : 3
    }

    /// Bytes of all pixels in memory.
    public var byteCount: Int { rows * columns * channels }

    /// All samples, row by row, interleaved. A file that is cut off throws: half a section is no section.
    ///
    /// - Parameter limitBytes: throws `tooLarge` before anything is allocated if the pixels need more.
    public func samples(limitBytes: Int = 1 << 31) throws -> [UInt8] {
        guard byteCount <= limitBytes else {
            throw JPEGError(
                code: .tooLarge, file: path,
                problem: "\(columns) × \(rows) pixels need \(byteCount >> 20) MiB, but \(limitBytes >> 20) MiB are "
                    + "allowed; convert the file to a tiled TIFF")
        }
        let handle = try JPEGFile.decoder(path)
        defer { tjDestroy(handle) }
        let format = channels == 1 ? TJPF_GRAY : channels == 4 ? TJPF_CMYK : TJPF_RGB
        var samples = [UInt8](repeating: 0, count: byteCount)
        let status = samples.withUnsafeMutableBufferPointer { buffer in
            compressed.withUnsafeBytes { bytes in
                tjDecompress2(
                    handle, bytes.assumingMemoryBound(to: UInt8.self).baseAddress, UInt(bytes.count),
                    buffer.baseAddress, Int32(columns), 0, Int32(rows), format.rawValue,
                    // progressive files with absurdly many scans are refused
                    TJFLAG_LIMITSCANS | TJFLAG_ACCURATEDCT)
            }
        }
        if status != 0 {
            let words = String(cString: tjGetErrorStr2(handle))
            // Some warnings (stray bytes between markers) leave every pixel whole; missing or wrong data do not.
            let isHarmless =
                tjGetErrorCode(handle) == TJERR_WARNING.rawValue
                && !["premature", "corrupt", "bad", "invalid"].contains { words.lowercased().contains($0) }
            guard isHarmless else {
                throw JPEGError(code: .unreadable, file: path, problem: "is damaged or cut off: " + words)
            }
        }
        return samples
    }

    private static func decoder(_ path: String) throws -> tjhandle {
        guard let handle = tjInitDecompress() else {
            throw JPEGError(code: .unreadable, file: path, problem: "no memory for a decoder")
        }
        return handle
    }
}
