internal import StageProtocol

/// Reads the `inputs:` of a stage once every stage of the file is known.
struct ConnectionReader {
    let scope: FileScope
    let stages: [Pipeline.StageUse]
    let sources: [Pipeline.Source]

    private var resolver: TemplateResolver { scope.resolver }
    private var problems: DiagnosticList { scope.resolver.problems }

    /// The connections of each input port of `stage`, in the manifest's order.
    func read(_ node: YAMLNode?, of stage: Pipeline.StageUse) -> [[Pipeline.Connection]] {
        let manifest = stage.manifest
        let what = "stage '\(stage.name)'"
        var connections: [[Pipeline.Connection]] = manifest.inputs.map { _ in [] }
        var isGiven = manifest.inputs.map { _ in false }
        if let node, let reader = MappingReader(node, what: "'inputs' of \(what)", problems: problems),
            case .mapping(let entries) = reader.node.content
        {
            for entry in entries {
                guard let port = manifest.input(entry.key) else {
                    let known = manifest.inputs.map(\.name)
                    problems.error(
                        at: entry.keyMark, "\(what) has no input '\(entry.key)'",
                        expected: known.isEmpty ? "no inputs" : "one of \(known.joined(separator: ", "))",
                        suggestion: SpellingSuggestion.nearest(to: entry.key, among: known))
                    continue
                }
                isGiven[port] = true
                connections[port] = references(entry.value, port: manifest.inputs[port], of: stage, what: what)
            }
        }
        for (port, input) in manifest.inputs.enumerated() where !isGiven[port] && !input.optional {
            problems.error(
                at: stage.mark, "\(what) lacks its input '\(input.name)'",
                expected: "inputs: { \(input.name): … } with something of type '\(input.type)'")
        }
        return connections
    }

    /// Whether an input says `optional: true` and reads from an imported file what that file does not have.
    private func isLeftOut(_ node: YAMLNode) -> Bool {
        guard case .mapping(let entries) = node.content, let from = entries.first(where: { $0.key == "from" }),
            let alias = from.value.scalar?.text.prefix(while: { $0 != "." }), scope.imports[String(alias)] != nil,
            case .bool(true) = entries.first(where: { $0.key == "optional" })?.value.scalar?.value
        else { return false }
        return isMissing(from.value.scalar?.text ?? "")
    }

    private func references(
        _ node: YAMLNode, port: StageManifest.Input, of stage: Pipeline.StageUse, what: String
    ) -> [Pipeline.Connection] {
        switch node.content {
        case .scalar:
            guard let text = MappingReader.text(node, what: "input '\(port.name)' of \(what)", problems: problems)
            else {
                return []
            }
            return connection(text, details: nil, port: port, of: stage, what: what).map { [$0] } ?? []
        case .sequence(let nodes):
            return nodes.flatMap { references($0, port: port, of: stage, what: what) }
        case .mapping:
            if port.optional, isLeftOut(node) { return [] }
            guard
                var reader = MappingReader(node, what: "input '\(port.name)' of \(what)", problems: problems),
                let from = reader.requiredText("from", expected: "the producer, as stage.output")
            else { return [] }
            return connection(from, details: reader, port: port, of: stage, what: what).map { [$0] } ?? []
        }
    }

    private func connection(
        _ reference: Located<String>, details: MappingReader?, port: StageManifest.Input, of stage: Pipeline.StageUse,
        what: String
    ) -> Pipeline.Connection? {
        guard let (origin, type, axes) = producer(reference) else { return nil }
        if port.type != ArtifactTypeTable.anyFile, port.type != type {
            problems.error(
                at: reference.mark,
                "'\(reference.value)' is of type '\(type)', but input '\(port.name)' of \(what) takes '\(port.type)'",
                expected: "something of type '\(port.type)'")
        }
        checkAttributes(port, axes: axes, at: reference.mark, what: what)
        var connection = Pipeline.Connection(
            origin: origin, neighbours: nil, pins: [], filters: [], optional: port.optional, mark: reference.mark)
        guard var details else { return connection }
        if let node = details.take("where") {
            connection.filters = ConditionReader(resolver: resolver, axes: axes, what: details.what).readWhere(node)
        }
        if let optional = details.boolean("optional") { connection.optional = optional || port.optional }
        for axis in axes {
            guard let node = details.take(resolver.axes[axis].name) else { continue }
            if let offsets = offsets(node) {
                if !stage.axes.contains(axis) {
                    problems.error(
                        at: node.mark,
                        "\(what) has no place on axis '\(resolver.axes[axis].name)' to count neighbours from",
                        expected: "'\(resolver.axes[axis].name)' in 'for' of \(what)")
                } else if connection.neighbours != nil {
                    problems.error(
                        at: node.mark, "neighbours along two axes at once", expected: "neighbours along one axis")
                }
                connection.neighbours = (axis, offsets)
            } else {
                let value = resolver.with(axes: stage.axes) { resolver.template(node, what: details.what) }
                connection.pins.append((axis, value))
            }
        }
        for axis in resolver.registry.spoiled { _ = details.take(axis) }
        details.finish()
        return connection
    }

    /// `+1` or `[-1, +1]`: signed numbers are neighbours; anything else names a value of the axis.
    private func offsets(_ node: YAMLNode) -> [Int]? {
        let nodes: [YAMLNode] = if case .sequence(let list) = node.content { list } else { [node] }
        let isSigned = nodes.contains { node in
            guard let scalar = node.scalar, scalar.isPlain, case .integer = scalar.value else { return false }
            return scalar.text.hasPrefix("+") || scalar.text.hasPrefix("-")
        }
        guard isSigned else { return nil }
        var offsets: [Int] = []
        for node in nodes {
            if case .integer(let offset) = node.scalar?.value, abs(offset) <= 1_000_000 {
                offsets.append(Int(offset))
            } else {
                problems.error(
                    at: node.mark, "\(node.briefly) is no neighbour", expected: "a signed number as +1 or -2")
            }
        }
        return offsets
    }

    private func producer(_ reference: Located<String>) -> (Pipeline.Connection.Origin, type: String, axes: [Int])? {
        let path = reference.value.split(separator: ".", omittingEmptySubsequences: false).map { String($0) }
        switch scope.find(path[...]) {
        case .spoiled: return nil
        case .nothing(let suggestion):
            let known = scope.names()
            problems.error(
                at: reference.mark, "'\(reference.value)' names no stage and no source",
                expected: known.isEmpty
                    ? nil : known.count <= 16 ? "one of \(known.joined(separator: ", "))" : "stage.output",
                suggestion: suggestion)
            return nil
        case .source(let index, let rest):
            if !rest.isEmpty {
                problems.error(
                    at: reference.mark, "'\(reference.value)': a source has no outputs",
                    expected: "'\(sources[index].name)'")
            }
            return (.source(index), sources[index].type, sources[index].axes)
        case .stage(let index, let rest):
            let producer = stages[index]
            let outputs = producer.manifest.outputs
            let names = outputs.map(\.name)
            if rest.isEmpty {
                // Without an output's name: the only one, or the one named like the stage.
                let own = producer.name.split(separator: ".").last.map { String($0) }
                if let port = outputs.count == 1 ? 0 : names.firstIndex(where: { $0 == own }) {
                    return (.stage(index, port: port), outputs[port].type.name, producer.axes)
                }
                problems.error(
                    at: reference.mark, "'\(reference.value)' has several outputs",
                    expected: names.map { "\(reference.value).\($0)" }.joined(separator: " or "))
                return nil
            }
            let asked = rest.joined(separator: ".")
            guard let port = producer.manifest.output(asked) else {
                // An output that is spoiled by a mistake in the manifest was reported there.
                problems.error(
                    at: reference.mark, "stage '\(producer.name)' has no output '\(asked)'",
                    expected: names.isEmpty ? "no outputs" : "one of \(names.joined(separator: ", "))",
                    suggestion: SpellingSuggestion.nearest(to: asked, among: names))
                return nil
            }
            return (.stage(index, port: port), outputs[port].type.name, producer.axes)
        }
    }

    /// A port that asks for axis attributes gets them only from axes that have them. `name?` asks for one that may lack.
    private func checkAttributes(_ port: StageManifest.Input, axes: [Int], at mark: Mark, what: String) {
        for attribute in port.attributes
        where !attribute.value.hasSuffix("?") && attribute.value != AttributeRequest.stage {
            if AttributeRequest(attribute.value).columns(axes: axes, of: resolver.axes).isEmpty {
                problems.error(
                    at: mark,
                    "input '\(port.name)' of \(what) wants the attribute '\(attribute.value)' with each file, which its axes lack",
                    expected:
                        "an axis of \(axes.map { resolver.axes[$0].name }.joined(separator: ", ")) with '\(attribute.value)'"
                )
            }
        }
    }
}

/// An axis attribute that an input port asks for: `position_um`, `section.position_um`, with `?` at the end where it may lack.
public struct AttributeRequest: Sendable {
    /// Asks for the name of the stage or source that a file comes from, which is told under this name as its attribute `name`.
    public static let stage = "@stage"

    public var axis: String?
    public var attribute: String

    public init(_ text: String) {
        let name = text.hasSuffix("?") ? String(text.dropLast()) : text
        if let dot = name.firstIndex(of: ".") {
            axis = String(name[..<dot])
            attribute = String(name[name.index(after: dot)...])
        } else {
            attribute = name
        }
    }

    /// The axes and columns that answer.
    public func columns(axes: [Int], of all: [Axis]) -> [(axis: Int, column: Int)] {
        axes.compactMap { index in
            if let axis, all[index].name != axis { return nil }
            guard let column = all[index].attributeNames.firstIndex(of: attribute) else {
                return attribute == "index" && axis != nil ? (index, Axis.indexAttribute) : nil
            }
            return (index, column)
        }
    }
}
