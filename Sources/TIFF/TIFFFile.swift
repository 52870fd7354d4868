internal import CTIFF
internal import Glibc

/// The directories of a TIFF or BigTIFF file, of either byte order.
public struct TIFFFile: Sendable {
    public let path: String
    /// The main chain of directories, in the order of the file. The first is readable; others that are not are left out.
    public let pages: [TIFFDirectory]
    /// Readable directories below the first, in the order of the file: usually a pyramid's smaller levels.
    public let subDirectories: [TIFFDirectory]
    public let isBigTIFF: Bool
    public let isBigEndian: Bool

    /// Reads all directories.
    ///
    /// - Throws: `TIFFError` that names the file and what is wrong with its first image.
    public init(path: String) throws {
        self.path = path
        let handle = try TIFFHandle(path: path)
        isBigTIFF = TIFFIsBigTIFF(handle.raw) != 0
        isBigEndian = TIFFIsBigEndian(handle.raw) != 0
        var pages = [try TIFFDirectory(handle)]
        while pages.count < TIFFLimits.directories, TIFFReadDirectory(handle.raw) == 1 {
            if let page = try? TIFFDirectory(handle) { pages.append(page) }
        }
        self.pages = pages
        subDirectories = pages[0].subDirectories.compactMap { offset in
            guard (try? handle.select(offset: offset)) != nil else { return nil }
            return try? TIFFDirectory(handle)
        }
    }

    /// Whether the first bytes of a file are a TIFF's.
    public static func isTIFF(firstBytes bytes: [UInt8]) -> Bool {
        guard bytes.count >= 4 else { return false }
        let head = Array(bytes[0..<4])
        return head == [0x49, 0x49, 42, 0] || head == [0x4d, 0x4d, 0, 42] || head == [0x49, 0x49, 43, 0]
            || head == [0x4d, 0x4d, 0, 43]
    }
}
