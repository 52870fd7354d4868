import PipelineGraph
import PipelineModel
import Scheduling

/// Pipelines in memory over stages `make` (no input), `work` (input `in`, optional `side`), `mix` (inputs `left`, `right`).
struct SampleGraph: FileAccess {
    var texts: [String: String] = [
        "/work/stages/types.yaml": "types: { thing: { format: file, extension: txt } }",
        "/work/stages/make.yaml": """
        stage: make
        run: [sh, make.sh, "${outputs.out}"]
        outputs: { out: { type: thing }, log: { type: file, extension: log } }
        config: { name: { type: text, default: x }, level: { type: integer, default: 1, maximum: 100 } }
        """,
        "/work/stages/make.sh": "echo",
        "/work/stages/work.yaml": """
        stage: work
        run: [sh, "${inputs.in}"]
        inputs: { in: { type: thing }, side: { type: thing, optional: true } }
        outputs: { out: { type: thing } }
        """,
        "/work/stages/place.yaml": """
        stage: place
        run: [sh, "${inputs.in}"]
        inputs: { in: { type: thing, attributes: [position] } }
        outputs: { out: { type: thing } }
        """,
    ]

    init(_ pipeline: String) { texts["/work/p.yaml"] = "pipeline: p\n" + pipeline }

    var workingDirectory: String { "/work" }

    private func absolute(_ path: String) -> String { path.hasPrefix("/") ? path : "/work/" + path }

    func read(_ path: String, limit: Int) throws(FileAccessError) -> [UInt8]? {
        texts[absolute(path)].map { Array($0.utf8) }
    }

    func list(_ folder: String) -> [String]? {
        let prefix = absolute(folder) + "/"
        let names = texts.keys.filter { $0.hasPrefix(prefix) }.map { String($0.dropFirst(prefix.count)) }
        return names.isEmpty ? nil : names.filter { !$0.contains("/") }
    }

    func isFile(_ path: String) -> Bool { texts[absolute(path)] != nil }

    func expand(_ options: PipelineOptions = PipelineOptions()) throws(PipelineMistakes) -> PipelineGraph {
        try PipelineGraph(PipelineLoader(files: self).load("p.yaml", options: options))
    }

    func mistakes() -> [String] {
        do throws(PipelineMistakes) {
            _ = try expand()
            return []
        } catch {
            return error.diagnostics.map { "\($0.mark.text) \($0.message)" }
        }
    }
}

extension WorkGraph {
    /// Each task with what it reads: `work[a=1] <- in:make[a=1].out`.
    var lines: [String] {
        tasks.indices.map { index in
            let task = tasks[index]
            let reads = inputs[Int(task.inputs.lowerBound)..<Int(task.inputs.upperBound)].map { input in
                let port = stages[Int(task.stage)].inputPorts[Int(input.port)]
                switch input.origin {
                case .source(let source): return "\(port):\(sources[Int(source)])"
                case .task(let producer, port: let output):
                    let stage = stages[Int(tasks[Int(producer)].stage)]
                    return "\(port):\(label(of: Int(producer))).\(stage.outputPorts[Int(output)].name)"
                }
            }
            return reads.isEmpty ? label(of: index) : "\(label(of: index)) <- \(reads.joined(separator: " "))"
        }
    }
}
