public import StageProtocol

/// One node of a YAML document, with the place where it stands.
public struct YAMLNode: Sendable {
    public enum Content: Sendable {
        case scalar(YAMLScalar)
        case sequence([YAMLNode])
        /// Keys are unique and stand in the file's order.
        case mapping([Entry])
    }

    public struct Entry: Sendable {
        public var key: String
        public var keyMark: Mark
        public var value: YAMLNode
    }

    public var content: Content
    public var mark: Mark

    public init(_ content: Content, at mark: Mark) {
        self.content = content
        self.mark = mark
    }

    /// The node's value: plain scalars by the core schema of YAML 1.2, quoted ones as text.
    public var value: ConfigValue {
        switch content {
        case .scalar(let scalar): scalar.value
        case .sequence(let nodes): .list(nodes.map(\.value))
        case .mapping(let entries):
            .map(Dictionary(entries.map { ($0.key, $0.value.value) }, uniquingKeysWith: { first, _ in first }))
        }
    }

    /// The kind in words, as it stands in messages.
    public var kindName: String {
        switch content {
        case .scalar(let scalar): scalar.value.kindName
        case .sequence: "list"
        case .mapping: "mapping"
        }
    }

    /// The node in a few words for a message: a short scalar as it is written, otherwise the kind.
    var briefly: String {
        if case .scalar(let scalar) = content {
            return scalar.text.isEmpty && scalar.isPlain
                ? "nothing" : scalar.text.utf8.count <= 60 ? "'\(scalar.text)'" : "'\(scalar.text.prefix(57))…'"
        }
        return "a \(kindName)"
    }

    var scalar: YAMLScalar? {
        if case .scalar(let scalar) = content { return scalar }
        return nil
    }

    var isNull: Bool { scalar?.value == .null }
}

/// A scalar as it is written.
public struct YAMLScalar: Sendable {
    public var text: String
    /// Whether it stands without quotes, so that `12` is a number and `true` a boolean.
    public var isPlain: Bool

    public init(text: String, isPlain: Bool) {
        self.text = text
        self.isPlain = isPlain
    }

    /// The value by the core schema of YAML 1.2: `no`, `on` and `1_000` are text; `0x1F` and `0o17` are integers.
    public var value: ConfigValue { isPlain ? YAMLScalar.resolved(text) : .text(text) }

    /// The value of a plain scalar.
    static func resolved(_ text: String) -> ConfigValue {
        guard let first = text.utf8.first else { return .null }
        switch first {
        case UInt8(ascii: "~") where text == "~": return .null
        case UInt8(ascii: "n"), UInt8(ascii: "N"):
            return ["null", "Null", "NULL"].contains(text) ? .null : .text(text)
        case UInt8(ascii: "t"), UInt8(ascii: "T"):
            return ["true", "True", "TRUE"].contains(text) ? .bool(true) : .text(text)
        case UInt8(ascii: "f"), UInt8(ascii: "F"):
            return ["false", "False", "FALSE"].contains(text) ? .bool(false) : .text(text)
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
            return number(text) ?? .text(text)
        default: return .text(text)
        }
    }

    private static func number(_ text: String) -> ConfigValue? {
        if text.hasPrefix("0x"), let value = Int64(text.dropFirst(2), radix: 16), !text.hasPrefix("0x-") {
            return .integer(value)
        }
        if text.hasPrefix("0o"), let value = Int64(text.dropFirst(2), radix: 8), !text.hasPrefix("0o-") {
            return .integer(value)
        }
        var rest = Substring(text)
        let isNegative = rest.first == "-"
        if isNegative || rest.first == "+" { rest = rest.dropFirst() }
        if [".inf", ".Inf", ".INF"].contains(String(rest)) {
            return .real(isNegative ? -Double.infinity : .infinity)
        }
        if [".nan", ".NaN", ".NAN"].contains(text) { return .real(.nan) }
        let digits = rest.utf8.prefix { isDigit($0) }.count
        var tail = rest.utf8.dropFirst(digits)
        if tail.isEmpty, digits > 0 {
            if let value = Int64(text) { return .integer(value) }
            return Double(text).map { .real($0) }
        }
        var decimals = 0
        if tail.first == UInt8(ascii: ".") {
            tail = tail.dropFirst()
            decimals = tail.prefix { isDigit($0) }.count
            tail = tail.dropFirst(decimals)
        }
        guard digits + decimals > 0 else { return nil }
        if let mark = tail.first, mark == UInt8(ascii: "e") || mark == UInt8(ascii: "E") {
            tail = tail.dropFirst()
            if tail.first == UInt8(ascii: "+") || tail.first == UInt8(ascii: "-") { tail = tail.dropFirst() }
            let exponent = tail.prefix { isDigit($0) }.count
            guard exponent > 0 else { return nil }
            tail = tail.dropFirst(exponent)
        }
        return tail.isEmpty ? Double(text).map { .real($0) } : nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
}
