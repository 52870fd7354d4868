internal import StageProtocol

/// Reads one stage manifest.
struct StageManifestReader {
    let types: ArtifactTypeTable
    let files: any FileAccess
    let problems: DiagnosticList

    /// The largest script that is read along with a manifest.
    static let scriptLimit = 64 << 20

    /// The manifest; nil where so much is wrong with it that stages which use it cannot be checked.
    func read(_ root: YAMLNode, name: String, folder: String) -> StageManifest? {
        guard var reader = MappingReader(root, what: "the manifest", problems: problems) else { return nil }
        let stage = reader.requiredText("stage", expected: "the stage's name, '\(name)' like the file")
        if let stage, stage.value != name {
            problems.error(
                at: stage.mark, "the manifest of '\(name)' names the stage '\(stage.value)'",
                expected: "'\(name)', the name of the file")
        }
        let version = reader.integer("version", in: 0...Int64(Int32.max)) ?? 1
        let summary = reader.text("summary")?.value ?? ""
        _ = reader.text("help")
        let run = reader.require(
            "run", expected: "the command line as a list, as [cyto-stage, \(name), --job, \"${job}\"]")
        let inputsNode = reader.take("inputs")
        let outputsNode = reader.require("outputs", expected: "outputs: { name: { type: … } }")
        let configNode = reader.take("config")
        let resources =
            reader.take("resources").map { ResourceRequest.read($0, what: "'resources'", problems: problems) }
        let resumable = reader.boolean("resumable") ?? false
        reader.finish()
        var manifest = StageManifest(
            name: name, version: Int(version), summary: summary, run: [],
            inputs: ports(inputsNode, what: "'inputs'").compactMap { input($0) },
            outputs: ports(outputsNode, what: "'outputs'").compactMap { output($0) },
            config: configNode.map { ConfigSchema.read($0, problems: problems) } ?? ConfigSchema(),
            resources: resources ?? ResourceRequest(), resumable: resumable, scripts: [], folder: folder,
            mark: root.mark)
        if let run { readCommand(run, into: &manifest) }
        return manifest
    }

    private func ports(_ node: YAMLNode?, what: String) -> [YAMLNode.Entry] {
        guard let node, !node.isNull else { return [] }
        guard case .mapping(let entries) = node.content else {
            problems.error(
                at: node.mark, "\(what) is \(node.briefly)", expected: "a mapping of ports as { name: { type: … } }")
            return []
        }
        return entries.filter { Names.check($0.key, of: "a port", at: $0.keyMark, problems: problems) }
    }

    private func input(_ entry: YAMLNode.Entry) -> StageManifest.Input? {
        let what = "input '\(entry.key)'"
        guard
            var reader = MappingReader(
                entry.value, what: what, expected: "a mapping as { type: … }", problems: problems)
        else { return nil }
        let typeName = reader.requiredText("type", expected: "the name of an artifact type")
        let optional = reader.boolean("optional") ?? false
        let attributes = reader.texts("attributes") ?? []
        let summary = reader.text("summary")?.value ?? ""
        _ = reader.text("help")
        reader.finish()
        guard let typeName, let type = types.type(typeName, problems: problems) else { return nil }
        return StageManifest.Input(
            name: entry.key, type: type.name, optional: optional, attributes: attributes, summary: summary,
            mark: entry.keyMark)
    }

    private func output(_ entry: YAMLNode.Entry) -> StageManifest.Output? {
        let what = "output '\(entry.key)'"
        guard
            var reader = MappingReader(
                entry.value, what: what, expected: "a mapping as { type: … }", problems: problems)
        else { return nil }
        let typeName = reader.requiredText("type", expected: "the name of an artifact type")
        let fileExtension = reader.text("extension")
        let summary = reader.text("summary")?.value ?? ""
        _ = reader.text("help")
        reader.finish()
        guard let typeName, var type = types.type(typeName, problems: problems) else { return nil }
        if let fileExtension {
            if type.name == ArtifactTypeTable.anyFile {
                type.fileExtension = fileExtension.value
            } else {
                problems.error(
                    at: fileExtension.mark, "'extension' of \(what): the type '\(type.name)' has one already",
                    expected: "'extension' with the type 'file' only")
            }
        }
        return StageManifest.Output(name: entry.key, type: type, summary: summary, mark: entry.keyMark)
    }

    private func readCommand(_ node: YAMLNode, into manifest: inout StageManifest) {
        guard case .sequence(let nodes) = node.content, !nodes.isEmpty else {
            problems.error(
                at: node.mark, "'run' is \(node.briefly)", expected: "the command line as a list, as [python3, make.py]"
            )
            return
        }
        for argument in nodes {
            guard let scalar = argument.scalar else {
                problems.error(at: argument.mark, "an argument of 'run' is a \(argument.kindName)", expected: "text")
                continue
            }
            manifest.run.append(scalar.text)
            checkReferences(in: scalar, at: argument.mark, of: manifest)
            addScript(scalar.text, at: argument.mark, to: &manifest)
        }
    }

    private func checkReferences(in scalar: YAMLScalar, at mark: Mark, of manifest: StageManifest) {
        let known =
            ["job", "scratch", "checkpoints", "seed", "folder", "resources.cores", "resources.memory", "resources.gpu"]
            + manifest.inputs.map { "inputs.\($0.name)" } + manifest.outputs.map { "outputs.\($0.name)" }
            + manifest.config.keys.map { "config.\($0.name)" }
        for segment in TextTemplate.parse(scalar.text, at: mark, isPlain: scalar.isPlain, problems: problems).segments {
            guard case .reference(let reference) = segment else { continue }
            let name = reference.path.joined(separator: ".")
            if known.contains(name) || name.hasPrefix("item.") { continue }
            problems.error(
                at: reference.mark, "'${\(name)}' names nothing that 'run' can have",
                expected: known.count <= 16 ? "one of \(known.joined(separator: ", "))" : nil,
                suggestion: SpellingSuggestion.nearest(to: name, among: known))
        }
    }

    /// A relative argument that names a file beside the manifest is a script: its bytes count as part of the manifest.
    private func addScript(_ argument: String, at mark: Mark, to manifest: inout StageManifest) {
        let path: String
        if argument.hasPrefix("${folder}/") {
            path = FilePaths.resolve(String(argument.dropFirst("${folder}/".count)), in: manifest.folder)
        } else if !argument.contains("${"), !argument.hasPrefix("-"), !argument.hasPrefix("/"),
            argument.contains(".") || argument.contains("/")
        {
            path = FilePaths.resolve(argument, in: manifest.folder)
        } else {
            return
        }
        guard files.isFile(path) else {
            if argument.hasPrefix("${folder}/") {
                problems.error(at: mark, "no file \(path) stands beside the manifest")
            }
            return
        }
        do throws(FileAccessError) {
            guard let bytes = try files.read(path, limit: StageManifestReader.scriptLimit) else { return }
            manifest.scripts.append(StageManifest.Script(argument: argument, bytes: bytes))
        } catch {
            problems.error(at: mark, "the script \(path) \(error.message)")
        }
    }
}
