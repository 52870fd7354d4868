internal import FoundationEssentials
internal import HDF5
internal import NIfTI
public import SpatialTransforms

/// Spatial transforms as the field's tools write them, told apart by content, as maps of points in RAS mm.
///
/// | file | written by | coordinates in the file |
/// |---|---|---|
/// | `.txt`, `.tfm` | ITK, ANTs, 3D Slicer | LPS mm |
/// | `.mat` (Matlab 4) | ANTs | LPS mm |
/// | `.h5` (composites, fields) | ITK, ANTs | LPS mm |
/// | `.nii`, `.nii.gz` displacement field | ANTs, ITK | grid RAS, vectors LPS mm |
/// | `.xfm` with `.mnc` grids | MINC | RAS mm |
///
/// **Direction.** A transform file maps *points*: y = T(x). Tools that resample images look up, for each point x of the fixed
/// (output) image, the moving image at T(x); so the file that brings an image *from subject to template*
/// maps points *from template to subject*. To map points from subject to template, take the inverse: for ANTs
/// `[-d 3 -r template -t warp affine]` use `readChain([inverse affine, inverse warp])`, or `invert: true`, which inverts matrices exactly
/// and fields point by point. MINC's `.xfm` map points from source to target, the way they are named.
///
/// **Order.** In ITK's composites the transform added last is applied first; an `.xfm` applies its parts from top to bottom.
public enum TransformFile {
    /// Reads a file that holds one transform (or one composite).
    ///
    /// - Parameters:
    ///   - invert: gives the map the other way.
    ///   - outside: what a displacement field does outside its grid; ITK's own answer is `.identity`.
    /// - Throws: `TransformFileError`; `severalTransforms` where the file is a list that is no composite.
    public static func read(
        _ path: String, invert: Bool = false, outside: DisplacementField.Outside = .undefined
    ) throws -> SpatialTransform {
        let list = try readList(path, outside: outside)
        guard list.count == 1, let transform = list.first else {
            throw TransformFileError(
                list.isEmpty ? .damaged : .severalTransforms, file: path,
                problem: list.isEmpty
                    ? "holds no transform"
                    : "holds \(list.count) transforms that are no composite (one for each of several images, as a rule); "
                        + "write the one that is meant to a file of its own")
        }
        guard invert else { return transform }
        do {
            return try transform.inverted()
        } catch {
            throw TransformFileError(.singular, file: path, problem: error.message)
        }
    }

    /// Reads several files as one transform; the first file is applied first.
    public static func readChain(
        _ paths: [String], invert: Bool = false, outside: DisplacementField.Outside = .undefined
    ) throws -> SpatialTransform {
        let transforms = try paths.map { try read($0, invert: invert, outside: outside) }
        return SpatialTransform.chain(invert ? transforms.reversed() : transforms).simplified
    }

    /// Reads every transform of a file; a composite counts as one.
    public static func readList(
        _ path: String, outside: DisplacementField.Outside = .undefined
    ) throws -> [SpatialTransform] {
        guard FileManager.default.isReadableFile(atPath: path) else {
            throw TransformFileError(.cannotOpen, file: path, problem: "there is no such file, or it may not be read")
        }
        do {
            let list = try readList(path, of: try kind(of: path))
            return list.map { $0.with(outside: outside) }
        } catch let error as SpatialTransformError {
            throw TransformFileError(
                error.code == .singular ? .singular : error.code == .notFinite ? .notFinite : .damaged, file: path,
                problem: error.message)
        } catch let error as HDF5Error {
            let cause = error.cause.isEmpty ? "" : " (HDF5: \(error.cause))"
            throw TransformFileError(
                .damaged, file: error.file,
                problem: "\(error.object.isEmpty ? "" : error.object + ": ")\(error.problem)\(cause)")
        } catch let error as NIfTIError {
            throw TransformFileError(
                error.code == .notNIfTI ? .unknownFormat : .damaged, file: path, problem: error.problem)
        }
    }

    /// Writes a transform; the name's ending says how: `.tfm` or `.txt` (ITK text) and `.mat` (ANTs) for affine maps and
    /// chains of them, `.nii` or `.nii.gz` for a displacement field.
    ///
    /// - Throws: `TransformFileError` with `unsupported` where the format cannot hold the transform; `DisplacementField.sampling`
    ///   makes a field of any chain.
    public static func write(_ transform: SpatialTransform, to path: String) throws {
        let name = path.lowercased()
        switch transform.simplified {
        case .affine(let affine) where name.hasSuffix(".tfm") || name.hasSuffix(".txt"):
            try write(Data(ITKText.write(affine).utf8), to: path)
        case .affine(let affine) where name.hasSuffix(".mat"):
            try write(MatlabFile.write(affine), to: path)
        case .displacement(let field) where name.hasSuffix(".nii") || name.hasSuffix(".nii.gz"):
            try DisplacementImage.write(field, to: path)
        default:
            throw TransformFileError(
                .unsupported, file: path,
                problem: "a file of this name cannot hold this transform: affine maps go to .tfm, .txt or .mat, "
                    + "displacement fields to .nii or .nii.gz (sample a chain on a grid first)")
        }
    }

    // MARK: Kinds

    private enum Kind {
        case itkText, matlab, hdf5, nifti, minc
    }

    private static func kind(of path: String) throws -> Kind {
        let start = try bytes(of: path, count: 256)
        let text = String(decoding: start, as: UTF8.self)
        if start.starts(with: [0x89] + Array("HDF\r\n".utf8)) { return .hdf5 }
        if text.hasPrefix("#Insight Transform File") { return .itkText }
        if text.hasPrefix("MNI Transform File") { return .minc }
        if start.starts(with: [0x1f, 0x8b]) || path.hasSuffix(".nii") || path.hasSuffix(".hdr") { return .nifti }
        if MatlabFile.isMatlab(start) { return .matlab }
        let isNumbers =
            !start.isEmpty && start.allSatisfy { "0123456789+-.eE \t\r\n".utf8.contains($0) }
        throw TransformFileError(
            .unknownFormat, file: path,
            problem: isNumbers
                ? "is a bare matrix of numbers (FSL's FLIRT and FreeSurfer write such); it only has a meaning with its images. "
                    + "Convert it to ITK's format, with c3d_affine_tool -fsl2ras -oitk for example"
                : "is no transform file that is read here (ITK .txt, .tfm, .mat, .h5; displacement NIfTI; MINC .xfm)")
    }

    private static func readList(_ path: String, of kind: Kind) throws -> [SpatialTransform] {
        switch kind {
        case .itkText: try ITKText.read(try text(of: path), file: path)
        case .matlab: try MatlabFile.read(try bytes(of: path, count: nil), file: path)
        case .hdf5: try ITKHDF5.read(path)
        case .nifti: [.displacement(try DisplacementImage.read(path))]
        case .minc: [try MincText.read(try text(of: path), file: path)]
        }
    }

    private static func text(of path: String) throws -> String {
        String(decoding: try bytes(of: path, count: nil), as: UTF8.self)
    }

    private static func bytes(of path: String, count: Int?) throws -> [UInt8] {
        guard let handle = FileManager.default.contents(atPath: path, count: count) else {
            throw TransformFileError(.cannotOpen, file: path, problem: "cannot be read")
        }
        return handle
    }

    private static func write(_ data: Data, to path: String) throws {
        do {
            try data.write(to: URL(fileURLWithPath: path))
        } catch {
            throw TransformFileError(.inputOutput, file: path, problem: "cannot be written: \(error)")
        }
    }
}
