public import StageProtocol

/// The resolved config of a stage, read with types and ranges; every mistake names the key, the value and what was expected.
public struct StageConfig: Sendable {
    /// The values by key.
    public let values: [String: ConfigValue]

    public init(_ values: [String: ConfigValue]) {
        self.values = values
    }

    /// A number; an integer is one too.
    public func double(_ key: String) throws -> Double {
        switch try value(key) {
        case .real(let real) where real.isFinite: return real
        case .integer(let integer): return Double(integer)
        case let other: throw wrong(key, other, "a number")
        }
    }

    /// A number within a range, for example `in: 1...` or `in: 0...1`.
    public func double(_ key: String, in range: some RangeExpression<Double>) throws -> Double {
        let number = try double(key)
        guard range.contains(number) else { throw wrong(key, .real(number), "a number in \(words(range))") }
        return number
    }

    /// A whole number; a real one without a fraction counts.
    public func integer(_ key: String) throws -> Int {
        switch try value(key) {
        case .integer(let integer): return Int(integer)
        case .real(let real):
            guard let integer = Int(exactly: real) else { throw wrong(key, .real(real), "a whole number") }
            return integer
        case let other: throw wrong(key, other, "a whole number")
        }
    }

    /// A whole number within a range.
    public func integer(_ key: String, in range: some RangeExpression<Int>) throws -> Int {
        let number = try integer(key)
        guard range.contains(number) else {
            throw wrong(key, .integer(Int64(number)), "a whole number in \(words(range))")
        }
        return number
    }

    /// true or false.
    public func bool(_ key: String) throws -> Bool {
        switch try value(key) {
        case .bool(let bool): return bool
        case let other: throw wrong(key, other, "true or false")
        }
    }

    /// A text. A number or a truth value is taken as it was written, since YAML cannot tell `0012` and `no` from them.
    public func text(_ key: String) throws -> String {
        switch try value(key) {
        case .text(let text): return text
        case .integer(let integer): return "\(integer)"
        case .real(let real): return "\(real)"
        case .bool(let bool): return "\(bool)"
        case let other: throw wrong(key, other, "a text")
        }
    }

    /// One of the cases of an enumeration of texts.
    public func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String, of type: Choice.Type = Choice.self
    ) throws -> Choice where Choice.RawValue == String {
        let text = try text(key)
        guard let choice = Choice(rawValue: text) else {
            throw wrong(key, .text(text), "one of " + Choice.allCases.map(\.rawValue).joined(separator: ", "))
        }
        return choice
    }

    /// A list of numbers.
    public func doubles(_ key: String) throws -> [Double] {
        guard case .list(let list) = try value(key) else { throw wrong(key, try value(key), "a list of numbers") }
        return try list.map { element in
            switch element {
            case .real(let real): return real
            case .integer(let integer): return Double(integer)
            default: throw wrong(key, element, "a list of numbers")
            }
        }
    }

    /// A list of texts.
    public func texts(_ key: String) throws -> [String] {
        guard case .list(let list) = try value(key) else { throw wrong(key, try value(key), "a list of texts") }
        return try list.map { element in
            switch element {
            case .text(let text): return text
            case .integer(let integer): return "\(integer)"
            default: throw wrong(key, element, "a list of texts")
            }
        }
    }

    /// Whether a key has a value other than null.
    public func has(_ key: String) -> Bool {
        guard let value = values[key] else { return false }
        return value != .null
    }

    /// A number, or nil where the key is absent or null.
    public func optionalDouble(_ key: String) throws -> Double? { has(key) ? try double(key) : nil }
    /// A whole number, or nil where the key is absent or null.
    public func optionalInteger(_ key: String) throws -> Int? { has(key) ? try integer(key) : nil }
    /// A whole number within a range, or nil where the key is absent or null.
    public func optionalInteger(_ key: String, in range: some RangeExpression<Int>) throws -> Int? {
        has(key) ? try integer(key, in: range) : nil
    }
    /// A text, or nil where the key is absent or null.
    public func optionalText(_ key: String) throws -> String? { has(key) ? try text(key) : nil }

    private func value(_ key: String) throws -> ConfigValue {
        guard let value = values[key] else {
            let known = values.keys.sorted().joined(separator: ", ")
            throw StageError(
                .badJob,
                "config.\(key) is missing; declare it in the stage's manifest (there are: \(known.isEmpty ? "none" : known))"
            )
        }
        return value
    }

    private func wrong(_ key: String, _ value: ConfigValue, _ expected: String) -> StageError {
        StageError(.badJob, "config.\(key) is \(value.shown), but must be \(expected)")
    }

    /// A range as a sentence has it: Swift's own spelling, with open ends left open.
    private func words(_ range: some RangeExpression) -> String {
        switch range {
        case let range as PartialRangeFrom<Double>: "\(range.lowerBound)…"
        case let range as PartialRangeFrom<Int>: "\(range.lowerBound)…"
        case let range as PartialRangeThrough<Double>: "…\(range.upperBound)"
        case let range as PartialRangeThrough<Int>: "…\(range.upperBound)"
        default: "\(range)".replacing("...", with: " … ").replacing("..<", with: " … below ")
        }
    }
}

extension ConfigValue {
    /// The value as a message shows it.
    var shown: String {
        switch self {
        case .null: "null"
        case .bool(let bool): "\(bool)"
        case .integer(let integer): "\(integer)"
        case .real(let real): "\(real)"
        case .text(let text): "\"\(text)\""
        case .list(let list): "[" + list.map(\.shown).joined(separator: ", ") + "]"
        case .map(let map): "a mapping of \(map.count) keys"
        }
    }
}
