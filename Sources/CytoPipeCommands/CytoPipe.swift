public import ArgumentParser
internal import ArtifactStore
internal import PipelineModel

/// The root of the command line.
public struct CytoPipe: ParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "cyto-pipe",
        abstract:
            "Runs pipelines: only what an edit touches runs again, and every artifact can tell where it came from.",
        discussion: """
            Exit codes: 0 done, 1 a task failed, 2 bad pipeline or arguments, 3 store or I/O, 70 our bug, 130 interrupted.
            """,
        version: "0.1.0",
        subcommands: [
            RunCommand.self, PlanCommand.self, StatusCommand.self, LintCommand.self, GraphCommand.self,
            SchemaCommand.self, AuditCommand.self, ShowCommand.self, PathCommand.self, ExportCommand.self,
            ListCommand.self,
            LogCommand.self,
            VerifyCommand.self, CollectCommand.self, DoctorCommand.self,
        ])

    public init() {}

    /// Runs the command line and gives the process's exit code.
    public static func main(arguments: [String]) -> Int32 {
        do {
            var command = try parseAsRoot(arguments)
            try command.run()
            return ExitStatus.done.rawValue
        } catch let failure as CommandFailure {
            if let message = failure.message { StandardError.write(message.hasSuffix("\n") ? message : message + "\n") }
            return failure.status.rawValue
        } catch let mistakes as PipelineMistakes {
            StandardError.write(mistakes.description)
            return ExitStatus.badInput.rawValue
        } catch let error as StoreError {
            StandardError.write("cyto-pipe: \(error)\n")
            switch error.code {
            case .notFound, .ambiguous: return ExitStatus.badInput.rawValue
            default: return ExitStatus.inputOutput.rawValue
            }
        } catch let code as ExitCode {
            return code.rawValue
        } catch {
            let message = fullMessage(for: error)
            switch exitCode(for: error) {
            case .success:
                StandardOutput.write(message + "\n")
                return ExitStatus.done.rawValue
            case .validationFailure:
                StandardError.write(message + "\n")
                return ExitStatus.badInput.rawValue
            default:
                StandardError.write("cyto-pipe: \(error)\n")
                return ExitStatus.defect.rawValue
            }
        }
    }
}
