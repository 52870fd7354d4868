import PipelineModel

/// A disk of texts below `/work`, which is the working directory.
struct MemoryFiles: FileAccess {
    var texts: [String: String] = [:]

    var workingDirectory: String { "/work" }

    private func absolute(_ path: String) -> String {
        var parts: [Substring] = []
        for part in (path.hasPrefix("/") ? path : "/work/" + path).split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    func read(_ path: String, limit: Int) throws(FileAccessError) -> [UInt8]? {
        texts[absolute(path)].map { Array($0.utf8) }
    }

    func list(_ folder: String) -> [String]? {
        let prefix = absolute(folder) == "/" ? "/" : absolute(folder) + "/"
        let names = texts.keys.filter { $0.hasPrefix(prefix) }
            .compactMap { $0.dropFirst(prefix.count).split(separator: "/").first.map { String($0) } }
        return names.isEmpty ? nil : Array(Set(names))
    }

    func isFile(_ path: String) -> Bool { texts[absolute(path)] != nil }
}

/// A pipeline in memory with the manifests that the tests share.
struct SamplePipeline {
    var files = MemoryFiles(texts: [
        "/work/stages/types.yaml": """
        types:
          image: { summary: A picture., format: file, extension: tif }
          labels:
            format: hdf5
            datasets: { /labels: { element: uint8, shape: [rows, columns] } }
            attributes: { spacing_um: { element: float64 } }
        """,
        "/work/stages/label.yaml": """
        stage: label
        version: 3
        summary: Labels an image.
        run: [worker, label, --job, "${job}"]
        inputs: { image: { type: image } }
        outputs: { labels: { type: labels } }
        config:
          spacing_um: { type: number, default: 64, minimum: 1, unit: um }
          mode: { type: choice, choices: [quick, careful], default: quick }
          rounds: { type: integer, default: 3, minimum: 0, maximum: 10 }
        resources: { cores: 2, memory: 2GiB, time: 2h }
        """,
        "/work/stages/join.yaml": """
        stage: join
        run: [worker, join]
        inputs: { labels: { type: labels }, extra: { type: file, optional: true } }
        outputs: { table: { type: file, extension: csv } }
        """,
    ])

    init(_ text: String) { files.texts["/work/p.yaml"] = text }

    func load(_ options: PipelineOptions = PipelineOptions()) throws(PipelineMistakes) -> Pipeline {
        try PipelineLoader(files: files).load("p.yaml", options: options)
    }

    /// The mistakes as `line:column message`.
    func mistakes(_ options: PipelineOptions = PipelineOptions()) -> [String] {
        do throws(PipelineMistakes) {
            _ = try load(options)
            return []
        } catch {
            return error.diagnostics.map { diagnostic in
                let help = [
                    diagnostic.expected.map { " | \($0)" }, diagnostic.suggestion.map { " | did you mean \($0)" },
                ]
                return "\(diagnostic.mark.text) \(diagnostic.message)" + help.compactMap { $0 }.joined()
            }
        }
    }

    static let good = """
        pipeline: sample
        summary: "Ünïcode, quotes and more"
        params: { data: { type: path, default: scans } }
        config: { seed: 7, spacing_um: 32, nested: { depth: [1, 2.5, true] } }
        axes:
          brain: { B01: { role: seen }, B02: { role: unseen } }
          section: { within: brain, range: [1, 3], width: 4 }
          model: [small, large]
        sources:
          scan: { file: "${params.data}/${brain}/${section}.tif", for: [brain, section], type: image }
        stages:
          label:
            for: [brain, section]
            inputs: { image: scan }
            config: { spacing_um: "${config.spacing_um}", rounds: 5 }
          join: { for: [brain], inputs: { labels: label.labels } }
        targets: { default: [join] }
        profiles: { local: { executor: local, cores: 2, memory: 16GiB } }
        """
}
