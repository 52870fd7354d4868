internal import ArgumentParser
internal import PipelineGraph
internal import PipelineModel
internal import Scheduling

struct GraphCommand: ParsableCommand {
    enum Format: String, ExpressibleByArgument, CaseIterable { case text, dot }

    static let configuration = CommandConfiguration(
        commandName: "graph", abstract: "Shows how the stages, or the tasks, of a pipeline hang together.")

    @OptionGroup var arguments: PipelineArguments
    @OptionGroup var selection: SelectionArguments

    @Option(help: "text, or dot for Graphviz.")
    var format = Format.text

    @Flag(help: "Every task instead of every stage.")
    var tasks = false

    func run() throws {
        let pipeline = try arguments.load()
        let selected = try PipelineGraph(pipeline).select(selection.selection).graph
        let drawing = tasks ? GraphDrawing(tasksOf: selected) : GraphDrawing(stagesOf: selected)
        StandardOutput.write(format == .dot ? drawing.dot : drawing.text)
    }
}

/// Nodes and edges, ready to be written.
struct GraphDrawing {
    private var nodes: [(name: String, note: String)] = []
    /// From, to, and the label of the edge.
    private var edges: [(from: Int, to: Int, label: String)] = []
    private let name: String

    init(stagesOf graph: WorkGraph) {
        name = graph.pipeline
        var counts = [Int](repeating: 0, count: graph.stages.count)
        for task in graph.tasks { counts[Int(task.stage)] += 1 }
        nodes = graph.stages.indices.map { (graph.stages[$0].name, CountText.of(counts[$0], "task")) }
        struct Edge: Hashable {
            var from: Int
            var to: Int
            var label: String
        }
        var seen: Set<Edge> = []
        var sources: [Edge: Int] = [:]
        for task in graph.tasks {
            let stage = Int(task.stage)
            for input in graph.inputs[Int(task.inputs.lowerBound)..<Int(task.inputs.upperBound)] {
                let port = graph.stages[stage].inputPorts[Int(input.port)]
                switch input.origin {
                case .task(let producer, port: let output):
                    let from = Int(graph.tasks[Int(producer)].stage)
                    let edge = Edge(
                        from: from, to: stage, label: "\(graph.stages[from].outputPorts[Int(output)].name) → \(port)")
                    if seen.insert(edge).inserted { edges.append((edge.from, edge.to, edge.label)) }
                case .source: sources[Edge(from: -1, to: stage, label: port), default: 0] += 1
                }
            }
        }
        for (edge, count) in sources.sorted(by: { ($0.key.to, $0.key.label) < ($1.key.to, $1.key.label) }) {
            nodes.append(("source files", "read \(CountText.of(count, "time"))"))
            edges.append((nodes.count - 1, edge.to, edge.label))
        }
        let kept = nodes.indices.filter { index in index >= counts.count || counts[index] > 0 }
        if kept.count < nodes.count {
            let numbers = Dictionary(uniqueKeysWithValues: kept.enumerated().map { ($0.element, $0.offset) })
            nodes = kept.map { nodes[$0] }
            edges = edges.compactMap { edge in
                guard let from = numbers[edge.from], let to = numbers[edge.to] else { return nil }
                return (from, to, edge.label)
            }
        }
    }

    init(tasksOf graph: WorkGraph) {
        name = graph.pipeline
        nodes = graph.tasks.indices.map { (graph.label(of: $0), "") }
        let firstSource = nodes.count
        nodes += graph.sources.map { ($0, "") }
        for (index, task) in graph.tasks.enumerated() {
            for input in graph.inputs[Int(task.inputs.lowerBound)..<Int(task.inputs.upperBound)] {
                let port = graph.stages[Int(task.stage)].inputPorts[Int(input.port)]
                switch input.origin {
                case .task(let producer, port: _): edges.append((Int(producer), index, port))
                case .source(let source): edges.append((firstSource + Int(source), index, port))
                }
            }
        }
    }

    var dot: String {
        var text =
            "digraph \(GraphDrawing.quoted(name)) {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n"
        for (index, node) in nodes.enumerated() {
            let label = node.note.isEmpty ? node.name : node.name + "\n" + node.note
            text += "  n\(index) [label=\(GraphDrawing.quoted(label))];\n"
        }
        for edge in edges { text += "  n\(edge.from) -> n\(edge.to) [label=\(GraphDrawing.quoted(edge.label))];\n" }
        return text + "}\n"
    }

    /// Each node, and below it what it reads.
    var text: String {
        var incoming = nodes.map { _ in [String]() }
        for edge in edges {
            let from = nodes[edge.from]
            incoming[edge.to].append("  \(edge.label) ← \(from.name)")
        }
        return nodes.indices.filter { nodes[$0].name != "source files" }.map { index in
            let note = nodes[index].note.isEmpty ? "" : "  (\(nodes[index].note))"
            return ([nodes[index].name + note] + incoming[index]).joined(separator: "\n") + "\n"
        }.joined()
    }

    private static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n") + "\""
    }
}
