/// Path arithmetic on text; nothing here looks at a disk.
enum FilePaths {
    /// The folder part of a path, `.` where it has none.
    static func folder(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// The last part of a path.
    static func name(of path: String) -> String {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return path }
        return String(path[path.utf8.index(after: slash)...])
    }

    /// The last part of a path without its last extension.
    static func stem(of path: String) -> String {
        let name = name(of: path)
        guard let dot = name.utf8.lastIndex(of: UInt8(ascii: ".")), dot != name.startIndex else { return name }
        return String(name[..<dot])
    }

    /// `path` as seen from `folder`: unchanged where it is absolute, otherwise below the folder; `.` and `..` worked out.
    static func resolve(_ path: String, in folder: String) -> String {
        path.utf8.first == UInt8(ascii: "/") ? normal(path) : normal(folder + "/" + path)
    }

    /// The path without `.`, doubled slashes and those `..` that a name before them undoes.
    static func normal(_ path: String) -> String {
        if isNormal(path) { return path }
        let isAbsolute = path.utf8.first == UInt8(ascii: "/")
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == "..", let last = parts.last, last != ".." {
                parts.removeLast()
            } else if part == "..", isAbsolute {
                continue
            } else {
                parts.append(part)
            }
        }
        let joined = parts.joined(separator: "/")
        return isAbsolute ? "/" + joined : joined.isEmpty ? "." : joined
    }

    /// Whether an absolute path has nothing to work out: the common case, checked without taking the path apart.
    private static func isNormal(_ path: String) -> Bool {
        var text = path
        return text.withUTF8 { bytes in
            guard bytes.count > 1, bytes[0] == UInt8(ascii: "/"), bytes[bytes.count - 1] != UInt8(ascii: "/") else {
                return false
            }
            for index in 1..<bytes.count where bytes[index - 1] == UInt8(ascii: "/") {
                // A part that begins with a dot may be `.` or `..`.
                if bytes[index] == UInt8(ascii: "/") || bytes[index] == UInt8(ascii: ".") { return false }
            }
            return true
        }
    }
}
