internal import ArgumentParser
internal import ArtifactStore
internal import ContentHash
internal import Scheduling
internal import StageProtocol

struct PathCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "path", abstract: "Prints where the files of a task or artifact lie.",
        discussion: "For example: open $(cyto-pipe path 'stack[brain=B01].volume')")

    @Argument(help: "stage[item], stage[item].port, a digest or a copied file.")
    var what: String

    @OptionGroup var store: ExistingStore

    @Flag(help: "Prints port, digest and path of each file as JSON.")
    var json = false

    func run() throws {
        try answering {
            let artifacts = try store.open()
            let found = try artifacts.lookup(what)
            var outputs = try artifacts.record(found.key).outputs
            if let artifact = found.artifact { outputs = Array(outputs.filter { $0.digest == artifact }.prefix(1)) }
            if let gone = outputs.first(where: { !artifacts.isPresent($0.file) }) {
                throw StoreError(
                    .notFound, "Output '\(gone.port)' of \(what) is gone from the store; the next run makes it again.",
                    path: artifacts.path(of: gone.file))
            }
            guard json else {
                for output in outputs { StandardOutput.write(artifacts.path(of: output.file) + "\n") }
                return
            }
            StandardOutput.write(
                JSONText.of(
                    .list(
                        outputs.map { output in
                            .map([
                                "port": .text(output.port), "digest": .text(output.digest.hex),
                                "path": .text(artifacts.path(of: output.file)),
                            ])
                        })))
        }
    }
}
