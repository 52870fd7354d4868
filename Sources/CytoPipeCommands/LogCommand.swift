internal import ArgumentParser
internal import ArtifactStore
internal import ContentHash
internal import Foundation
internal import Scheduling
internal import StageProtocol

struct LogCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "log", abstract: "Prints what a task's program wrote when it last ran, failed or not.")

    @Argument(help: "A task: stage[axis=value], or enough of it to be the only one.")
    var task: String

    @OptionGroup var store: ExistingStore

    @Flag(help: "Prints only where the log lies.")
    var path = false

    func run() throws {
        try answering {
            let artifacts = try store.open()
            guard let known = try artifacts.knownTask(task) else {
                throw StoreError(
                    .notFound, "No task '\(task)' has run in the store \(artifacts.path); `cyto-pipe ls` lists them.")
            }
            guard let key = known.failed ?? known.succeeded, let file = artifacts.existingLogPath(for: key) else {
                throw StoreError(.notFound, "\(known.label) left no log in the store \(artifacts.path).")
            }
            if path {
                StandardOutput.write(file + "\n")
                return
            }
            let data = FileManager.default.contents(atPath: file) ?? Data()
            StandardOutput.write(String(decoding: data, as: UTF8.self))
            if known.failed != nil, let failure = try artifacts.failureRecord(key)?.action.failure {
                StandardError.write("\(known.label) failed: \(failure.message)\n")
            }
        }
    }
}
