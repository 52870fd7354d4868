public import NDArray

/// Writes a NIfTI file volume by volume. The name says how: `.nii`, `.nii.gz`, `.hdr` or `.img` (a pair; `.gz` compresses the image).
///
/// Equal data give equal bytes: numbers are little-endian and the gzip header holds no time.
///
/// ```swift
/// try NIfTIWriter.create("field.nii.gz", header) { writer in
///     for component in components { try writer.write(component) }
/// }
/// ```
public final class NIfTIWriter {
    private let path: String
    private let header: NIfTIHeader
    private let stream: ByteStream
    private var written = 0

    private init(path: String, header: NIfTIHeader) throws {
        self.path = path
        self.header = header
        let name = path.lowercased()
        for axis in header.shape where axis < 1 || (header.version == 1 && axis > 32_767) {
            throw NIfTIError(
                .badHeader, file: path,
                problem: "a side of \(axis) cannot be written to NIfTI-\(header.version) (shape \(header.shape))")
        }
        guard header.indexToRasMm.allSatisfy(\.isFinite) else {
            throw NIfTIError(.badHeader, file: path, problem: "its matrix is not finite")
        }
        if name.hasSuffix(".nii") || name.hasSuffix(".nii.gz") {
            let (bytes, _) = HeaderBytes.encode(header, isPair: false)
            stream = try ByteStream(writing: path)
            try bytes.withUnsafeBytes { try stream.write($0) }
        } else if let ending = [".hdr.gz", ".img.gz", ".hdr", ".img"].first(where: { name.hasSuffix($0) }) {
            let stem = path.dropLast(ending.count)
            let (bytes, _) = HeaderBytes.encode(header, isPair: true)
            let headerStream = try ByteStream(writing: stem + ".hdr")
            try bytes.withUnsafeBytes { try headerStream.write($0) }
            try headerStream.close()
            stream = try ByteStream(writing: stem + (ending.hasSuffix(".gz") ? ".img.gz" : ".img"))
        } else {
            throw NIfTIError(
                .inputOutput, file: path, problem: "the name must end in .nii, .nii.gz, .hdr or .img")
        }
    }

    /// Makes a file, lets `body` write its volumes, and closes it.
    ///
    /// - Throws: `NIfTIError`; also `wrongType` where fewer or more volumes were written than the header announces.
    public static func create(_ path: String, _ header: NIfTIHeader, _ body: (NIfTIWriter) throws -> Void) throws {
        let writer = try NIfTIWriter(path: path, header: header)
        try body(writer)
        guard writer.written == header.volumeCount else {
            throw NIfTIError(
                .wrongType, file: path,
                problem: "\(writer.written) volumes were written, but the header announces \(header.volumeCount)")
        }
        try writer.stream.close()
    }

    /// Writes the next volume; its type and shape must be the header's.
    public func write<Voxel: NIfTIVoxel>(_ volume: Volume<Voxel>) throws {
        let shape = header.volumeShape
        guard Voxel.niftiElement == header.element, volume.planes == shape.planes, volume.rows == shape.rows,
            volume.columns == shape.columns
        else {
            throw NIfTIError(
                .wrongType, file: path,
                problem:
                    "a volume of \(volume.planes) × \(volume.rows) × \(volume.columns) \(Voxel.niftiElement) does not "
                    + "fit the header's \(shape.planes) × \(shape.rows) × \(shape.columns) \(header.element)")
        }
        written += 1
        try volume.elements.withUnsafeBytes { try stream.write($0) }
    }
}
