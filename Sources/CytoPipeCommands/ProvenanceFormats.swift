internal import ArtifactStore
internal import ContentHash
internal import Foundation
internal import Scheduling
internal import StageProtocol

extension JSONText {
    /// Any encodable value, keys sorted.
    static func value(_ value: some Encodable) throws -> ConfigValue {
        let encoder = JSONEncoder()
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        return try JSONDecoder().decode(ConfigValue.self, from: encoder.encode(value))
    }

    /// On one line, as it stands in YAML.
    static func compact(_ value: ConfigValue) -> String {
        switch value {
        case .text(let text): text
        case .list(let list): "[" + list.map(compact).joined(separator: ",") + "]"
        case .map(let map):
            "{" + map.sorted { $0.key < $1.key }.map { "\($0.key): \(compact($0.value))" }.joined(separator: ", ") + "}"
        case .real(let number): "\(number)"
        case .integer(let number): "\(number)"
        case .bool(let flag): flag ? "true" : "false"
        case .null: "null"
        }
    }
}

extension ProvenanceChain {
    /// Every record as it stands in the store, producers first, with the source files.
    func json() throws -> [String: ConfigValue] {
        var map: [String: ConfigValue] = [
            "action": .text(root.hex),
            "artifact": artifact.map { .text($0.hex) } ?? .null,
            "actions": .list(try order.compactMap { key in try nodes[key].map { try JSONText.value($0.record) } }),
            "sources": try JSONText.value(sources),
        ]
        if !breaks.isEmpty { map["breaks"] = .list(breaks.map { .text($0) }) }
        return map
    }

    /// Graphviz: boxes are actions, notes are source files; gathered source files share one note unless `isFull`.
    func dot(isFull: Bool) -> String {
        func quoted(_ text: String) -> String {
            "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n") + "\""
        }
        var text = "digraph provenance {\n  rankdir=BT;\n  node [shape=box, fontname=\"sans-serif\"];\n"
        var numbers: [Digest: Int] = [:]
        for (number, key) in order.enumerated() {
            numbers[key] = number
            let record = nodes[key]?.record
            text += "  a\(number) [label=\(quoted("\(record?.label ?? "")\n\(key.shortHex)"))];\n"
        }
        var sourceNumbers: [Source: Int] = [:]
        for (number, source) in sources.enumerated() { sourceNumbers[source] = number }
        var drawn = Set<Int>()
        for key in order {
            guard let node = nodes[key], let number = numbers[key] else { continue }
            let inputs = node.record.action.task.inputs
            let ofSources = node.links.count { if case .source = $0 { true } else { false } }
            var ports: [String: Int] = [:]
            for (index, link) in node.links.enumerated() {
                let port = inputs[index].port
                switch link {
                case .action(let producer):
                    guard let from = numbers[producer] else { continue }
                    text += "  a\(from) -> a\(number) [label=\(quoted(port))];\n"
                case .source(let path):
                    guard isFull || ofSources <= 8 else {
                        ports[port, default: 0] += 1
                        continue
                    }
                    let source = Source(path: path, digest: inputs[index].digest)
                    guard let from = sourceNumbers[source] else { continue }
                    if drawn.insert(from).inserted {
                        text += "  s\(from) [shape=note, label=\(quoted("\(path)\n\(source.digest.shortHex)"))];\n"
                    }
                    text += "  s\(from) -> a\(number) [label=\(quoted(port))];\n"
                case .broken(let sentence):
                    text += "  b\(number)_\(index) [shape=octagon, color=red, label=\(quoted(sentence))];\n"
                    text += "  b\(number)_\(index) -> a\(number) [label=\(quoted(port)), color=red];\n"
                }
            }
            for (port, count) in ports.sorted(by: { $0.key < $1.key }) {
                text += "  m\(number)_\(count) [shape=note, label=\(quoted("\(count) source files"))];\n"
                text += "  m\(number)_\(count) -> a\(number) [label=\(quoted(port))];\n"
            }
        }
        return text + "}\n"
    }

    /// W3C PROV in its JSON form: artifacts and source files are entities, actions activities, programs agents.
    ///
    /// **Reference**: "The PROV-JSON Serialization", W3C Member Submission, 24 April 2013.
    func provJSON() -> ConfigValue {
        func map(_ texts: [String: String]) -> ConfigValue {
            .map(texts.mapValues { .text($0) })
        }
        var entities: [String: ConfigValue] = [:]
        var activities: [String: ConfigValue] = [:]
        var agents: [String: ConfigValue] = [:]
        var used: [String: ConfigValue] = [:]
        var generated: [String: ConfigValue] = [:]
        var associated: [String: ConfigValue] = [:]
        func time(_ seconds: Double) -> String { TimeText.utc(seconds) }
        for key in order {
            guard let record = nodes[key]?.record else { continue }
            let action = record.action
            let name = "action:\(key.hex)"
            var activity: [String: ConfigValue] = [
                "prov:startTime": .text(time(action.started)), "prov:endTime": .text(time(action.ended)),
                "prov:label": .text(record.label), "cyto:stage": .text(action.task.manifest),
                "cyto:version": .integer(Int64(action.task.version)), "cyto:host": .text(record.host.name),
                "cyto:seed": .text("\(action.task.seed)"),
                "cyto:config": .text(JSONText.compact(.map(action.task.config))),
            ]
            if let commit = record.code.commit { activity["cyto:commit"] = .text(commit) }
            activities[name] = .map(activity)
            for output in record.outputs {
                entities["sha256:\(output.digest.hex)"] = map([
                    "prov:label": "\(record.label).\(output.port)", "prov:type": output.type,
                    "cyto:bytes": "\(output.byteCount)",
                ])
                generated["_:g\(generated.count)"] = map([
                    "prov:entity": "sha256:\(output.digest.hex)", "prov:activity": name,
                    "prov:time": time(action.ended),
                ])
            }
            for input in action.task.inputs {
                if case .source(path: let path) = input.origin {
                    entities["sha256:\(input.digest.hex)"] = map(["prov:label": path, "prov:type": "source file"])
                }
                used["_:u\(used.count)"] = map([
                    "prov:activity": name, "prov:entity": "sha256:\(input.digest.hex)", "prov:role": input.port,
                ])
            }
            for program in record.code.programs {
                agents["sha256:\(program.digest.hex)"] = map([
                    "prov:type": "prov:SoftwareAgent", "prov:label": program.path,
                ])
                associated["_:w\(associated.count)"] = map([
                    "prov:activity": name, "prov:agent": "sha256:\(program.digest.hex)",
                ])
            }
        }
        return .map([
            "prefix": map([
                "sha256": "urn:sha256:", "action": "urn:cyto-pipe:action:", "cyto": "urn:cyto-pipe:",
            ]),
            "entity": .map(entities), "activity": .map(activities), "agent": .map(agents), "used": .map(used),
            "wasGeneratedBy": .map(generated), "wasAssociatedWith": .map(associated),
        ])
    }
}
