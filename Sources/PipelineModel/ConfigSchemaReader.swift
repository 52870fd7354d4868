internal import StageProtocol

extension ConfigSchema {
    /// Reads the `config:` part of a manifest.
    static func read(_ node: YAMLNode, problems: DiagnosticList) -> ConfigSchema {
        guard case .mapping(let entries) = node.content else {
            if !node.isNull {
                problems.error(
                    at: node.mark, "'config' is \(node.briefly)", expected: "a mapping of keys to their types")
            }
            return ConfigSchema()
        }
        return ConfigSchema(keys: entries.compactMap { readKey($0, problems: problems) })
    }

    private static func readKey(_ entry: YAMLNode.Entry, problems: DiagnosticList) -> ConfigKey? {
        let name = entry.key
        guard Names.check(name, of: "a config key", at: entry.keyMark, problems: problems) else { return nil }
        let what = "config key '\(name)'"
        guard
            var reader = MappingReader(
                entry.value, what: what, expected: "a mapping such as { type: number, default: 1 }",
                problems: problems)
        else { return nil }
        let kindNames = ConfigKey.Kind.allCases.map(\.rawValue)
        let kindText = reader.requiredText("type", expected: "one of \(kindNames.joined(separator: ", "))")
        let defaultNode = reader.take("default")
        let minimum = number("minimum", of: &reader)
        let maximum = number("maximum", of: &reader)
        let choiceNode = reader.take("choices")
        let itemsText = reader.text("items")
        let nullable = reader.boolean("nullable") ?? false
        let unit = reader.text("unit")?.value ?? ""
        let help = reader.text("help")?.value ?? ""
        reader.finish()
        // A key whose type is wrong stays known as a key of any type: what the pipeline gives it is no further mistake.
        let kind = kindText.flatMap { self.kind($0, what: what, problems: problems) } ?? .any
        var choices: [ConfigValue] = []
        if let choiceNode {
            if case .list(let list) = choiceNode.value, !list.isEmpty {
                choices = list
            } else {
                problems.error(at: choiceNode.mark, "'choices' of \(what) is \(choiceNode.briefly)", expected: "a list")
            }
        } else if kind == .choice {
            problems.error(at: entry.keyMark, "\(what) has no 'choices'", expected: "the list of allowed values")
        }
        var key = ConfigKey(
            name: name, kind: kind, defaultValue: nil, minimum: minimum, maximum: maximum, choices: choices,
            items: itemsText.flatMap { self.kind($0, what: what, problems: problems) },
            nullable: nullable || (defaultNode?.isNull ?? false), unit: unit, help: help, mark: entry.keyMark)
        if let defaultNode {
            switch ConfigSchema().check(defaultNode.value, of: key, context: "the default", at: defaultNode.mark) {
            case .success(let value): key.defaultValue = value
            case .failure(let misfit):
                problems.error(
                    at: misfit.diagnostic.mark, "the default of \(what) is \(defaultNode.briefly)",
                    expected: misfit.diagnostic.expected, suggestion: misfit.diagnostic.suggestion)
                key.defaultValue = .null
            }
        }
        return key
    }

    private static func kind(_ text: Located<String>, what: String, problems: DiagnosticList) -> ConfigKey.Kind? {
        if let kind = ConfigKey.Kind(rawValue: text.value) { return kind }
        let names = ConfigKey.Kind.allCases.map(\.rawValue)
        problems.error(
            at: text.mark, "'\(text.value)' is no type of a config key",
            expected: "one of \(names.joined(separator: ", "))",
            suggestion: SpellingSuggestion.nearest(to: text.value, among: names))
        return nil
    }

    private static func number(_ key: String, of reader: inout MappingReader) -> Double? {
        guard let node = reader.take(key) else { return nil }
        switch node.scalar?.value {
        case .integer(let value): return Double(value)
        case .real(let value): return value
        default:
            reader.problems.error(at: node.mark, "'\(key)' of \(reader.what) is \(node.briefly)", expected: "a number")
            return nil
        }
    }
}
