public import StageProtocol

/// One key of a stage's config as its manifest declares it.
public struct ConfigKey: Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        case number, integer, boolean, text, list, choice
        /// Anything, mappings included; the stage checks it.
        case any
    }

    public var name: String
    public var kind: Kind
    /// Nil where every pipeline must give a value.
    public var defaultValue: ConfigValue?
    public var minimum: Double?
    public var maximum: Double?
    /// The allowed values; empty where all are.
    public var choices: [ConfigValue]
    /// What the entries of a list are; nil for anything.
    public var items: Kind?
    /// Whether null stands for "none given".
    public var nullable: Bool
    public var unit: String
    public var help: String
    public var mark: Mark

    /// The value in the key's type, or a sentence on why it does not fit.
    ///
    /// An integer is a number too, and a number without fraction is an integer (`1e3`), so that equal settings have equal keys.
    func checked(_ value: ConfigValue) -> Result<ConfigValue, Misfit> {
        if value == .null, nullable { return .success(.null) }
        return ConfigKey.converted(value, to: kind, items: items).flatMap { converted in
            if !choices.isEmpty {
                let parts: [ConfigValue] =
                    if kind == .list, case .list(let list) = converted { list } else { [converted] }
                for part in parts where !choices.contains(part) { return .failure(misfit(part)) }
            }
            let numbers: [ConfigValue] = if case .list(let list) = converted { list } else { [converted] }
            for number in numbers {
                let real: Double? =
                    switch number {
                    case .integer(let value): Double(value)
                    case .real(let value): value
                    default: nil
                    }
                guard let real else { continue }
                if let minimum, !(real >= minimum) { return .failure(misfit(number)) }
                if let maximum, !(real <= maximum) { return .failure(misfit(number)) }
            }
            return .success(converted)
        }
    }

    /// A value that does not fit, and the candidates for a misspelling.
    struct Misfit: Error {
        var value: ConfigValue
        var candidates: [String] = []
    }

    private func misfit(_ value: ConfigValue) -> Misfit {
        Misfit(
            value: value,
            candidates: choices.compactMap { if case .text(let text) = $0 { text } else { nil } })
    }

    /// The type in words: `a number of at least 1 (um)`.
    public var expectation: String {
        if !choices.isEmpty { return "one of " + choices.map { ConfigKey.text(of: $0) }.joined(separator: ", ") }
        var text: String =
            switch kind {
            case .number: "a number"
            case .integer: "an integer"
            case .boolean: "true or false"
            case .text: "text"
            case .list: items.map { "a list of type \($0.rawValue)" } ?? "a list"
            case .choice: "a choice"
            case .any: "a value"
            }
        switch (minimum, maximum) {
        case (let low?, let high?): text += " from \(ConfigKey.plain(low)) to \(ConfigKey.plain(high))"
        case (let low?, nil): text += " of at least \(ConfigKey.plain(low))"
        case (nil, let high?): text += " of at most \(ConfigKey.plain(high))"
        case (nil, nil): break
        }
        if !unit.isEmpty { text += " (\(unit))" }
        if nullable { text += ", or null" }
        return text
    }

    private static func converted(_ value: ConfigValue, to kind: Kind, items: Kind?) -> Result<ConfigValue, Misfit> {
        switch (kind, value) {
        case (.any, _), (.boolean, .bool), (.text, .text), (.integer, .integer), (.number, .real):
            return .success(value)
        case (.choice, .text), (.choice, .integer), (.choice, .real), (.choice, .bool): return .success(value)
        case (.number, .integer(let integer)): return .success(.real(Double(integer)))
        case (.integer, .real(let real)):
            if let integer = Int64(exactly: real) { return .success(.integer(integer)) }
            return .failure(Misfit(value: value))
        case (.list, .list(let list)):
            guard let items else { return .success(value) }
            var result: [ConfigValue] = []
            for entry in list {
                switch converted(entry, to: items, items: nil) {
                case .success(let entry): result.append(entry)
                case .failure(let misfit): return .failure(misfit)
                }
            }
            return .success(.list(result))
        default: return .failure(Misfit(value: value))
        }
    }

    private static func plain(_ value: Double) -> String {
        Int64(exactly: value).map { String($0) } ?? String(value)
    }

    /// A value as it would be written.
    public static func text(of value: ConfigValue) -> String {
        switch value {
        case .null: "null"
        case .bool(let value): String(value)
        case .integer(let value): String(value)
        case .real(let value): plain(value)
        case .text(let value): value
        case .list(let list): "[" + list.map { text(of: $0) }.joined(separator: ", ") + "]"
        case .map(let map):
            "{" + map.sorted { $0.key < $1.key }.map { "\($0.key): \(text(of: $0.value))" }.joined(separator: ", ")
                + "}"
        }
    }
}

/// The config of a stage: its keys in the manifest's order.
public struct ConfigSchema: Sendable {
    public var keys: [ConfigKey]

    public init(keys: [ConfigKey] = []) { self.keys = keys }

    public subscript(name: String) -> ConfigKey? { keys.first { $0.name == name } }

    /// The value of `key` in its type, or a diagnostic at `mark` that says what is wrong and what would fit.
    public func check(_ value: ConfigValue, of key: ConfigKey, context: String, at mark: Mark)
        -> Result<ConfigValue, LocatedMisfit>
    {
        switch key.checked(value) {
        case .success(let value): return .success(value)
        case .failure(let misfit):
            let text = ConfigKey.text(of: misfit.value)
            return .failure(
                LocatedMisfit(
                    diagnostic: Diagnostic(
                        at: mark,
                        "'\(key.name)' of \(context) is \(misfit.value.kindName == "null" ? "null" : "'\(text)'")",
                        expected: key.expectation,
                        suggestion: SpellingSuggestion.nearest(to: text, among: misfit.candidates))))
        }
    }

    public struct LocatedMisfit: Error {
        public var diagnostic: Diagnostic
    }
}
