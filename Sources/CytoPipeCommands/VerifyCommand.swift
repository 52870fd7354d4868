internal import ArgumentParser
internal import ArtifactStore
internal import StageProtocol

struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Rehashes every artifact of the store and names what is damaged or gone.",
        discussion: """
            What is damaged is moved to the store's folder 'quarantine'; the next run makes it again. Exit code 1: something \
            was wrong.
            """)

    @OptionGroup var store: ExistingStore

    @Flag(help: "Compares sizes only.")
    var quick = false

    @Flag(help: "Leaves damaged files where they are.")
    var keep = false

    @Flag(help: "Prints the findings as JSON.")
    var json = false

    func run() throws {
        let artifacts = try store.open()
        let result = try artifacts.verify(VerificationOptions(quick: quick, setsAside: !keep))
        if json {
            StandardOutput.write(JSONText.of(try JSONText.value(result)))
        } else {
            for finding in result.findings {
                let tasks = finding.tasks.isEmpty ? "" : "  made by \(finding.tasks.joined(separator: ", "))"
                StandardOutput.write(
                    "\(finding.kind.rawValue): \(finding.message)\(tasks)\(finding.setAside ? "  (set aside)" : "")\n")
            }
            let read = quick ? "sizes compared" : "\(ByteText.of(result.bytesRead)) rehashed"
            let outcome = result.isSound ? "sound" : "NOT sound"
            StandardOutput.write(
                "\(outcome): \(CountText.of(result.objects, "artifact")), \(CountText.of(result.records, "record")), \(read)\n"
            )
        }
        if !result.isSound { throw CommandFailure(.taskFailed) }
    }
}
