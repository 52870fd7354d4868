internal import ArgumentParser
internal import ArtifactStore
internal import Executors
internal import Foundation
internal import Glibc
internal import StageProtocol

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Looks whether everything that a run needs is there and in order.")

    @OptionGroup var store: ExistingStore

    @Flag(help: "Makes the store's index anew from its records.")
    var rebuildIndex = false

    @Flag(help: "Prints the findings as JSON.")
    var json = false

    func run() throws {
        var checks: [StoreCheck] = []
        do {
            let artifacts = try store.open()
            if rebuildIndex {
                let count = try artifacts.rebuildIndex()
                checks.append(StoreCheck(name: "index", state: .good, message: "made anew from \(count) records"))
            }
            checks += artifacts.examine()
        } catch let failure as CommandFailure {
            checks.append(StoreCheck(name: "store", state: .warning, message: failure.message ?? "no store"))
        } catch let error as StoreError {
            checks.append(StoreCheck(name: "store", state: .bad, message: "\(error)"))
        }
        let folders =
            [RunCommand.executableFolder]
            + (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
        for program in ["cyto-stage", "cyto-learn"] {
            let found = folders.map { $0 + "/" + program }.first { access($0, X_OK) == 0 }
            let isNeeded = program == "cyto-stage"
            checks.append(
                StoreCheck(
                    name: program, state: found != nil || !isNeeded ? .good : .warning,
                    message: found ?? "not beside cyto-pipe and not on PATH"
                        + (isNeeded ? "; stages that it runs will fail" : " (only learning stages need it)")))
        }
        if let git = output("git", ["--version"], folders) {
            checks.append(StoreCheck(name: "git", state: .good, message: git))
        } else {
            checks.append(
                StoreCheck(name: "git", state: .warning, message: "not found; records will not name the code's commit"))
        }
        let host = HostDescription.ofThisMachine()
        let libraries = host.libraries.map { "\($0.key) \($0.value)" }.sorted().joined(separator: ", ")
        checks.append(
            StoreCheck(
                name: "machine", state: .good,
                message:
                    "\(host.name), \(host.system), \(Machine.cores) cores, \(ByteText.of(Machine.memoryBytes)) of memory, "
                    + libraries))
        if json {
            StandardOutput.write(JSONText.of(try JSONText.value(checks)))
        } else {
            var table = TextTable([.left, .left, .left])
            for check in checks { table.add([check.state.rawValue, check.name, check.message]) }
            StandardOutput.write(table.text)
        }
        if checks.contains(where: { $0.state == .bad }) { throw CommandFailure(.inputOutput) }
    }

    private func output(_ program: String, _ arguments: [String], _ folders: [String]) -> String? {
        guard let path = folders.map({ $0 + "/" + program }).first(where: { access($0, X_OK) == 0 }) else { return nil }
        let process = Process()
        let pipe = Pipe()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.standardOutput = pipe
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return nil }
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { return nil }
        return String(decoding: data, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
