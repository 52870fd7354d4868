public import StageKit

/// The evaluations on features that `cyto-stage` can run, in the order of the paper.
public let evaluationStages: [any Stage.Type] = [
    AreaClassification.self,
    AreaSmoothing.self,
    CoordinatePrediction.self,
    Parcellation.self,
    AreaSimilarity.self,
    Retrieval.self,
    MacroscaleDecoding.self,
    StructuralPrediction.self,
]
