import ArgumentParser

/// Measurements side by side with a named peer: each subcommand prints JSON with medians, and `benchmarks/` holds the
/// scripts that run the peer on the same input in the same run. Nothing here is a test.
@main
struct CytoBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cyto-bench",
        abstract: "Times parts of cyto-pipe; prints JSON.",
        // One line a measurement, alphabetically.
        subcommands: [
            PhantomBench.self, RegistrationBench.self, SegmentationBench.self, StatisticsBench.self, SurfacesBench.self,
        ])
}
