internal import StageProtocol

/// One reading of a pipeline: what has been gathered from the files so far.
final class PipelineReading {
    private let files: any FileAccess
    let problems: DiagnosticList
    private let library: ManifestLibrary
    private let registry = AxisRegistry()
    let settings: [Setting]
    private var importOverrides: [String: Located<String>] = [:]
    private var usedOverrides: Set<String> = []
    var stages: [Pipeline.StageUse] = []
    private var sources: [Pipeline.Source] = []
    private var rootParameters: Set<String> = []
    var settable: [String] = []
    private var seed = Located(ValueTemplate.constant(.integer(0)), at: Mark(file: SourceFile(path: "", bytes: [])))

    init(files: any FileAccess, options: PipelineOptions, problems: DiagnosticList) {
        self.files = files
        self.problems = problems
        library = ManifestLibrary(files: files, problems: problems)
        settings = options.settings.compactMap { Setting.parse($0, problems: problems) }
        for text in options.imports {
            let mark = Mark(file: SourceFile(path: "--import", text: text), length: text.unicodeScalars.count)
            guard let equals = text.firstIndex(of: "="), Names.isValid(String(text[..<equals])) else {
                problems.error(at: mark, "'\(text)' is no import", expected: "alias=file")
                continue
            }
            importOverrides[String(text[..<equals])] = Located(String(text[text.index(after: equals)...]), at: mark)
        }
    }

    func read(_ path: String) -> Pipeline? {
        let mark = Mark(file: SourceFile(path: path, bytes: []))
        guard let (file, root) = open(path, shownAs: path, at: mark) else { return nil }
        let scope = FileScope(
            file: file, prefix: "", resolver: TemplateResolver(registry: registry, problems: problems))
        let absolute = FilePaths.resolve(path, in: files.workingDirectory)
        guard var reader = MappingReader(root, what: "the pipeline", problems: problems) else { return nil }
        let name = reader.text("pipeline")
        if name == nil, !root.isNull {
            problems.error(
                at: root.mark, "the file names no pipeline", expected: "pipeline: \(FilePaths.stem(of: path))")
        } else if root.isNull {
            problems.error(at: root.mark, "the file is empty", expected: "a pipeline: pipeline: …, stages: …")
        }
        let summary = reader.text("summary")?.value ?? ""
        let targets = reader.take("targets")
        let profiles = reader.take("profiles")
        let parameters = readBody(&reader, of: scope, given: ImportChanges(), chain: [absolute])
        reader.finish()
        let target = targets.map { readTargets($0, scope: scope) } ?? []
        let profile = profiles.map { readProfiles($0) } ?? []
        noteUnused()
        return Pipeline(
            name: name?.value ?? "", summary: summary, file: absolute, axes: registry.axes, sources: sources,
            stages: stages, targets: target, profiles: profile, config: scope.resolver.allConfig(),
            parameters: parameters, stagesFolder: library.nearestStagesFolder(to: scope.file.folder),
            warnings: problems.diagnostics.filter { $0.severity == .warning })
    }

    private func open(_ path: String, shownAs shown: String, at mark: Mark) -> (SourceFile, YAMLNode)? {
        do throws(FileAccessError) {
            guard let bytes = try files.read(path, limit: YAMLLimits().bytes) else {
                let folder = FilePaths.folder(of: path)
                let names = (files.list(folder) ?? []).filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }
                problems.error(
                    at: mark, "there is no file \(shown)",
                    suggestion: SpellingSuggestion.nearest(to: FilePaths.name(of: path), among: names.sorted())
                        .map { FilePaths.resolve($0, in: folder) })
                return nil
            }
            let file = SourceFile(path: shown, bytes: bytes)
            return YAMLReader.read(file, problems: problems).map { (file, $0) }
        } catch {
            problems.error(at: mark, "the file \(shown) \(error.message)")
            return nil
        }
    }

    // MARK: What every file may have

    private func readBody(
        _ reader: inout MappingReader, of scope: FileScope, given changes: ImportChanges, chain: [String]
    ) -> [Pipeline.Parameter] {
        let given = changes.parameters
        let prefix = scope.prefix.split(separator: ".").map { String($0) }
        let folder = scope.file.folder
        let imports = reader.take("import")
        let manifests = reader.texts("manifests") ?? []
        let parameterNode = reader.take("params")
        let configNode = reader.take("config")
        let axesNode = reader.take("axes")
        let sourcesNode = reader.take("sources")
        let stagesNode = reader.take("stages")

        let parameters = ParameterReader(problems: problems, workingDirectory: files.workingDirectory)
            .read(parameterNode, given: given) { name in self.setting(ofParameter: name, prefix: prefix) }
        for parameter in parameters {
            scope.resolver.parameters[parameter.name] = parameter.value
            settable.append((prefix + ["params", parameter.name]).joined(separator: "."))
            if prefix.isEmpty { rootParameters.insert(parameter.name) }
        }
        for (name, node) in given where scope.resolver.parameters[name] == nil {
            problems.error(
                at: node.mark, "the imported file \(scope.file.path) has no parameter '\(name)'",
                suggestion: SpellingSuggestion.nearest(to: name, among: parameters.map(\.name)))
        }
        scope.resolver.setConfig(configEntries(configNode, prefix: prefix, changes: changes))
        _ = scope.resolver.allConfig()
        var ownSeed = seed
        if let value = scope.resolver.allConfig()["seed"] {
            let mark = configNode.flatMap { node -> Mark? in
                guard case .mapping(let entries) = node.content else { return nil }
                return entries.first { $0.key == "seed" }?.value.mark
            }
            ownSeed = Located(.constant(value), at: mark ?? reader.node.mark)
            if prefix.isEmpty { seed = ownSeed }
        }
        scope.manifestFolders = manifests.map {
            FilePaths.resolve(
                scope.resolver.constantText($0, what: "'manifests'"),
                in: FilePaths.resolve(folder, in: files.workingDirectory))
        }
        for (path, written) in zip(scope.manifestFolders, manifests) where files.list(path) == nil {
            problems.error(at: written.mark, "there is no folder \(path)", expected: "a folder of stage manifests")
        }
        if let nearest = library.nearestStagesFolder(to: folder), !scope.manifestFolders.contains(nearest) {
            scope.manifestFolders.append(nearest)
        }
        for inherited in scope.inheritedManifestFolders where !scope.manifestFolders.contains(inherited) {
            scope.manifestFolders.append(inherited)
        }
        readImports(imports, of: scope, changes: changes, chain: chain)
        readAxes(axesNode, of: scope, changes: changes)
        scope.over = scope.over.filter { isAxis($0) }
        readStages(stagesNode, sources: sourcesNode, of: scope, prefix: prefix, seed: ownSeed)
        return parameters
    }

    /// Whether an import's `over` names an axis; notes the mistake where it does not.
    private func isAxis(_ name: Located<String>) -> Bool {
        if registry.index[name.value] != nil { return true }
        if registry.spoiled.contains(name.value) { return false }
        let known = registry.index.keys.sorted()
        problems.error(
            at: name.mark, "'\(name.value)' in 'over' of an import is no axis",
            expected: known.isEmpty ? "no axis: there is none" : "one of \(known.joined(separator: ", "))",
            suggestion: SpellingSuggestion.nearest(to: name.value, among: known))
        return false
    }

    private func setting(ofParameter name: String, prefix: [String]) -> Setting? {
        settings.last { setting in
            if setting.path == prefix + ["params", name] || setting.path == prefix + [name] { return true }
            // A parameter of an imported file answers to its plain name too, unless the pipeline has one of that name.
            return !rootParameters.contains(name) && (setting.path == ["params", name] || setting.path == [name])
        }
    }

    private func configEntries(_ node: YAMLNode?, prefix: [String], changes: ImportChanges) -> [YAMLNode.Entry] {
        var entries: [YAMLNode.Entry] = []
        if let node, let reader = MappingReader(node, what: "'config'", problems: problems),
            case .mapping(let written) = reader.node.content
        {
            entries = written
        }
        changes.check(changes.config, of: "config", known: entries.map(\.key), problems: problems)
        for index in entries.indices {
            if let changed = changes.config[entries[index].key] { entries[index].value = changed.value }
            settable.append((prefix + ["config", entries[index].key]).joined(separator: "."))
            guard let setting = settings.last(where: { $0.path == prefix + ["config", entries[index].key] }) else {
                continue
            }
            setting.isUsed = true
            entries[index].value = setting.value
        }
        return entries
    }

    // MARK: Imports

    private func readImports(_ node: YAMLNode?, of scope: FileScope, changes: ImportChanges, chain: [String]) {
        var list: [(alias: String, mark: Mark, node: YAMLNode?)] = []
        if let node,
            let reader = MappingReader(node, what: "'import'", expected: "{ alias: file }", problems: problems),
            case .mapping(let entries) = reader.node.content
        {
            list = entries.map { ($0.key, $0.keyMark, $0.value) }
        }
        changes.check(changes.imports, of: "import", known: list.map(\.alias), problems: problems)
        if scope.prefix.isEmpty {
            for (alias, path) in importOverrides.sorted(by: { $0.key < $1.key })
            where !list.contains(where: { $0.alias == alias }) {
                list.append((alias, path.mark, nil))
            }
        }
        for (alias, mark, node) in list {
            guard Names.check(alias, of: "an import", at: mark, problems: problems) else { continue }
            scope.spoiled.insert(alias)
            let changed = changes.imports[alias]
            guard
                let imported = readImport(
                    alias, node: changed?.value ?? node, mark: mark, of: scope,
                    folder: changed == nil ? nil : changes.folder, chain: chain)
            else { continue }
            scope.spoiled.remove(alias)
            scope.imports[alias] = imported
        }
    }

    /// - Parameter changedFolder: the folder that the path is seen from where it is not this file's.
    private func readImport(
        _ alias: String, node: YAMLNode?, mark: Mark, of scope: FileScope, folder changedFolder: String?,
        chain: [String]
    ) -> FileScope? {
        var written: Located<String>?
        var given = ImportChanges(folder: scope.file.folder)
        if let node {
            if case .mapping = node.content,
                var reader = MappingReader(node, what: "import '\(alias)'", problems: problems)
            {
                written = reader.requiredText("file", expected: "the file to import")
                if let passed = reader.take("params"), case .mapping(let entries) = passed.content {
                    for entry in entries {
                        let value = scope.resolver.with(axes: []) {
                            scope.resolver.template(entry.value, what: "import '\(alias)'").constant ?? .null
                        }
                        var passedNode = YAMLNode(value: value, at: entry.value.mark)
                        if case .scalar(let scalar) = entry.value.content, !scalar.text.contains("${") {
                            passedNode = entry.value
                        }
                        given.parameters[entry.key] = passedNode
                    }
                }
                given.read(from: &reader, alias: alias, problems: problems)
                reader.finish()
            } else {
                written = MappingReader.text(node, what: "import '\(alias)'", problems: problems)
            }
        }
        var folder = changedFolder ?? scope.file.folder
        if scope.prefix.isEmpty, let override = importOverrides[alias] {
            written = override
            folder = "."
        }
        guard let written else { return nil }
        let text = scope.resolver.constantText(written, what: "import '\(alias)'")
        let path = FilePaths.resolve(text, in: folder)
        let absolute = FilePaths.resolve(path, in: files.workingDirectory)
        if let start = chain.firstIndex(of: absolute) {
            let names = (chain[start...] + [absolute]).map { FilePaths.name(of: $0) }
            problems.error(
                at: written.mark, "files import each other in a circle: \(names.joined(separator: " -> "))",
                expected: "imports without a circle")
            return nil
        }
        guard chain.count < 32 else {
            problems.error(at: written.mark, "imports are nested deeper than 32 files")
            return nil
        }
        guard let (file, root) = open(path, shownAs: path, at: written.mark) else { return nil }
        let imported = FileScope(
            file: file, prefix: scope.prefix + alias + ".",
            resolver: TemplateResolver(registry: registry, problems: problems))
        imported.inheritedManifestFolders = scope.manifestFolders
        imported.over = given.over
        given.axisReader = AxisReader(files: files, resolver: scope.resolver)
        guard var reader = MappingReader(root, what: "the imported file", problems: problems) else { return nil }
        for key in ["pipeline", "cohort", "summary", "targets", "profiles"] { _ = reader.take(key) }
        _ = readBody(&reader, of: imported, given: given, chain: chain + [absolute])
        reader.finish()
        return imported
    }

    // MARK: Axes, sources, stages

    private func readAxes(_ node: YAMLNode?, of scope: FileScope, changes: ImportChanges) {
        var entries: [YAMLNode.Entry] = []
        if let node, let mapping = MappingReader(node, what: "'axes'", problems: problems),
            case .mapping(let written) = mapping.node.content
        {
            entries = written
        }
        changes.check(changes.axes, of: "axes", known: entries.map(\.key), problems: problems)
        let ownReader = AxisReader(files: files, resolver: scope.resolver)
        for written in entries {
            let changed = changes.axes[written.key]
            let entry = changed ?? written
            let reader = changed == nil ? ownReader : changes.axisReader ?? ownReader
            if let known = registry.index[entry.key] {
                let first = registry.axes[known].mark
                if first.file.path == entry.keyMark.file.path, first.line == entry.keyMark.line { continue }
                problems.error(
                    at: entry.keyMark, "there is an axis '\(entry.key)' already, at \(first.text)",
                    expected: "another name; imported axes share the names of the pipeline's")
                continue
            }
            if let axis = reader.read(entry) { registry.add(axis) } else { registry.spoiled.insert(entry.key) }
        }
    }

    private func readStages(
        _ node: YAMLNode?, sources sourcesNode: YAMLNode?, of scope: FileScope, prefix: [String],
        seed: Located<ValueTemplate>
    ) {
        let reader = StageUseReader(
            scope: scope, library: library, settings: settings, workingDirectory: files.workingDirectory,
            defaultSeed: seed)
        if let sourcesNode, let mapping = MappingReader(sourcesNode, what: "'sources'", problems: problems),
            case .mapping(let entries) = mapping.node.content
        {
            let types = library.types(in: scope.manifestFolders)
            for entry in entries {
                if scope.imports[entry.key] != nil {
                    problems.error(at: entry.keyMark, "'\(entry.key)' is an import already", expected: "another name")
                }
                if let source = reader.readSource(entry, types: types) {
                    scope.sources[entry.key] = sources.count
                    sources.append(source)
                } else {
                    scope.spoiled.insert(entry.key)
                }
            }
        }
        var pending: [(stage: Int, inputs: YAMLNode?, isOptional: Bool)] = []
        if let node, let mapping = MappingReader(node, what: "'stages'", problems: problems),
            case .mapping(let entries) = mapping.node.content
        {
            for entry in entries {
                if scope.imports[entry.key] != nil || scope.sources[entry.key] != nil {
                    problems.error(
                        at: entry.keyMark, "'\(entry.key)' is an import or a source already", expected: "another name")
                }
                if let (stage, inputs, isOptional) = reader.readStage(entry) {
                    scope.stages[entry.key] = stages.count
                    pending.append((stages.count, inputs, isOptional))
                    stages.append(stage)
                    settable += stage.manifest.config.keys.map { "\(stage.name).\($0.name)" }
                } else {
                    scope.spoiled.insert(entry.key)
                }
            }
        }
        let connections = ConnectionReader(scope: scope, stages: stages, sources: sources)
        leaveOut(pending, connections)
        for (stage, inputs, _) in pending where stages[stage].leftOutFor == nil {
            stages[stage].inputs = connections.read(inputs, of: stages[stage])
        }
    }

    /// Leaves out what an imported file has nothing for, and what cannot do without that, until nothing more follows.
    private func leaveOut(
        _ pending: [(stage: Int, inputs: YAMLNode?, isOptional: Bool)], _ connections: ConnectionReader
    ) {
        var leftOut = Set(stages.indices.filter { stages[$0].leftOutFor != nil })
        var known = -1
        while leftOut.count > known {
            known = leftOut.count
            for (stage, inputs, isOptional) in pending where !leftOut.contains(stage) {
                guard
                    let missing = connections.missingReference(
                        inputs, of: stages[stage], isOptional: isOptional, leftOut: leftOut)
                else { continue }
                leftOut.insert(stage)
                stages[stage].leftOutFor = missing
                stages[stage].filters = [.never(at: stages[stage].mark)]
            }
        }
    }
}

extension YAMLNode {
    /// A node with a given value, for values that were worked out.
    init(value: ConfigValue, at mark: Mark) {
        switch value {
        case .list(let list): self.init(.sequence(list.map { YAMLNode(value: $0, at: mark) }), at: mark)
        case .map(let map):
            let entries = map.sorted { $0.key < $1.key }
                .map { Entry(key: $0.key, keyMark: mark, value: YAMLNode(value: $0.value, at: mark)) }
            self.init(.mapping(entries), at: mark)
        case .text(let text): self.init(.scalar(YAMLScalar(text: text, isPlain: false)), at: mark)
        default: self.init(.scalar(YAMLScalar(text: ConfigKey.text(of: value), isPlain: true)), at: mark)
        }
    }
}
