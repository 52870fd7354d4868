internal import ArgumentParser
internal import ArtifactStore
internal import ContentHash
internal import Foundation
internal import StageProtocol

struct AuditCommand: ParsableCommand {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json, dot
        case provJSON = "prov-json"
    }

    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Tells where an artifact came from, back to the source files.",
        discussion: """
            WHAT is a file, wherever it was copied; a task, as stage[axis=value], with .port for one output; or the first \
            digits of a digest. Exit code 1: it is unknown, or the chain does not hold.
            """)

    @Argument(help: "A file, stage[item] or digest.", completion: .file())
    var what: String

    @OptionGroup var store: ExistingStore

    @Flag(help: "Rehashes every artifact, record and source file of the chain.")
    var verify = false

    @Flag(help: "Runs the action again in a temporary folder and compares the bytes.")
    var replay = false

    @Flag(help: "With --replay: the whole chain.")
    var deep = false

    @Flag(help: "Shows all of many inputs that are alike.")
    var full = false

    @Option(help: "text, json, dot for Graphviz, or prov-json (W3C).")
    var format = Format.text

    @Flag(help: "The same as --format json.")
    var json = false

    func validate() throws {
        if deep, !replay { throw ValidationError("--deep goes with --replay.") }
    }

    func run() throws {
        try answering {
            let artifacts = try store.open()
            let found = try artifacts.lookup(what)
            let chain = try artifacts.provenance(of: found.key, artifact: found.artifact)
            let format = json ? Format.json : format
            var answer = format == .json ? try chain.json() : [:]
            var holds = chain.breaks.isEmpty
            switch format {
            case .text:
                StandardOutput.write(ProvenanceTree(chain, isFull: full).text)
                for other in found.otherProducers {
                    guard let record = try? artifacts.record(other) else { continue }
                    StandardOutput.write("the same bytes were also made by \(record.label) (\(other.shortHex))\n")
                }
            case .dot: StandardOutput.write(chain.dot(isFull: full))
            case .provJSON: StandardOutput.write(JSONText.of(chain.provJSON()))
            case .json: break
            }
            for sentence in chain.breaks { StandardError.write("broken: \(sentence)\n") }
            if verify {
                let result = artifacts.verify(chain)
                holds = holds && result.holds
                answer["verification"] = try JSONText.value(result.summary)
                write(result, isText: format == .text)
            }
            if replay {
                let problems = try replay(chain, in: artifacts, isText: format == .text)
                holds = holds && problems.isEmpty
                answer["replay"] = .map([
                    "same": .bool(problems.isEmpty), "problems": .list(problems.map { .text($0) }),
                ])
            }
            if format == .json { StandardOutput.write(JSONText.of(.map(answer))) }
            if !holds { throw CommandFailure(.taskFailed) }
        }
    }

    private func write(_ result: ChainVerification, isText: Bool) {
        for problem in result.problems { StandardError.write("broken: \(problem)\n") }
        guard isText else { return }
        let checked = "\(CountText.of(result.filesChecked, "file")) (\(ByteText.of(result.bytesRead))) rehashed"
        StandardOutput.write(
            result.holds
                ? "verified: the whole chain holds, \(checked)\n"
                : "NOT verified: \(CountText.of(result.problems.count, "problem")), \(checked)\n")
    }

    private func replay(_ chain: ProvenanceChain, in artifacts: ArtifactStore, isText: Bool) throws -> [String] {
        let keys = deep ? chain.order : [chain.root]
        let replay = Replay(store: artifacts, chain: chain)
        let outcomes = try replay.run(keys) { outcome in
            for problem in outcome.problems { StandardError.write("differs: \(problem)\n") }
            guard isText, outcome.problems.isEmpty else { return }
            StandardOutput.write(
                "replayed: \(outcome.label) gave the same bytes in \(DurationText.of(outcome.seconds))\n")
        }
        let problems = outcomes.flatMap(\.problems)
        if isText, deep {
            StandardOutput.write(
                problems.isEmpty
                    ? "reproduced: \(CountText.of(outcomes.count, "action")), all bytes the same\n"
                    : "NOT reproduced: \(CountText.of(outcomes.count { !$0.problems.isEmpty }, "action")) differ\n")
        }
        return problems
    }
}

extension ChainVerification {
    /// For programs.
    struct Summary: Encodable {
        var holds: Bool
        var filesChecked: Int
        var bytesRead: Int64
        var problems: [String]
    }

    var summary: Summary {
        Summary(holds: holds, filesChecked: filesChecked, bytesRead: bytesRead, problems: problems)
    }
}
