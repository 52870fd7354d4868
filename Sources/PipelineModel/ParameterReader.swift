internal import StageProtocol

/// Reads the `params:` of a pipeline file: values that whoever runs it may give.
struct ParameterReader {
    let problems: DiagnosticList
    let workingDirectory: String

    private static let kinds = ["text", "number", "integer", "boolean", "path", "any"]

    /// The parameters in the file's order. `given` has what an importing file passes, `setting` finds what the command line says.
    func read(_ node: YAMLNode?, given: [String: YAMLNode], setting: (String) -> Setting?) -> [Pipeline.Parameter] {
        guard let node, !node.isNull else { return [] }
        guard case .mapping(let entries) = node.content else {
            problems.error(at: node.mark, "'params' is \(node.briefly)", expected: "a mapping of names to defaults")
            return []
        }
        return entries.compactMap { entry in
            guard Names.check(entry.key, of: "a parameter", at: entry.keyMark, problems: problems) else { return nil }
            return parameter(entry, given: given[entry.key], setting: setting(entry.key))
        }
    }

    private func parameter(_ entry: YAMLNode.Entry, given: YAMLNode?, setting: Setting?) -> Pipeline.Parameter {
        let what = "parameter '\(entry.key)'"
        setting?.isUsed = true
        var kind: ConfigKey.Kind = .any
        var isPath = false
        var help = ""
        var defaultNode: YAMLNode? = entry.value
        if case .mapping = entry.value.content, var reader = MappingReader(entry.value, what: what, problems: problems)
        {
            let type = reader.text("type")
            defaultNode = reader.take("default")
            help = reader.text("help")?.value ?? ""
            reader.finish()
            if let type {
                isPath = type.value == "path"
                if let known = ConfigKey.Kind(rawValue: isPath ? "text" : type.value),
                    ParameterReader.kinds.contains(type.value)
                {
                    kind = known
                } else {
                    problems.error(
                        at: type.mark, "'\(type.value)' is no type of a parameter",
                        expected: "one of \(ParameterReader.kinds.joined(separator: ", "))",
                        suggestion: SpellingSuggestion.nearest(to: type.value, among: ParameterReader.kinds))
                }
            }
        }
        guard let node = setting?.value ?? given ?? defaultNode else {
            problems.error(
                at: entry.keyMark, "\(what) has no value", expected: "a default, or --set params.\(entry.key)=…")
            return .init(name: entry.key, value: .null, help: help)
        }
        // A folder named 0012 or true is text all the same.
        let value: ConfigValue =
            if kind == .text, let scalar = node.scalar, !node.isNull { .text(scalar.text) } else { node.value }
        let key = ConfigKey(
            name: entry.key, kind: kind, defaultValue: nil, minimum: nil, maximum: nil, choices: [], items: nil,
            nullable: node.isNull, unit: "", help: help, mark: entry.keyMark)
        switch ConfigSchema().check(value, of: key, context: "the parameters", at: node.mark) {
        case .success(.text(let path)) where isPath:
            let folder =
                setting != nil ? workingDirectory : FilePaths.resolve(node.mark.file.folder, in: workingDirectory)
            return .init(name: entry.key, value: .text(FilePaths.resolve(path, in: folder)), help: help)
        case .success(let value): return .init(name: entry.key, value: value, help: help)
        case .failure(let misfit):
            problems.error(at: misfit.diagnostic.mark, misfit.diagnostic.message, expected: misfit.diagnostic.expected)
            return .init(name: entry.key, value: .null, help: help)
        }
    }
}
