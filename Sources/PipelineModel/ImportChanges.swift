/// What an import changes in the file that it brings: the parameters, config, axes and imports that it gives itself, and the
/// axes that everything in the file runs over besides.
///
///     import:
///       full:
///         file: full.yaml
///         over: [phantom_seed]                              # every stage of the file once for each
///         import: { cohort: cohorts/phantom-study.yaml }    # paths as seen from this file
///         axes: { training_seed: [0, 1, 2] }
///         config: { spacing_um: 32 }
struct ImportChanges {
    /// The folder that paths in `imports` are seen from.
    var folder = "."
    var parameters: [String: YAMLNode] = [:]
    var config: [String: YAMLNode.Entry] = [:]
    var axes: [String: YAMLNode.Entry] = [:]
    var imports: [String: YAMLNode.Entry] = [:]
    var over: [Located<String>] = []
    /// Reads changed axes as the importing file does.
    var axisReader: AxisReader?

    init(folder: String = ".") { self.folder = folder }

    mutating func read(from reader: inout MappingReader, alias: String, problems: DiagnosticList) {
        func entries(_ key: String) -> [String: YAMLNode.Entry] {
            guard let node = reader.take(key),
                let mapping = MappingReader(node, what: "'\(key)' of import '\(alias)'", problems: problems),
                case .mapping(let entries) = mapping.node.content
            else { return [:] }
            return Dictionary(entries.map { ($0.key, $0) }) { first, _ in first }
        }
        config = entries("config")
        axes = entries("axes")
        imports = entries("import")
        over = reader.texts("over") ?? []
    }

    /// Notes changes of what the file does not have.
    func check(_ changed: [String: YAMLNode.Entry], of what: String, known: [String], problems: DiagnosticList) {
        for (name, entry) in changed.sorted(by: { $0.key < $1.key }) where !known.contains(name) {
            problems.error(
                at: entry.keyMark, "the imported file has no '\(name)' in its '\(what)'",
                expected: known.isEmpty ? nil : "one of \(known.sorted().joined(separator: ", "))",
                suggestion: SpellingSuggestion.nearest(to: name, among: known))
        }
    }
}
