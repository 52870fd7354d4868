internal import ArgumentParser
internal import ArtifactStore
internal import ContentHash
internal import Scheduling
internal import StageProtocol

struct ListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls", abstract: "Lists what the store holds: stages, or the tasks of one.")

    @Argument(help: "A stage; without one, all stages are counted.")
    var stage: String?

    @OptionGroup var store: ExistingStore

    @Option(help: "Only this pipeline.")
    var pipeline: String?

    @Flag(help: "Prints every task as JSON.")
    var json = false

    func run() throws {
        try answering {
            let artifacts = try store.open()
            let tasks = try artifacts.tasks(pipeline: pipeline, stage: stage)
            if let stage, tasks.isEmpty {
                let known = Set(try artifacts.tasks(pipeline: pipeline).map(\.stage)).sorted()
                throw StoreError(
                    .notFound,
                    "No task of stage '\(stage)' has run in this store; stages are "
                        + (known.isEmpty ? "none" : known.joined(separator: ", ")) + ".")
            }
            if stage == nil, !json {
                StandardOutput.write(summary(tasks))
                return
            }
            let cached = try artifacts.actions(for: tasks.compactMap(\.succeeded))
            var outputs: [Digest: [StoredFile]] = [:]
            for (key, action) in zip(tasks.compactMap(\.succeeded), cached) { outputs[key] = action?.outputs }
            if json {
                StandardOutput.write(JSONText.of(.list(tasks.map { value(of: $0, outputs) })))
                return
            }
            var table = TextTable([.left, .left, .right, .left, .left])
            for task in tasks {
                let files = task.succeeded.flatMap { outputs[$0] } ?? []
                table.add([
                    task.label, files.map(\.digest.shortHex).joined(separator: " "),
                    files.isEmpty ? "" : ByteText.of(files.reduce(0) { $0 + $1.byteCount }), TimeText.local(task.ended),
                    task.failed == nil ? "" : "failed",
                ])
            }
            StandardOutput.write(table.text)
        }
    }

    private func value(of task: ArtifactStore.KnownTask, _ outputs: [Digest: [StoredFile]]) -> ConfigValue {
        .map([
            "pipeline": .text(task.pipeline), "stage": .text(task.stage), "task": .text(task.label),
            "key": task.succeeded.map { .text($0.hex) } ?? .null, "ended": .real(task.ended),
            "failed": .bool(task.failed != nil),
            "outputs": .list(
                (task.succeeded.flatMap { outputs[$0] } ?? []).map { file in
                    .map([
                        "digest": .text(file.digest.hex), "bytes": .integer(file.byteCount),
                        "extension": .text(file.fileExtension),
                    ])
                }),
        ])
    }

    private func summary(_ tasks: [ArtifactStore.KnownTask]) -> String {
        struct Stage: Hashable {
            var pipeline: String
            var name: String
        }
        var order: [Stage] = []
        var counts: [Stage: (tasks: Int, failed: Int, newest: Double)] = [:]
        for task in tasks {
            let stage = Stage(pipeline: task.pipeline, name: task.stage)
            if counts[stage] == nil { order.append(stage) }
            let old = counts[stage] ?? (0, 0, 0)
            counts[stage] = (old.tasks + 1, old.failed + (task.failed == nil ? 0 : 1), max(old.newest, task.ended))
        }
        var table = TextTable([.left, .left, .right, .left, .left])
        for stage in order {
            guard let count = counts[stage] else { continue }
            table.add([
                stage.pipeline, stage.name, CountText.of(count.tasks, "task"), TimeText.local(count.newest),
                count.failed > 0 ? "\(count.failed) failed" : "",
            ])
        }
        return table.text
    }
}
