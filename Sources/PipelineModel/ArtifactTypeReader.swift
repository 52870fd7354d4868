internal import StageProtocol

/// The artifact types that a project declares in `stages/types.yaml`.
struct ArtifactTypeTable {
    /// Any file: the type that is there without a declaration, and the input type that takes every artifact.
    static let anyFile = "file"

    private(set) var types: [String: ArtifactType] = [
        anyFile: ArtifactType(name: anyFile, summary: "Any file.", format: .file, fileExtension: "")
    ]

    /// The type of that name; a mistake at `mark` where there is none.
    func type(_ name: Located<String>, problems: DiagnosticList) -> ArtifactType? {
        if let type = types[name.value] { return type }
        let known = types.keys.sorted()
        problems.error(
            at: name.mark, "no artifact type '\(name.value)' is declared",
            expected: known.count <= 12 ? "one of \(known.joined(separator: ", "))" : "a type of stages/types.yaml",
            suggestion: SpellingSuggestion.nearest(to: name.value, among: known))
        return nil
    }

    /// Adds the types of a `types.yaml`.
    mutating func add(_ root: YAMLNode, problems: DiagnosticList) {
        guard var reader = MappingReader(root, what: "the file of artifact types", problems: problems) else { return }
        if let node = reader.require("types", expected: "types: { name: { format: …, extension: … } }"),
            let list = MappingReader(node, what: "'types'", problems: problems),
            case .mapping(let entries) = list.node.content
        {
            for entry in entries {
                guard Names.check(entry.key, of: "an artifact type", at: entry.keyMark, problems: problems) else {
                    continue
                }
                if entry.key == ArtifactTypeTable.anyFile {
                    problems.error(
                        at: entry.keyMark, "the type 'file' is there already: any file", expected: "another name")
                } else if let type = ArtifactTypeTable.read(entry, problems: problems) {
                    types[entry.key] = type
                }
            }
        }
        reader.finish()
    }

    private static func read(_ entry: YAMLNode.Entry, problems: DiagnosticList) -> ArtifactType? {
        let what = "type '\(entry.key)'"
        guard var reader = MappingReader(entry.value, what: what, problems: problems) else { return nil }
        let summary = reader.text("summary")?.value ?? ""
        let formats = ArtifactType.Format.allCases.map(\.rawValue)
        let formatText = reader.requiredText("format", expected: "one of \(formats.joined(separator: ", "))")
        let fileExtension = reader.text("extension")
        let datasetsNode = reader.take("datasets")
        let attributesNode = reader.take("attributes")
        reader.finish()
        guard let formatText else { return nil }
        guard let format = ArtifactType.Format(rawValue: formatText.value) else {
            problems.error(
                at: formatText.mark, "'\(formatText.value)' is no format",
                expected: "one of \(formats.joined(separator: ", "))",
                suggestion: SpellingSuggestion.nearest(to: formatText.value, among: formats))
            return nil
        }
        if let mark = datasetsNode?.mark ?? attributesNode?.mark, format != .hdf5 {
            problems.error(at: mark, "\(what) has format '\(format.rawValue)', which holds no datasets or attributes")
        }
        if let given = fileExtension, given.value.contains("/") || given.value.hasPrefix(".") {
            problems.error(
                at: given.mark, "'\(given.value)' is no extension", expected: "an extension without the dot, as h5")
        }
        var type = ArtifactType(
            name: entry.key, summary: summary, format: format,
            fileExtension: fileExtension?.value ?? (format == .hdf5 ? "h5" : ""))
        for dataset in entries(datasetsNode, what: "'datasets' of \(what)", problems: problems) {
            if let dataset = readDataset(dataset, of: what, problems: problems) { type.datasets.append(dataset) }
        }
        for attribute in entries(attributesNode, what: "'attributes' of \(what)", problems: problems) {
            let what = "attribute '\(attribute.key)' of \(what)"
            guard var reader = MappingReader(attribute.value, what: what, problems: problems) else { continue }
            let element = element(of: &reader)
            let optional = reader.boolean("optional") ?? false
            _ = reader.text("unit")
            _ = reader.text("summary")
            reader.finish()
            if let element { type.attributes.append(.init(name: attribute.key, element: element, optional: optional)) }
        }
        return type
    }

    private static func readDataset(_ entry: YAMLNode.Entry, of type: String, problems: DiagnosticList)
        -> ArtifactType.Dataset?
    {
        let what = "dataset '\(entry.key)' of \(type)"
        if !entry.key.hasPrefix("/") {
            problems.error(
                at: entry.keyMark, "'\(entry.key)' is no dataset path", expected: "a path such as /\(entry.key)")
        }
        guard var reader = MappingReader(entry.value, what: what, problems: problems) else { return nil }
        let element = element(of: &reader)
        let shapeNode = reader.require("shape", expected: "the list of dimensions, slowest first, as [rows, columns]")
        let unit = reader.text("unit")?.value ?? ""
        let optional = reader.boolean("optional") ?? false
        _ = reader.text("summary")
        reader.finish()
        var shape: [Int?] = []
        if let shapeNode {
            guard case .sequence(let dimensions) = shapeNode.content else {
                problems.error(
                    at: shapeNode.mark, "'shape' is \(shapeNode.briefly)", expected: "a list as [rows, columns]")
                return nil
            }
            for dimension in dimensions {
                switch dimension.scalar?.value {
                case .integer(let length) where length >= 0 && length <= Int64(Int32.max): shape.append(Int(length))
                case .text: shape.append(nil)
                default:
                    problems.error(
                        at: dimension.mark, "\(dimension.briefly) is no dimension",
                        expected: "a length, or a name where any length will do")
                }
            }
        }
        return element.map { .init(path: entry.key, element: $0, shape: shape, unit: unit, optional: optional) }
    }

    private static func element(of reader: inout MappingReader) -> ArtifactType.Element? {
        let names = ArtifactType.Element.allCases.map(\.rawValue)
        guard let text = reader.requiredText("element", expected: "one of \(names.joined(separator: ", "))") else {
            return nil
        }
        if let element = ArtifactType.Element(rawValue: text.value) { return element }
        reader.problems.error(
            at: text.mark, "'\(text.value)' is no element type", expected: "one of \(names.joined(separator: ", "))",
            suggestion: SpellingSuggestion.nearest(to: text.value, among: names))
        return nil
    }

    private static func entries(_ node: YAMLNode?, what: String, problems: DiagnosticList) -> [YAMLNode.Entry] {
        guard let node, !node.isNull else { return [] }
        if case .mapping(let entries) = node.content { return entries }
        problems.error(at: node.mark, "\(what) is \(node.briefly)", expected: "a mapping")
        return []
    }
}
