internal import FoundationEssentials
internal import HDF5
internal import NIfTI
internal import SpatialTransforms
public import StageKit
internal import TransformFiles

extension StageTool {
    /// Writes an artifact as other programs open it: `cyto-stage export volume.h5 --to volume.nii.gz`.
    public static let export = StageTool(
        name: "export",
        summary: "ARTIFACT --to FILE …   an artifact as NIfTI, GIfTI, PLY, OME-TIFF, CSV, TSV, NPY or a copy"
    ) { arguments in
        let request = try ExportRequest(arguments)
        let written = try Exporter(request).run()
        return request.asJSON
            ? "[" + written.map(\.json).joined(separator: ",\n ") + "]" : written.map(\.text).joined(separator: "\n")
    }
}

/// Chooses what of an artifact goes into the file that is asked for.
struct Exporter {
    let request: ExportRequest

    init(_ request: ExportRequest) { self.request = request }

    func run() throws -> [ExportedFile] {
        guard FileManager.default.isReadableFile(atPath: request.artifact) else {
            throw StageError(.inputOutput, "there is no such file, or it may not be read", file: request.artifact)
        }
        guard request.artifact != request.target else {
            throw StageError(.badJob, "an artifact cannot be exported onto itself", file: request.target)
        }
        guard try isHDF5() else { return [try file()] }
        let contents = try ExportContents(path: request.artifact)
        switch request.wantedFormat {
        case .copy?: return [try copy()]
        case .nifti? where !contents.grids.isEmpty:
            do {
                return [try volume(contents)]
            } catch let error as NIfTIError where error.code == .inputOutput {
                throw StageError(.inputOutput, error.problem, file: error.file)
            }
        case .gifti? where !contents.meshes.isEmpty, .ply? where !contents.meshes.isEmpty:
            return try meshes(contents)
        case .tiff? where !(contents.pictures.isEmpty && contents.grids.isEmpty): return [try picture(contents)]
        case .csv? where !contents.columns.isEmpty, .tsv? where !contents.columns.isEmpty: return [try table(contents)]
        case .safetensors? where !contents.tensors.isEmpty: return [try tensors(contents)]
        case .npy? where !contents.arrays.isEmpty: return [try array(contents)]
        default: throw notPossible(contents.possible)
        }
    }

    /// One of some datasets: the one that was asked for, else the first.
    func chosen<Choice>(_ choices: [Choice], _ name: (Choice) -> String) throws -> Choice {
        guard let wanted = request.dataset else { return choices[0] }
        guard let found = choices.first(where: { name($0) == wanted || (wanted == "/" && name($0).isEmpty) }) else {
            let names = choices.map { name($0).isEmpty ? "/" : name($0) }
            throw StageError(
                .badJob, "\(wanted) cannot go to this format; there is \(names.joined(separator: ", "))",
                file: request.artifact)
        }
        return found
    }

    /// A sentence on what was left out because no dataset was asked for.
    func others(_ names: [String], than chosen: [String]) -> String {
        let rest = names.filter { !chosen.contains($0) }
        guard request.dataset == nil, !rest.isEmpty else { return "" }
        return "--dataset takes \(rest.prefix(8).joined(separator: ", "))" + (rest.count > 8 ? ", …" : "") + " instead"
    }

    func write(_ data: Data, to path: String) throws {
        do {
            try data.write(to: URL(fileURLWithPath: path))
        } catch {
            throw StageError(.inputOutput, "cannot be written; does its folder exist, is the disk full?", file: path)
        }
    }

    func notPossible(_ possible: String) -> StageError {
        let kind = request.type.isEmpty ? "the artifact" : "an artifact of type \(request.type)"
        let asked =
            request.wantedFormat.map { "to \($0.rawValue)" } ?? "to a file of this name (no format is known by it)"
        return StageError(.badJob, "\(kind) cannot go \(asked); it can go to \(possible)", file: request.target)
    }

    // MARK: Files that are no HDF5

    private func isHDF5() throws -> Bool {
        guard let handle = FileHandleStart.bytes(of: request.artifact, count: 8) else {
            throw StageError(.inputOutput, "cannot be read", file: request.artifact)
        }
        return handle == [0x89] + Array("HDF\r\n".utf8) + [0x1A, 0x0A]
    }

    /// A copy; a spatial transform also goes to the other formats of its kind.
    private func file() throws -> ExportedFile {
        let target = request.target.lowercased()
        if request.type == "spatial-transform", request.format != .copy {
            let endings = [".tfm", ".txt", ".mat", ".nii", ".nii.gz"]
            guard endings.contains(where: { target.hasSuffix($0) }) else {
                throw notPossible(endings.joined(separator: ", ") + ", or with --format copy to a file of any name")
            }
            let transform = try TransformFile.read(request.artifact)
            try TransformFile.write(transform, to: request.target)
            let format: ExportRequest.Format = target.contains(".nii") ? .nifti : .copy
            return ExportedFile(
                path: request.target, format: format, contents: ["spatial transform"], shape: [],
                note: "maps points in the direction of the artifact")
        }
        let ending = FileEnding.of(request.artifact)
        guard request.format == .copy || (request.format == nil && (ending.isEmpty || target.hasSuffix(ending))) else {
            throw notPossible("\(ending.isEmpty ? "any name" : ending) (a copy); --format copy copies it to any name")
        }
        return try copy()
    }

    private func copy() throws -> ExportedFile {
        do {
            try? FileManager.default.removeItem(atPath: request.target)
            try FileManager.default.copyItem(atPath: request.artifact, toPath: request.target)
            // Artifacts are read-only; a copy belongs to the user.
            try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: request.target)
        } catch {
            throw StageError(
                .inputOutput, "cannot be written; does its folder exist, is the disk full?", file: request.target)
        }
        return ExportedFile(path: request.target, format: .copy, contents: ["/"], shape: [], note: "as it is")
    }
}

/// Endings of file names.
enum FileEnding {
    /// `.nii.gz` of `a.nii.gz`, `.png` of `a.png`, nothing of a name without one; a digest's name has none that counts.
    static func of(_ path: String) -> String {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        let parts = name.lowercased().split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count > 1, let last = parts.last else { return "" }
        return last == "gz" && parts.count > 2 ? "." + parts.suffix(2).joined(separator: ".") : ".\(last)"
    }
}
