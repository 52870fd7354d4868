public import StageKit

/// The stages that cyto-learn can do, in the order of the pipeline.
public let learningStages: [any Stage.Type] = [
    Pretraining.self,
    Features.self,
    AttentionMaps.self,
    AreaFinetuning.self,
    LayerSegmentation.self,
]

/// Small commands beside the stages.
public let learningTools: [StageTool] = [throughputTool, patchReaderTool]
