internal import Glibc

/// Finds programs: beside `cyto-pipe`, on the PATH, and beside the manifest.
struct ProgramSearch {
    /// Folder of the running executable, then those of PATH.
    let folders: [String]
    private var found: [String: String] = [:]

    init(executableFolder: String, path: String) {
        folders = [executableFolder] + path.split(separator: ":").map { String($0) }.filter { $0.hasPrefix("/") }
    }

    /// The program's absolute path.
    ///
    /// - Throws: `CommandError`, which says where the program was looked for.
    mutating func path(of name: String, manifestFolder: String) throws -> String {
        if name.contains("/") {
            let path = name.hasPrefix("/") ? name : manifestFolder + "/" + name
            if isProgram(path) { return path }
            throw CommandError(
                message: access(path, F_OK) == 0
                    ? "the program \(path) cannot be executed; give it the x permission (chmod +x)"
                    : "there is no program \(path)")
        }
        if let known = found[name] { return known }
        for folder in folders where isProgram(folder + "/" + name) {
            found[name] = folder + "/" + name
            return folder + "/" + name
        }
        if isProgram(manifestFolder + "/" + name) { return manifestFolder + "/" + name }
        throw CommandError(
            message: "there is no program '\(name)'; looked for it in "
                + (folders + [manifestFolder]).joined(separator: ", ")
                + "; install it or put its folder on PATH")
    }

    private func isProgram(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && access(path, X_OK) == 0
    }
}
