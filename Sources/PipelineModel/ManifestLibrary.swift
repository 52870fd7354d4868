internal import StageProtocol

/// Finds and reads stage manifests and artifact types, each once, in the folders that a pipeline file searches.
final class ManifestLibrary {
    private let files: any FileAccess
    private let problems: DiagnosticList
    /// Manifests by path; nil where there is none or it cannot be used.
    private var manifests: [String: StageManifest?] = [:]
    private var tables: [String: ArtifactTypeTable] = [:]
    /// The files that were read, as the user would write them.
    private(set) var readPaths: [String] = []

    static let fileName = "types.yaml"

    init(files: any FileAccess, problems: DiagnosticList) {
        self.files = files
        self.problems = problems
    }

    /// The nearest `stages` folder beside or above a folder.
    func nearestStagesFolder(to folder: String) -> String? {
        var current = FilePaths.resolve(folder, in: files.workingDirectory)
        while true {
            let candidate = current == "/" ? "/stages" : current + "/stages"
            if files.list(candidate) != nil { return candidate }
            if current == "/" { return nil }
            current = FilePaths.folder(of: current)
        }
    }

    /// The artifact types of some folders; those of earlier folders win.
    func types(in folders: [String]) -> ArtifactTypeTable {
        let key = folders.joined(separator: "\n")
        if let known = tables[key] { return known }
        var table = ArtifactTypeTable()
        for folder in folders.reversed() {
            if let root = readFile(folder + "/" + ManifestLibrary.fileName) { table.add(root, problems: problems) }
        }
        tables[key] = table
        return table
    }

    /// The manifest of a stage; a mistake at `name` where there is none. Nil also where the manifest has mistakes of its own.
    func manifest(_ name: Located<String>, in folders: [String]) -> StageManifest? {
        for folder in folders {
            let path = "\(folder)/\(name.value).yaml"
            if let known = manifests[path] { return known }
            guard name.value != "types", files.isFile(path) else { continue }
            let manifest = readFile(path).flatMap { root in
                StageManifestReader(types: types(in: folders), files: files, problems: problems)
                    .read(root, name: name.value, folder: FilePaths.resolve(folder, in: files.workingDirectory))
            }
            manifests[path] = .some(manifest)
            return manifest
        }
        let known = self.names(in: folders)
        problems.error(
            at: name.mark, "there is no manifest of stage '\(name.value)'",
            expected: folders.isEmpty
                ? "a 'stages' folder beside or above the pipeline, or 'manifests:'"
                : "a file \(name.value).yaml in \(folders.map { shown($0) }.joined(separator: " or "))",
            suggestion: SpellingSuggestion.nearest(to: name.value, among: known))
        return nil
    }

    /// The names of all manifests in some folders, sorted.
    func names(in folders: [String]) -> [String] {
        let names = folders.flatMap { files.list($0) ?? [] }
        return Set(
            names.filter { $0.hasSuffix(".yaml") && $0 != ManifestLibrary.fileName }.map { FilePaths.stem(of: $0) }
        )
        .sorted()
    }

    private func readFile(_ path: String) -> YAMLNode? {
        let file: SourceFile
        do throws(FileAccessError) {
            guard let bytes = try files.read(path, limit: YAMLLimits().bytes) else { return nil }
            file = SourceFile(path: shown(path), bytes: bytes)
        } catch {
            problems.error(at: Mark(file: SourceFile(path: shown(path), bytes: [])), "the file \(error.message)")
            return nil
        }
        readPaths.append(file.path)
        return YAMLReader.read(file, problems: problems)
    }

    /// The path as seen from the working directory where it lies below it.
    private func shown(_ path: String) -> String {
        let prefix = files.workingDirectory + "/"
        return path.hasPrefix(prefix) ? String(path.dropFirst(prefix.count)) : path
    }
}
