internal import Registration
internal import StageKit

extension AlignmentSettings {
    /// The settings that the stages which align pairs of sections have in common.
    init(_ config: StageConfig, spacingUm: Double, seed: UInt64) throws {
        self.init(
            ratio: Float(try config.double("ratio", in: 0...1)), mutual: try config.bool("mutual"),
            consensus: ConsensusSettings(
                tolerance: try config.double("tolerance_um", in: 0.001...1e6) / spacingUm,
                confidence: try config.double("confidence", in: 0.5...0.999_999),
                maximumIterations: try config.integer("maximum_iterations", in: 1...10_000_000)),
            minimumInliers: try config.integer("minimum_inliers", in: 2...10_000),
            refines: try config.bool("refine"),
            searchedCorrelation: try config.bool("search")
                ? try config.double("search_correlation", in: -1...1) : nil, seed: seed)
    }
}
