internal import CNIfTI
internal import Glibc
public import NDArray

/// A NIfTI file, open for reading: NIfTI-1 or NIfTI-2, one file or header and image, plain or gzipped, either byte order.
///
/// ```swift
/// let file = try NIfTIFile(reading: "gray.nii.gz")
/// let gray = try file.readVolume(as: Float.self)          // scaled by the header's slope and intercept
/// let matrix = file.header.indexToRasMm                   // (column, row, plane, 1) to RAS mm
/// ```
///
/// A file of many volumes (4-D probabilities, the components of a vector field) is read one volume at a time, so memory
/// holds one volume whatever the file's size; going forward is cheap, going back in a gzipped file unpacks it again.
/// Used from one thread at a time.
public final class NIfTIFile {
    /// The path that the file was opened under.
    public let path: String
    public let header: NIfTIHeader
    private let stream: ByteStream
    private let dataPath: String

    /// Opens a file; of a pair, the `.hdr`, the `.img` or the name of either with `.gz`.
    ///
    /// - Throws: `NIfTIError`: `cannotOpen`, `notNIfTI`, `badHeader`, `unsupported`; `truncated` where the file's size alone shows
    ///   that the data cannot all be there, before any memory is taken for them.
    public init(reading path: String) throws {
        self.path = path
        let headerPath = NIfTIFile.sibling(of: path, from: "img", to: "hdr") ?? path
        let headerStream = try ByteStream(reading: headerPath)
        let (header, isPair) = try HeaderBytes.parse(headerStream.start(540), file: headerPath)
        self.header = header
        if isPair {
            guard let image = NIfTIFile.sibling(of: headerPath, from: "hdr", to: "img") else {
                throw NIfTIError(
                    .cannotOpen, file: path, problem: "is the header of a pair, but there is no .img file beside it")
            }
            dataPath = image
            stream = try ByteStream(reading: image)
        } else {
            dataPath = headerPath
            stream = headerStream
        }
        let needed = header.dataOffset + header.volumeVoxelCount * header.volumeCount * header.element.byteCount
        guard needed <= stream.largestByteCount else {
            throw NIfTIError(
                .truncated, file: dataPath,
                problem: "is cut off or its dimensions \(header.shape) are wrong: \(needed) bytes are announced, "
                    + "the file has \(stream.fileByteCount)\(stream.isCompressed ? " compressed" : "")")
        }
    }

    /// Reads one three-dimensional volume: planes are k, rows j, columns i. Values are `slope · stored + intercept`.
    ///
    /// - Parameters:
    ///   - index: which of the volumes along the axes past the third, the first of those fastest.
    ///   - type: any number type; whole numbers only where every value is one and fits (labels stored as float32, say).
    /// - Throws: `NIfTIError`: `truncated`, or `wrongType` with the first voxel whose value does not fit.
    /// - Complexity: time of the bytes up to the volume's end in a gzipped file, of its own in a plain one.
    public func readVolume<Voxel: NIfTIVoxel>(_ index: Int = 0, as type: Voxel.Type) throws -> Volume<Voxel> {
        let (planes, rows, columns) = header.volumeShape
        let elements = try [Voxel](unsafeUninitializedCapacity: header.volumeVoxelCount) { buffer, initialized in
            try readVolume(index, into: UnsafeMutableBufferPointer(rebasing: buffer[..<header.volumeVoxelCount]))
            initialized = header.volumeVoxelCount
        }
        return Volume(planes: planes, rows: rows, columns: columns, elements: elements)
    }

    /// Number of values that are not a number, over all volumes; 0 for whole numbers without reading them.
    public func countNaN() throws -> Int {
        guard header.element == .float32 || header.element == .float64 else { return 0 }
        var count = 0
        for index in 0..<header.volumeCount {
            for value in try readVolume(index, as: Double.self).elements where value.isNaN { count += 1 }
        }
        return count
    }

    private func readVolume<Voxel: NIfTIVoxel>(
        _ index: Int, into target: UnsafeMutableBufferPointer<Voxel>
    ) throws {
        precondition((0..<header.volumeCount).contains(index), "\(path) has no volume \(index).")
        let width = header.element.byteCount
        try stream.seek(to: header.dataOffset + index * target.count * width)
        let isSwapped = header.isBigEndian
        if header.element == Voxel.niftiElement, header.slope == 1, header.intercept == 0 {
            let raw = UnsafeMutableRawBufferPointer(target)
            try stream.read(into: raw)
            if isSwapped { nifti_swap_Nbytes(Int64(target.count), Int32(width), raw.baseAddress) }
        } else {
            // In pieces, so that no second volume is in memory.
            let piece = 1 << 18
            let room = UnsafeMutableRawBufferPointer.allocate(byteCount: piece * width, alignment: 16)
            defer { room.deallocate() }
            var done = 0
            while done < target.count {
                let count = min(piece, target.count - done)
                let raw = UnsafeMutableRawBufferPointer(rebasing: room[..<(count * width)])
                try stream.read(into: raw)
                if isSwapped { nifti_swap_Nbytes(Int64(count), Int32(width), raw.baseAddress) }
                let wrong = Voxel.decode(
                    UnsafeRawBufferPointer(raw), of: header.element, slope: header.slope, intercept: header.intercept,
                    into: UnsafeMutableBufferPointer(rebasing: target[done..<done + count]))
                if let wrong { throw doesNotFit(done + wrong, volume: index, Voxel.niftiElement) }
                done += count
            }
        }
        if index == header.volumeCount - 1 { try stream.checkEnd() }
    }

    private func doesNotFit(_ voxel: Int, volume: Int, _ element: NIfTIElement) -> NIfTIError {
        let (columns, rows) = (header.length(0), header.length(1))
        return NIfTIError(
            .wrongType, file: path,
            problem: "voxel (\(voxel % columns), \(voxel / columns % rows), \(voxel / columns / rows))"
                + "\(header.volumeCount > 1 ? " of volume \(volume)" : "") is no whole number that \(element) can hold; "
                + "labels must be stored as whole numbers")
    }

    /// The other file of a pair, if it is there: `.hdr` and `.img`, each also with `.gz`.
    private static func sibling(of path: String, from old: String, to new: String) -> String? {
        for ending in ["." + old, "." + old + ".gz"] where path.lowercased().hasSuffix(ending) {
            let stem = path.dropLast(ending.count)
            for candidate in ["." + new, "." + new + ".gz"] where access(stem + candidate, F_OK) == 0 {
                return stem + candidate
            }
        }
        return nil
    }
}
