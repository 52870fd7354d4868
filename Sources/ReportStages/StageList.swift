public import StageKit

/// The stages of this room that `cyto-stage` can run.
public let reportStages: [any Stage.Type] = [Report.self]
