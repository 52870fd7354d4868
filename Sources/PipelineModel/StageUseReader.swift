internal import StageProtocol

/// Reads the stages and sources of one file, up to their connections.
struct StageUseReader {
    let scope: FileScope
    let library: ManifestLibrary
    let settings: [Setting]
    let workingDirectory: String
    /// The seed of stages that name none.
    let defaultSeed: Located<ValueTemplate>

    private var resolver: TemplateResolver { scope.resolver }
    private var problems: DiagnosticList { scope.resolver.problems }

    /// The stage without its connections, and the node that they stand in; nil where mistakes spoil it.
    func readStage(_ entry: YAMLNode.Entry) -> (stage: Pipeline.StageUse, inputs: YAMLNode?, isOptional: Bool)? {
        let what = "stage '\(entry.key)'"
        guard Names.check(entry.key, of: "a stage", at: entry.keyMark, problems: problems),
            var reader = MappingReader(entry.value, what: what, problems: problems)
        else { return nil }
        let uses = reader.text("uses") ?? Located(entry.key, at: entry.keyMark)
        let named = reader.texts("for") ?? []
        // Axes of the import come first; a stage may name them itself.
        let over = scope.over.filter { over in !named.contains { $0.value == over.value } }
        let axes = readAxes(over + named, what: what)
        let inputs = reader.take("inputs")
        let configNode = reader.take("config")
        let whereNode = reader.take("where")
        let whenNode = reader.take("when")
        let seedNode = reader.take("seed")
        let resources = reader.take("resources").map {
            ResourceRequest.read($0, what: "'resources' of \(what)", problems: problems)
        }
        let isOptional = reader.boolean("optional") ?? false
        _ = reader.text("summary")
        reader.finish()
        let conditions = ConditionReader(resolver: resolver, axes: axes, what: what)
        let filters =
            (whereNode.map { conditions.readWhere($0) } ?? []) + (whenNode.map { conditions.readWhen($0) } ?? [])
        var seed: Located<ValueTemplate>? = defaultSeed
        if let seedNode {
            seed = Located(
                resolver.with(axes: axes) { resolver.template(seedNode, what: "'seed' of \(what)") }, at: seedNode.mark)
        }
        StageUseReader.checkSeed(seed, problems: problems)
        guard let manifest = library.manifest(uses, in: scope.manifestFolders) else { return nil }
        let config = readConfig(
            configNode, schema: manifest.config, stage: entry, axes: axes, what: what)
        return (
            Pipeline.StageUse(
                name: scope.prefix + entry.key, manifest: manifest, axes: axes,
                inputs: manifest.inputs.map { _ in [] }, config: config, seed: seed, filters: filters,
                resources: (resources ?? ResourceRequest()).filled(from: manifest.resources), mark: entry.keyMark),
            inputs, isOptional
        )
    }

    func readSource(_ entry: YAMLNode.Entry, types: ArtifactTypeTable) -> Pipeline.Source? {
        let what = "source '\(entry.key)'"
        guard Names.check(entry.key, of: "a source", at: entry.keyMark, problems: problems),
            var reader = MappingReader(
                entry.value, what: what, expected: "a mapping as { file: …, for: […], type: … }", problems: problems)
        else { return nil }
        let file = reader.require("file", expected: "the path of the file, with ${axis} where it depends on one")
        let axes = readAxes(reader.texts("for") ?? [], what: what)
        let typeName = reader.requiredText("type", expected: "the name of an artifact type, or 'file'")
        let whereNode = reader.take("where")
        let whenNode = reader.take("when")
        _ = reader.text("summary")
        reader.finish()
        let conditions = ConditionReader(resolver: resolver, axes: axes, what: what)
        let filters =
            (whereNode.map { conditions.readWhere($0) } ?? []) + (whenNode.map { conditions.readWhen($0) } ?? [])
        guard let file, let typeName, let type = types.type(typeName, problems: problems) else { return nil }
        guard file.scalar != nil, !file.isNull else {
            problems.error(at: file.mark, "'file' of \(what) is \(file.briefly)", expected: "a path")
            return nil
        }
        return Pipeline.Source(
            name: scope.prefix + entry.key,
            file: resolver.with(axes: axes) { resolver.template(file, what: "'file' of \(what)") },
            folder: FilePaths.resolve(scope.file.folder, in: workingDirectory), axes: axes, type: type.name,
            filters: filters, mark: entry.keyMark)
    }

    /// The axes of `for`, parents before what is nested within them.
    private func readAxes(_ names: [Located<String>], what: String) -> [Int] {
        let registry = resolver.registry
        var axes: [(index: Int, mark: Mark)] = []
        for name in names {
            if registry.spoiled.contains(name.value) { continue }
            guard let axis = registry.index[name.value] else {
                let known = registry.index.keys.sorted()
                problems.error(
                    at: name.mark, "\(what) runs over '\(name.value)', which is no axis",
                    expected: known.isEmpty ? "no axis: there is none" : "one of \(known.joined(separator: ", "))",
                    suggestion: SpellingSuggestion.nearest(to: name.value, among: known))
                continue
            }
            if axes.contains(where: { $0.index == axis }) {
                problems.error(at: name.mark, "'\(name.value)' stands twice in 'for' of \(what)")
            } else {
                axes.append((axis, name.mark))
            }
        }
        for (axis, mark) in axes {
            guard let parent = registry.axes[axis].parent, !axes.contains(where: { $0.index == parent }) else {
                continue
            }
            problems.error(
                at: mark,
                "\(what) runs over '\(registry.axes[axis].name)' but not over '\(registry.axes[parent].name)', which it is within",
                expected:
                    "for: [\(registry.chain(axis).reversed().map { registry.axes[$0].name }.joined(separator: ", "))]")
        }
        // Parents have smaller indices than what is nested within them, but the order of the file is kept where it can be.
        var ordered: [Int] = []
        for (axis, _) in axes {
            for ancestor in registry.chain(axis).reversed()
            where axes.contains(where: { $0.index == ancestor }) && !ordered.contains(ancestor) {
                ordered.append(ancestor)
            }
        }
        return ordered
    }

    private func readConfig(
        _ node: YAMLNode?, schema: ConfigSchema, stage: YAMLNode.Entry, axes: [Int], what: String
    ) -> [Pipeline.ConfigBinding] {
        var written: [String: YAMLNode.Entry] = [:]
        if let node, let reader = MappingReader(node, what: "'config' of \(what)", problems: problems),
            case .mapping(let entries) = reader.node.content
        {
            for entry in entries {
                written[entry.key] = entry
                guard schema[entry.key] == nil else { continue }
                let known = schema.keys.map(\.name)
                problems.error(
                    at: entry.keyMark, "unknown key '\(entry.key)' in 'config' of \(what)",
                    expected: known.isEmpty
                        ? "nothing: the stage has no config" : "one of \(known.sorted().joined(separator: ", "))",
                    suggestion: SpellingSuggestion.nearest(to: entry.key, among: known))
            }
        }
        let fullName = (scope.prefix + stage.key).split(separator: ".").map { String($0) }
        return schema.keys.map { key in
            var node = written[key.name]?.value
            if let setting = settings.last(where: { $0.path == fullName + [key.name] }) {
                for setting in settings where setting.path == fullName + [key.name] { setting.isUsed = true }
                node = setting.value
            }
            guard let node else {
                if key.defaultValue == nil {
                    problems.error(
                        at: stage.keyMark, "\(what) lacks '\(key.name)' in its config", expected: key.expectation)
                }
                return .init(key: key, value: .constant(key.defaultValue ?? .null), mark: stage.keyMark)
            }
            let before = problems.diagnostics.count
            var template = resolver.with(axes: axes) { resolver.template(node, what: "'config' of \(what)") }
            if let constant = template.constant, problems.diagnostics.count == before {
                // Where text is wanted, an unquoted 0012 is the text as written.
                let wanted: ConfigValue =
                    if key.kind == .text, let scalar = node.scalar, !node.isNull, !scalar.text.contains("${") {
                        .text(scalar.text)
                    } else {
                        constant
                    }
                switch schema.check(wanted, of: key, context: what, at: node.mark) {
                case .success(let value): template = .constant(value)
                case .failure(let misfit):
                    problems.error(
                        at: misfit.diagnostic.mark, misfit.diagnostic.message, expected: misfit.diagnostic.expected,
                        suggestion: misfit.diagnostic.suggestion)
                }
            }
            return .init(key: key, value: template, mark: node.mark)
        }
    }

    static func checkSeed(_ seed: Located<ValueTemplate>?, problems: DiagnosticList) {
        guard let seed, let constant = seed.value.constant else { return }
        if case .integer(let value) = constant, value >= 0 { return }
        problems.error(
            at: seed.mark, "the seed is '\(ConfigKey.text(of: constant))'", expected: "an integer from 0 up")
    }
}
