internal import ArtifactStore
internal import ContentHash
internal import Scheduling

/// The outputs that their manifests ask to be told of (`announce: true`), of the tasks that a run left up to date.
struct AnnouncedOutputs {
    struct Entry {
        var label: String
        var port: String
        /// Where it lies in the store, named by its digest.
        var path: String
        /// The link that always leads to the newest.
        var link: String
    }

    private(set) var entries: [Entry] = []

    /// Looks them up and makes the links of those that are there.
    ///
    /// A link is called like the pipeline where it has one announced output, else like pipeline, task and port.
    init(of graph: WorkGraph, keys: [Digest?], in store: ArtifactStore) throws {
        var found: [(task: Int, port: String, file: StoredFile)] = []
        for (task, key) in zip(graph.tasks.indices, keys) {
            guard let key else { continue }
            let ports = graph.stages[Int(graph.tasks[task].stage)].outputPorts.filter(\.isAnnounced).map(\.name)
            guard !ports.isEmpty else { continue }
            for output in try store.record(key).outputs
            where ports.contains(output.port) && store.isPresent(output.file) {
                found.append((task, output.port, output.file))
            }
        }
        let pipeline = graph.pipeline.isEmpty ? "pipeline" : graph.pipeline
        for (task, port, file) in found {
            let label = graph.label(of: task)
            let name = found.count == 1 ? pipeline : "\(pipeline)-\(label).\(port)"
            let ending = file.fileExtension.isEmpty ? "" : "." + file.fileExtension
            entries.append(
                Entry(
                    label: label, port: port, path: store.path(of: file),
                    link: try store.link(NewestFile(name: name + ending, file: file))))
        }
    }

    /// Lines for people: the links, which stay the same from run to run.
    var text: String { entries.map { "\($0.label): \($0.link)\n" }.joined() }
}
