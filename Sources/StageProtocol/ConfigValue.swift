/// A value of a stage's config: what YAML and JSON have in common.
public enum ConfigValue: Hashable, Sendable {
    case null
    case bool(Bool)
    case integer(Int64)
    case real(Double)
    case text(String)
    case list([ConfigValue])
    case map([String: ConfigValue])
}

extension ConfigValue: Codable {
    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    /// Reads any JSON value; a number without fraction or exponent that fits is an integer.
    public init(from decoder: any Decoder) throws {
        if let container = try? decoder.container(keyedBy: Key.self) {
            var map: [String: ConfigValue] = [:]
            for key in container.allKeys { map[key.stringValue] = try container.decode(ConfigValue.self, forKey: key) }
            self = .map(map)
        } else if var container = try? decoder.unkeyedContainer() {
            var list: [ConfigValue] = []
            while !container.isAtEnd { list.append(try container.decode(ConfigValue.self)) }
            self = .list(list)
        } else {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                self = .null
            } else if let value = try? container.decode(Bool.self) {
                self = .bool(value)
            } else if let value = try? container.decode(Int64.self) {
                self = .integer(value)
            } else if let value = try? container.decode(Double.self) {
                self = .real(value)
            } else {
                self = .text(try container.decode(String.self))
            }
        }
    }

    public func encode(to encoder: any Encoder) throws {
        switch self {
        case .map(let map):
            var container = encoder.container(keyedBy: Key.self)
            for (key, value) in map { try container.encode(value, forKey: Key(stringValue: key)) }
        case .list(let list):
            var container = encoder.unkeyedContainer()
            for value in list { try container.encode(value) }
        case .null:
            var container = encoder.singleValueContainer()
            try container.encodeNil()
        case .bool(let value):
            var container = encoder.singleValueContainer()
            try container.encode(value)
        case .integer(let value):
            var container = encoder.singleValueContainer()
            try container.encode(value)
        case .real(let value):
            var container = encoder.singleValueContainer()
            try container.encode(value)
        case .text(let value):
            var container = encoder.singleValueContainer()
            try container.encode(value)
        }
    }
}

extension ConfigValue {
    /// The name of the kind, as it stands in messages.
    public var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .integer: "integer"
        case .real: "number"
        case .text: "text"
        case .list: "list"
        case .map: "mapping"
        }
    }
}
