public import StageProtocol

/// The axes of a pipeline and of all that it imports: they share one set of names.
final class AxisRegistry {
    private(set) var axes: [Axis] = []
    private(set) var index: [String: Int] = [:]
    /// Axes that stand in a file but have mistakes: what runs over them is no further mistake.
    var spoiled: Set<String> = []

    func add(_ axis: Axis) {
        index[axis.name] = axes.count
        axes.append(axis)
    }

    /// The axis and those that it is nested within, innermost first.
    func chain(_ axis: Int) -> [Int] {
        var chain: [Int] = []
        var current: Int? = axis
        while let next = current {
            chain.append(next)
            current = axes[next].parent
        }
        return chain
    }
}

/// Turns nodes into values: `${params.x}` and `${config.x}` are replaced, `${axis}` and `${axis.attribute}` stay references.
final class TemplateResolver {
    let problems: DiagnosticList
    var parameters: [String: ConfigValue] = [:]
    private var configNodes: [String: YAMLNode] = [:]
    private(set) var configNames: [String] = []
    private var configValues: [String: ConfigValue] = [:]
    private var openConfig: [String] = []
    let registry: AxisRegistry
    /// Names of the axes that references may name now, with their index.
    var axisIndex: [String: Int] = [:]
    var axes: [Axis] { registry.axes }

    init(registry: AxisRegistry, problems: DiagnosticList) {
        self.registry = registry
        self.problems = problems
    }

    /// Runs `body` while references may name just these axes.
    func with<Result>(axes visible: [Int], _ body: () -> Result) -> Result {
        let saved = axisIndex
        axisIndex = Dictionary(visible.map { (registry.axes[$0].name, $0) }, uniquingKeysWith: { first, _ in first })
        defer { axisIndex = saved }
        return body()
    }

    /// Makes the keys of the pipeline's `config:` known; their values are worked out when asked for.
    func setConfig(_ entries: [YAMLNode.Entry]) {
        for entry in entries {
            configNodes[entry.key] = entry.value
            configNames.append(entry.key)
        }
    }

    /// Every value of the pipeline's config.
    func allConfig() -> [String: ConfigValue] {
        for name in configNames { _ = configValue(name, at: nil) }
        return configValues
    }

    private func configValue(_ name: String, at mark: Mark?) -> ConfigValue? {
        if let value = configValues[name] { return value }
        guard let node = configNodes[name] else { return nil }
        if openConfig.contains(name) {
            let cycle = openConfig.drop { $0 != name } + [name]
            problems.error(
                at: mark ?? node.mark, "config values go round in a circle: \(cycle.joined(separator: " -> "))",
                expected: "values that can be worked out one after the other")
            return .null
        }
        openConfig.append(name)
        let value = constant(node, what: "the pipeline's config")
        openConfig.removeLast()
        configValues[name] = value
        return value
    }

    /// The value of a node in which only config and params may be referred to.
    func constant(_ node: YAMLNode, what: String) -> ConfigValue {
        with(axes: []) { template(node, what: what).constant ?? .null }
    }

    /// The text of a node in which only config and params may be referred to.
    func constantText(_ text: Located<String>, what: String) -> String {
        ConfigKey.text(
            of: constant(YAMLNode(.scalar(YAMLScalar(text: text.value, isPlain: false)), at: text.mark), what: what))
    }

    /// The value of a node with references to axes left in.
    func template(_ node: YAMLNode, what: String) -> ValueTemplate {
        switch node.content {
        case .scalar(let scalar): return template(scalar, at: node.mark, what: what)
        case .sequence(let nodes):
            let values = nodes.map { template($0, what: what) }
            let constants = values.compactMap(\.constant)
            return constants.count == values.count ? .constant(.list(constants)) : .list(values)
        case .mapping(let entries):
            let values = entries.map { (key: $0.key, value: template($0.value, what: what)) }
            var constants: [String: ConfigValue] = [:]
            for (key, value) in values { constants[key] = value.constant }
            return constants.count == values.count ? .constant(.map(constants)) : .map(values)
        }
    }

    private func template(_ scalar: YAMLScalar, at mark: Mark, what: String) -> ValueTemplate {
        guard scalar.text.utf8.contains(UInt8(ascii: "$")) else { return .constant(scalar.value) }
        let parsed = TextTemplate.parse(scalar.text, at: mark, isPlain: scalar.isPlain, problems: problems)
        if parsed.segments.count == 1, case .reference(let reference) = parsed.segments[0] {
            return resolve(reference, what: what)
        }
        var pieces: [ValueTemplate.Piece] = []
        var text = ""
        for segment in parsed.segments {
            switch segment {
            case .text(let part): text += part
            case .reference(let reference):
                switch resolve(reference, what: what) {
                case .constant(let value): text += ConfigKey.text(of: value)
                case .reference(let axis):
                    if !text.isEmpty { pieces.append(.text(text)) }
                    text = ""
                    pieces.append(.reference(axis))
                default: break
                }
            }
        }
        if pieces.isEmpty { return .constant(.text(text)) }
        if !text.isEmpty { pieces.append(.text(text)) }
        return .text(pieces)
    }

    private func resolve(_ reference: TemplateReference, what: String) -> ValueTemplate {
        let path = reference.path
        switch path[0] {
        case "config" where path.count > 1:
            if let value = configValue(path[1], at: reference.mark) { return drill(value, reference, from: 2) }
            return unknown(reference, what: what, candidates: configNames.map { "config.\($0)" })
        case "params" where path.count > 1:
            if let value = parameters[path[1]] { return drill(value, reference, from: 2) }
            return unknown(reference, what: what, candidates: parameters.keys.sorted().map { "params.\($0)" })
        default: break
        }
        if registry.spoiled.contains(path[0]) { return .constant(.null) }
        guard let axis = axisIndex[path[0]] else {
            let candidates =
                axisIndex.keys.sorted() + configNames.map { "config.\($0)" }
                + parameters.keys.sorted().map { "params.\($0)" }
            return unknown(reference, what: what, candidates: candidates)
        }
        if path.count == 1 { return .reference(AxisReference(axis: axis, attribute: nil, mark: reference.mark)) }
        guard path.count == 2, let attribute = axes[axis].attribute(path[1]) else {
            return unknown(
                reference, what: what, candidates: (axes[axis].attributeNames + ["index"]).map { "\(path[0]).\($0)" })
        }
        return .reference(AxisReference(axis: axis, attribute: attribute, mark: reference.mark))
    }

    private func drill(_ value: ConfigValue, _ reference: TemplateReference, from depth: Int) -> ValueTemplate {
        var value = value
        for (position, key) in reference.path.enumerated().dropFirst(depth) {
            guard case .map(let map) = value, let next = map[key] else {
                let known: [String] = if case .map(let map) = value { map.keys.sorted() } else { [] }
                problems.error(
                    at: reference.mark,
                    "'\(reference.text)': no '\(key)' in \(reference.path[..<position].joined(separator: "."))",
                    expected: known.isEmpty
                        ? "the value itself; it is no mapping" : "one of \(known.joined(separator: ", "))",
                    suggestion: SpellingSuggestion.nearest(to: key, among: known))
                return .constant(.null)
            }
            value = next
        }
        return .constant(value)
    }

    private func unknown(_ reference: TemplateReference, what: String, candidates: [String]) -> ValueTemplate {
        let name = reference.path.joined(separator: ".")
        problems.error(
            at: reference.mark, "'\(reference.text)' in \(what) names nothing that is there",
            expected: candidates.isEmpty
                ? "nothing: there is no such value here"
                : candidates.count <= 16 ? "one of \(candidates.joined(separator: ", "))" : nil,
            suggestion: SpellingSuggestion.nearest(to: name, among: candidates))
        return .constant(.null)
    }
}

extension ValueTemplate {
    /// The value with every reference replaced by what `lookup` gives.
    public func evaluated(_ lookup: (AxisReference) -> ConfigValue) -> ConfigValue {
        switch self {
        case .constant(let value): return value
        case .reference(let reference): return lookup(reference)
        case .list(let list): return .list(list.map { $0.evaluated(lookup) })
        case .map(let map):
            return .map(
                Dictionary(map.map { ($0.key, $0.value.evaluated(lookup)) }, uniquingKeysWith: { first, _ in first }))
        case .text(let pieces):
            var text = ""
            for piece in pieces {
                switch piece {
                case .text(let part): text += part
                case .reference(let reference): text += ConfigKey.text(of: lookup(reference))
                }
            }
            return .text(text)
        }
    }
}
