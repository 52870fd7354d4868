internal import ArgumentParser
internal import StageProtocol

struct SchemaCommand: ParsableCommand {
    enum Kind: String, ExpressibleByArgument, CaseIterable { case pipeline, manifest, types }

    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Prints the JSON schema of a kind of file, for editors.",
        discussion: """
            With the YAML language server, a first line in the file names it:
              # yaml-language-server: $schema=pipeline.schema.json
            """)

    @Argument(help: "pipeline, manifest or types.")
    var kind: Kind

    func run() throws {
        let schema =
            switch kind {
            case .pipeline: FileSchema.pipeline
            case .manifest: FileSchema.manifest
            case .types: FileSchema.types
            }
        StandardOutput.write(JSONText.of(schema))
    }
}

/// JSON schemas (draft 2020-12) of the files that users write.
enum FileSchema {
    private static func text(_ help: String) -> ConfigValue {
        .map(["type": .text("string"), "description": .text(help)])
    }

    private static func integer(_ minimum: Int64, _ help: String) -> ConfigValue {
        .map(["type": .text("integer"), "minimum": .integer(minimum), "description": .text(help)])
    }

    private static func flag(_ help: String) -> ConfigValue {
        .map(["type": .text("boolean"), "description": .text(help)])
    }

    private static func choice(_ values: [String], _ help: String = "") -> ConfigValue {
        .map(["enum": .list(values.map { .text($0) }), "description": .text(help)])
    }

    private static func anyOf(_ options: ConfigValue...) -> ConfigValue { .map(["anyOf": .list(options)]) }

    private static func list(of item: ConfigValue) -> ConfigValue { .map(["type": .text("array"), "items": item]) }

    private static func names(to value: ConfigValue, _ help: String = "") -> ConfigValue {
        .map([
            "type": .list([.text("object"), .text("null")]), "additionalProperties": value, "description": .text(help),
        ])
    }

    private static func object(
        _ properties: [String: ConfigValue], required: [String] = [], help: String = "", open: Bool = false
    ) -> ConfigValue {
        .map([
            "type": .list([.text("object"), .text("null")]), "properties": .map(properties),
            "required": .list(required.map { .text($0) }), "additionalProperties": .bool(open),
            "description": .text(help),
        ])
    }

    private static func document(_ title: String, _ body: ConfigValue) -> ConfigValue {
        guard case .map(var map) = body else { return body }
        map["$schema"] = .text("https://json-schema.org/draft/2020-12/schema")
        map["title"] = .text(title)
        map["type"] = .text("object")
        return .map(map)
    }

    private static let anything = ConfigValue.map([:])
    private static let scalar = ConfigValue.map([
        "type": .list(["string", "number", "boolean", "null"].map { .text($0) })
    ])
    private static let oneOrMore = anyOf(text("a name"), list(of: scalar))

    private static let resources = object(
        [
            "cores": anyOf(integer(1, "cores that a task uses"), text("fewest and most, as 1-4")),
            "memory": anyOf(text("as 2GiB"), integer(1, "bytes")),
            "gpu": integer(0, "GPUs"), "time": anyOf(text("as 90s, 30m, 2h"), integer(1, "seconds")),
            "typical": anyOf(text("as 90s, 30m, 2h: how long a task takes, until one has run"), integer(1, "seconds")),
            "retries": integer(0, "further tries after a failure that may pass by itself"),
        ], help: "What a task may use; nothing of it enters its key.")

    static var pipeline: ConfigValue {
        let reference = object(
            [
                "from": text("stage.output, source, or alias.name"),
                "where": names(to: anything, "attributes and their values"),
                "optional": flag("whether no file is fine"),
            ], required: ["from"],
            help: "Other keys are axes: +1 or [-1, +1] for neighbours, a value to hold the axis there.",
            open: true)
        let axis = anyOf(
            list(of: scalar), names(to: anyOf(names(to: anything), anything), "values with their attributes"),
            object(
                [
                    "within": text("the axis that this one is nested within"), "values": anything,
                    "range": list(of: integer(.min, "first, last, step")),
                    "width": integer(1, "digits, padded with zeros"),
                    "table": object(
                        [
                            "file": text("a CSV file"), "key": text("column of the values"),
                            "where": names(to: anything),
                        ],
                        required: ["file", "key"]),
                    "glob": text("files as scans/${brain}/*.tif"), "where": names(to: anything),
                    "except": oneOrMore,
                ]))
        let stage = object([
            "uses": text("the manifest's name; left out, the stage's own"), "for": oneOrMore,
            "inputs": names(
                to: anyOf(text("stage.output"), reference, list(of: anyOf(text("stage.output"), reference)))),
            "config": names(to: anything), "where": names(to: anything, "attributes and their values"),
            "when": anyOf(text("${axis.attribute} == value"), list(of: text("condition")), flag("condition")),
            "optional": flag("left out where something that it reads is not there at all"),
            "seed": anyOf(integer(0, "seed"), text("${axis}")), "resources": resources, "summary": text("one line"),
        ])
        let source = object(
            [
                "file": text("path with ${axis}"), "for": oneOrMore, "type": text("artifact type"),
                "where": names(to: anything), "when": anything, "summary": text("one line"),
            ], required: ["file", "type"])
        return document(
            "cyto-pipe pipeline",
            object([
                "pipeline": text("the pipeline's name"), "summary": text("one line"),
                "import": names(
                    to: anyOf(
                        text("file"), object(["file": text("file"), "params": names(to: anything)], required: ["file"]))
                ),
                "manifests": oneOrMore,
                "params": names(
                    to: anyOf(
                        scalar,
                        object([
                            "type": choice(["text", "number", "integer", "boolean", "path", "any"]),
                            "default": anything,
                            "help": text("one line"),
                        ]))),
                "config": names(to: anything, "values for ${config.name}; seed is the seed of all stages"),
                "axes": names(to: axis), "sources": names(to: source), "stages": names(to: stage),
                "targets": names(to: oneOrMore),
                "profiles": names(
                    to: object(
                        [
                            "executor": choice(["local", "slurm"]), "cores": integer(1, "cores in all"),
                            "memory": anything,
                            "gpu": integer(0, "GPUs in all"), "time": anything, "retries": integer(0, "tries"),
                            "partition": text("Slurm partition"), "account": text("Slurm account"),
                            "qos": text("Slurm QOS"),
                            "array_size": integer(1, "tasks an array"), "options": anything,
                        ])),
            ]))
    }

    static var manifest: ConfigValue {
        let input = object(
            [
                "type": text("artifact type; 'file' takes any"), "optional": flag("whether the stage works without"),
                "attributes": oneOrMore, "summary": text("one line"), "help": text("one line"),
            ], required: ["type"])
        let output = object(
            [
                "type": text("artifact type"), "extension": text("with type 'file'"), "summary": text("one line"),
                "help": text("one line"), "announce": flag("whether a run tells last of all where it lies"),
            ], required: ["type"])
        let kinds = ["number", "integer", "boolean", "text", "list", "choice", "any"]
        let number = ConfigValue.map(["type": .text("number")])
        let key = object(
            [
                "type": choice(kinds), "default": anything, "minimum": number, "maximum": number,
                "choices": list(of: scalar), "items": choice(kinds), "nullable": flag("whether null is fine"),
                "unit": text("unit of the value"), "help": text("one line"),
            ], required: ["type"])
        return document(
            "cyto-pipe stage manifest",
            object(
                [
                    "stage": text("the name, like the file's"), "version": integer(0, "goes up when results change"),
                    "summary": text("one line"), "help": text("more"), "run": list(of: scalar),
                    "inputs": names(to: input),
                    "outputs": names(to: output), "config": names(to: key), "resources": resources,
                    "resumable": flag("whether a task that was broken off goes on from its folder of checkpoints"),
                ], required: ["stage", "run", "outputs"]))
    }

    static var types: ConfigValue {
        let elements = ArtifactType.Element.allCases.map(\.rawValue)
        let dataset = object(
            [
                "element": choice(elements), "shape": list(of: scalar), "unit": text("unit"),
                "optional": flag("whether it may be missing"), "summary": text("one line"),
            ], required: ["element", "shape"])
        let attribute = object(
            [
                "element": choice(elements), "optional": flag("whether it may be missing"), "unit": text("unit"),
                "summary": text("one line"),
            ], required: ["element"])
        let type = object(
            [
                "summary": text("one line"), "format": choice(ArtifactType.Format.allCases.map(\.rawValue)),
                "extension": text("without the dot"), "datasets": names(to: dataset),
                "attributes": names(to: attribute),
            ], required: ["format"])
        return document("cyto-pipe artifact types", object(["types": names(to: type)], required: ["types"]))
    }
}
