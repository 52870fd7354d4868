/// A file name pattern: `*` any characters, `?` one, `[a-c]` one of a set; each within one part of the path.
struct GlobPattern {
    /// Files that match, with the text that `*` stands for where it is the only wildcard, or else the file's stem; in natural order (9 before 10).
    static func matches(_ pattern: String, files: any FileAccess) -> [(path: String, key: String)] {
        let parts = pattern.split(separator: "/").map { String($0) }
        let wildcards = pattern.utf8.count { "*?[".utf8.contains($0) }
        var found: [(path: String, star: String)] = [(pattern.hasPrefix("/") ? "/" : "", "")]
        for (depth, part) in parts.enumerated() {
            let isLast = depth == parts.count - 1
            var next: [(path: String, star: String)] = []
            for (folder, star) in found {
                func joined(_ name: String) -> String {
                    folder.isEmpty ? name : folder.hasSuffix("/") ? folder + name : folder + "/" + name
                }
                if !hasWildcard(part) {
                    if !isLast || files.isFile(joined(part)) { next.append((joined(part), star)) }
                    continue
                }
                let shape = Array(part.unicodeScalars)
                for name in files.list(folder.isEmpty ? "." : folder) ?? [] {
                    if name.hasPrefix("."), !part.hasPrefix(".") { continue }
                    guard let matched = match(shape, Array(name.unicodeScalars)) else { continue }
                    if isLast, !files.isFile(joined(name)) { continue }
                    next.append((joined(name), matched.isEmpty ? star : matched))
                }
            }
            found = next
        }
        return found.map { ($0.path, wildcards == 1 && !$0.star.isEmpty ? $0.star : FilePaths.stem(of: $0.path)) }
            .sorted { isNaturallyBefore($0.path, $1.path) }
    }

    static func hasWildcard(_ text: String) -> Bool {
        text.utf8.contains { $0 == UInt8(ascii: "*") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "[") }
    }

    /// What the first `*` stands for where the name matches; nil where it does not.
    static func match(_ pattern: [Unicode.Scalar], _ name: [Unicode.Scalar]) -> String? {
        // Greedy with one point of return, so that the cost is at most pattern × name.
        var patternIndex = 0
        var nameIndex = 0
        var starPattern: Int?
        var starName = 0
        var firstStar: (start: Int, pattern: Int)?
        var firstStarEnd = 0
        while nameIndex < name.count {
            if patternIndex < pattern.count, pattern[patternIndex] == "*" {
                starPattern = patternIndex
                starName = nameIndex
                if firstStar == nil { firstStar = (nameIndex, patternIndex) }
                if firstStar?.pattern == patternIndex { firstStarEnd = nameIndex }
                patternIndex += 1
            } else if let next = matchOne(pattern, patternIndex, name[nameIndex]) {
                patternIndex = next
                nameIndex += 1
            } else if let star = starPattern {
                starName += 1
                nameIndex = starName
                patternIndex = star + 1
                if firstStar?.pattern == star { firstStarEnd = nameIndex }
            } else {
                return nil
            }
        }
        while patternIndex < pattern.count, pattern[patternIndex] == "*" {
            if firstStar == nil {
                firstStar = (nameIndex, patternIndex)
                firstStarEnd = nameIndex
            }
            patternIndex += 1
        }
        guard patternIndex == pattern.count else { return nil }
        guard let firstStar else { return "" }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: name[firstStar.start..<max(firstStar.start, firstStarEnd)])
        return String(text)
    }

    /// The pattern's position after one character that matches there.
    private static func matchOne(_ pattern: [Unicode.Scalar], _ index: Int, _ scalar: Unicode.Scalar) -> Int? {
        guard index < pattern.count else { return nil }
        if pattern[index] == "?" { return index + 1 }
        guard pattern[index] == "[", let end = pattern[(index + 1)...].firstIndex(of: "]"), end > index + 1 else {
            return pattern[index] == scalar ? index + 1 : nil
        }
        var position = index + 1
        let isNegated = pattern[position] == "!"
        if isNegated { position += 1 }
        var isMember = false
        while position < end {
            if position + 2 < end, pattern[position + 1] == "-" {
                if pattern[position] <= scalar, scalar <= pattern[position + 2] { isMember = true }
                position += 3
            } else {
                if pattern[position] == scalar { isMember = true }
                position += 1
            }
        }
        return isMember != isNegated ? end + 1 : nil
    }

    /// The order in which runs of digits count as numbers.
    static func isNaturallyBefore(_ left: String, _ right: String) -> Bool {
        let a = Array(left.utf8)
        let b = Array(right.utf8)
        var i = 0
        var j = 0
        while i < a.count, j < b.count {
            if isDigit(a[i]), isDigit(b[j]) {
                let first = a[i...].prefix { isDigit($0) }.drop { $0 == UInt8(ascii: "0") }
                let second = b[j...].prefix { isDigit($0) }.drop { $0 == UInt8(ascii: "0") }
                if first.count != second.count { return first.count < second.count }
                if !first.elementsEqual(second) { return first.lexicographicallyPrecedes(second) }
                i += a[i...].prefix { isDigit($0) }.count
                j += b[j...].prefix { isDigit($0) }.count
            } else if a[i] != b[j] {
                return a[i] < b[j]
            } else {
                i += 1
                j += 1
            }
        }
        return (a.count - i, left) < (b.count - j, right)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
}
