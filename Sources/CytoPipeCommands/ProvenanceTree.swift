internal import ArtifactStore
internal import ContentHash
internal import Scheduling
internal import StageProtocol

/// A chain as a tree of text: the artifact on top, below each action what it read.
///
/// An action is written out once and referred to after that. Many inputs of one port are summed up in a line and the
/// first of them is shown, unless everything is asked for.
struct ProvenanceTree {
    let chain: ProvenanceChain
    let isFull: Bool
    private var shown = Set<Digest>()
    private(set) var text = ""

    /// More inputs of one port than this are summed up.
    private static let groupLimit = 4

    init(_ chain: ProvenanceChain, isFull: Bool) {
        self.chain = chain
        self.isFull = isFull
        writeHead()
        write(chain.root, name: "", margin: "", branch: "", below: "")
        writeSources()
    }

    private mutating func writeHead() {
        guard let root = chain.nodes[chain.root]?.record else { return }
        if let artifact = chain.artifact {
            let output = root.outputs.first { $0.digest == artifact }
            text += "artifact  \(artifact.hex)\n"
            if let output {
                text += "is        output '\(output.port)' of \(root.label) (pipeline \(root.action.pipeline))"
                text += ", \(ByteText.of(output.byteCount))\(output.type.isEmpty ? "" : ", type \(output.type)")\n"
            }
        }
        text += "action    \(root.key.hex)\n\n"
    }

    /// One action and everything below it. `margin` stands before its lines, `branch` before its first, `below` before others.
    private mutating func write(_ key: Digest, name: String, margin: String, branch: String, below: String) {
        guard let node = chain.nodes[key] else { return }
        let record = node.record
        let port = name.isEmpty ? "" : name + " ← "
        guard shown.insert(key).inserted else {
            text += "\(margin)\(branch)\(port)\(record.label)  \(key.shortHex) (see above)\n"
            return
        }
        text += "\(margin)\(branch)\(port)\(record.label)  \(key.shortHex)\n"
        let inner = margin + below
        let bar = node.links.isEmpty ? "   " : "│  "
        for line in ProvenanceTree.details(record) { text += "\(inner)\(bar)\(line)\n" }
        let groups = ProvenanceTree.groups(node)
        for (index, group) in groups.enumerated() {
            let isLast = index == groups.count - 1
            write(group, of: node, margin: inner, isLast: isLast)
        }
    }

    /// Inputs of one port that come from the same stage, or all from source files.
    private struct Group {
        var port: String
        var stage: String?
        var inputs: [Int]
    }

    private static func groups(_ node: ProvenanceChain.Node) -> [Group] {
        var groups: [Group] = []
        for (index, input) in node.record.action.task.inputs.enumerated() {
            let stage: String?
            if case .task(label: let label, key: _, port: _) = input.origin {
                stage = String(label.prefix { $0 != "[" })
            } else {
                stage = nil
            }
            if let last = groups.last, last.port == input.port, last.stage == stage {
                groups[groups.count - 1].inputs.append(index)
            } else {
                groups.append(Group(port: input.port, stage: stage, inputs: [index]))
            }
        }
        return groups
    }

    private mutating func write(_ group: Group, of node: ProvenanceChain.Node, margin: String, isLast: Bool) {
        let branch = isLast ? "└─ " : "├─ "
        let below = isLast ? "   " : "│  "
        guard !isFull, group.inputs.count > ProvenanceTree.groupLimit else {
            for (position, index) in group.inputs.enumerated() {
                let ends = isLast && position == group.inputs.count - 1
                write(
                    index, of: node, name: group.port, margin: margin, branch: ends ? "└─ " : "├─ ",
                    below: ends ? "   " : "│  ")
            }
            return
        }
        let inputs = node.record.action.task.inputs
        let first = inputs[group.inputs[0]]
        let last = inputs[group.inputs[group.inputs.count - 1]]
        let span = ProvenanceTree.span(first.item, last.item)
        if let stage = group.stage {
            text += "\(margin)\(branch)\(group.port) ← \(group.inputs.count) × \(stage)\(span)\n"
            let rest = group.inputs.count - 1
            // What breaks is never hidden among the rest.
            var expanded = [group.inputs[0]]
            expanded += group.inputs.dropFirst().filter { if case .broken = node.links[$0] { true } else { false } }
            for index in expanded {
                write(index, of: node, name: "", margin: margin + below, branch: "├─ ", below: "│  ")
            }
            text += "\(margin)\(below)└─ … \(rest) more alike (--full shows them)\n"
        } else {
            text += "\(margin)\(branch)\(group.port) ← \(group.inputs.count) source files\(span)\n"
        }
    }

    private mutating func write(
        _ index: Int, of node: ProvenanceChain.Node, name: String, margin: String, branch: String, below: String
    ) {
        let input = node.record.action.task.inputs[index]
        let port = name.isEmpty ? "" : name + " ← "
        switch node.links[index] {
        case .action(let key): write(key, name: name, margin: margin, branch: branch, below: below)
        case .source(let path): text += "\(margin)\(branch)\(port)\(path)  \(input.digest.shortHex)\n"
        case .broken(let sentence): text += "\(margin)\(branch)\(port)BROKEN: \(sentence)\n"
        }
    }

    private static func span(_ first: [Coordinate], _ last: [Coordinate]) -> String {
        guard let from = first.last, let to = last.last, from != to else { return "" }
        return " (\(from.axis) \(from.value) … \(to.value))"
    }

    private static func details(_ record: ProvenanceRecord) -> [String] {
        let action = record.action
        var lines = [
            "made \(TimeText.local(action.ended)) in \(DurationText.of(max(action.ended - action.started, 0))) on "
                + "\(record.host.name) by \(program(record)); ran because: \(action.reason.sentence)"
        ]
        if !action.task.config.isEmpty {
            let config = action.task.config.sorted { $0.key < $1.key }
                .map { "\($0.key)=\(JSONText.compact($0.value))" }.joined(separator: " ")
            lines.append("config \(config)")
        }
        if record.outputs.count > 1 || action.failure != nil {
            lines.append("outputs " + record.outputs.map { "\($0.port) \($0.digest.shortHex)" }.joined(separator: ", "))
        } else if let output = record.outputs.first {
            lines.append("output \(output.port) \(output.digest.shortHex), \(ByteText.of(output.byteCount))")
        }
        return lines
    }

    static func program(_ record: ProvenanceRecord) -> String {
        var text = record.code.programs.first.map { String($0.path.split(separator: "/").last ?? "") } ?? "its program"
        text += " (\(record.action.task.manifest) version \(record.action.task.version)"
        if let commit = record.code.commit {
            text += ", commit \(commit.prefix(10))\(record.code.hasChanges == true ? " with changes" : "")"
        }
        return text + ")"
    }

    private mutating func writeSources() {
        text += "\n\(CountText.of(chain.order.count, "action"))"
        text += ", \(CountText.of(chain.sources.count, "source file"))"
        text += chain.sources.isEmpty ? "\n" : ":\n"
        for source in chain.sources { text += "  \(source.digest.hex)  \(source.path)\n" }
    }
}
