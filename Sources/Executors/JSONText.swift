internal import FoundationEssentials
internal import StageProtocol

/// Writes jobs as JSON, keys in a fixed order. Written out by hand because a job that gathers 100,000 files takes `JSONEncoder` seconds.
struct JSONText {
    private(set) var text = ""

    static func text(of value: ConfigValue) -> String {
        var json = JSONText()
        json.append(value)
        return json.text
    }

    /// The job as `StageJob` decodes it. `types` holds each output type's JSON by the type's name.
    static func text(of job: StageJob, types: inout [String: String]) -> String {
        var json = JSONText()
        json.text = "{\"format\":\(job.format),\"stage\":"
        json.append(job.stage)
        json.text += ",\"item\":"
        json.append(job.item)
        json.text += ",\n\"inputs\":{"
        json.list(job.inputs.keys.sorted()) { json, port in
            json.append(port)
            json.text += ":["
            json.list(job.inputs[port] ?? []) { json, file in
                json.text += "\n{\"path\":"
                json.append(file.path)
                json.text += ",\"item\":"
                json.append(file.item)
                json.text += ",\"digest\":"
                json.append(file.digest)
                json.text += ",\"attributes\":"
                json.append(.map(file.attributes.mapValues { ConfigValue.map($0) }))
                json.text += "}"
            }
            json.text += "]"
        }
        json.text += "},\n\"outputs\":{"
        json.list(job.outputs.keys.sorted()) { json, port in
            json.append(port)
            json.text += ":{\"path\":"
            json.append(job.outputs[port]?.path ?? "")
            if let type = job.outputs[port]?.type { json.text += ",\"type\":" + JSONText.text(of: type, known: &types) }
            json.text += "}"
        }
        json.text += "},\n\"config\":"
        json.append(.map(job.config))
        json.text += ",\n\"seed\":\(job.seed),\"cores\":\(job.cores)"
        if let memory = job.memoryBytes { json.text += ",\"memoryBytes\":\(memory)" }
        json.text += ",\"scratch\":"
        json.append(job.scratch)
        if let gpus = job.gpus { json.text += ",\"gpus\":\(gpus)" }
        if let checkpoints = job.checkpoints {
            json.text += ",\"checkpoints\":"
            json.append(checkpoints)
        }
        if let descriptor = job.progressDescriptor { json.text += ",\"progressDescriptor\":\(descriptor)" }
        json.text += "}\n"
        return json.text
    }

    static func text(of type: ArtifactType, known: inout [String: String]) -> String {
        if let text = known[type.name] { return text }
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let text = (try? encoder.encode(type)).map { String(decoding: $0, as: UTF8.self) } ?? "null"
        known[type.name] = text
        return text
    }

    private mutating func list<Element>(_ elements: [Element], _ body: (inout JSONText, Element) -> Void) {
        for (index, element) in elements.enumerated() {
            if index > 0 { text += "," }
            body(&self, element)
        }
    }

    private mutating func append(_ item: [Coordinate]) {
        text += "["
        list(item) { json, coordinate in
            json.text += "{\"axis\":"
            json.append(coordinate.axis)
            json.text += ",\"value\":"
            json.append(coordinate.value)
            json.text += "}"
        }
        text += "]"
    }

    private mutating func append(_ value: ConfigValue) {
        switch value {
        case .null: text += "null"
        case .bool(let flag): text += flag ? "true" : "false"
        case .integer(let number): text += "\(number)"
        // JSON has no infinities and no NaN.
        case .real(let number): text += number.isFinite ? "\(number)" : "null"
        case .text(let string): append(string)
        case .list(let values):
            text += "["
            list(values) { $0.append($1) }
            text += "]"
        case .map(let map):
            text += "{"
            list(map.keys.sorted()) { json, key in
                json.append(key)
                json.text += ":"
                json.append(map[key] ?? .null)
            }
            text += "}"
        }
    }

    private mutating func append(_ string: String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\t": text += "\\t"
            case "\r": text += "\\r"
            case _ where scalar.value < 0x20:
                text += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}
