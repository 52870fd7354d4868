internal import StageProtocol

/// Writes values as JSON for other programs: keys sorted, two blanks a level.
struct JSONText {
    private(set) var text = ""

    static func of(_ value: ConfigValue) -> String {
        var json = JSONText()
        json.append(value, indent: 0)
        return json.text + "\n"
    }

    private mutating func append(_ value: ConfigValue, indent: Int) {
        switch value {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        // JSON has no infinities; text is what readers of other languages expect least of all to break on.
        case .real(let value): text += value.isFinite ? "\(value)" : "null"
        case .text(let value): append(quoting: value)
        case .list(let list):
            if list.isEmpty {
                text += "[]"
            } else {
                appendBlock("[", "]", list, indent: indent) { $0.append($1, indent: $2) }
            }
        case .map(let map):
            if map.isEmpty {
                text += "{}"
            } else {
                appendBlock("{", "}", map.sorted { $0.key < $1.key }, indent: indent) {
                    $0.append(quoting: $1.key)
                    $0.text += ": "
                    $0.append($1.value, indent: $2)
                }
            }
        }
    }

    private mutating func appendBlock<Element>(
        _ open: String, _ close: String, _ elements: [Element], indent: Int,
        _ body: (inout JSONText, Element, Int) -> Void
    ) {
        let margin = String(repeating: "  ", count: indent + 1)
        text += open + "\n"
        for (position, element) in elements.enumerated() {
            text += margin
            body(&self, element, indent + 1)
            text += position == elements.count - 1 ? "\n" : ",\n"
        }
        text += String(repeating: "  ", count: indent) + close
    }

    private mutating func append(quoting value: String) {
        text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            default:
                if scalar.value < 0x20 || scalar.value == 0x7F {
                    let hex = String(scalar.value, radix: 16)
                    text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
                } else {
                    text.unicodeScalars.append(scalar)
                }
            }
        }
        text += "\""
    }
}
