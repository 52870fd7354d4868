public import Torch

/// How a network is run.
public struct ForwardPass: Sendable {
    /// Batch normalisation uses the batch's own statistics.
    public var usesBatchStatistics: Bool
    /// Batch normalisation moves its running statistics.
    public var updatesStatistics: Bool
    /// Blocks are run again for their gradients instead of keeping what they computed.
    public var checkpoints: Bool
    /// Processes whose samples count in the batch's statistics too; nil for this one alone.
    public var group: ProcessGroup?

    /// A training pass.
    public static func training(checkpoints: Bool = false, group: ProcessGroup? = nil) -> ForwardPass {
        ForwardPass(usesBatchStatistics: true, updatesStatistics: true, checkpoints: checkpoints, group: group)
    }

    /// A pass that uses what was learned and changes nothing.
    public static let inference = ForwardPass(
        usesBatchStatistics: false, updatesStatistics: false, checkpoints: false)

    /// The second run of a checkpointed block: the running statistics have moved already.
    var replayed: ForwardPass {
        var pass = self
        pass.updatesStatistics = false
        pass.checkpoints = false
        return pass
    }
}
