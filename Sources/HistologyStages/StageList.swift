public import StageKit

/// The stages that `cyto-stage` can run: one line each, in the order of the pipeline.
public let histologyStages: [any Stage.Type] = [
    PhantomBrain.self,
    PhantomTemplate.self,
    PhantomTransforms.self,
    PhantomSection.self,
    PhantomLayerPatches.self,
    TissueSegmentation.self,
    SegmentationPreview.self,
    SectionKeypoints.self,
    SectionAlignment.self,
    SectionBridge.self,
    SectionStack.self,
    TissueVolume.self,
    VolumeCleanup.self,
    CorticalDepthField.self,
    Midsurface.self,
    MidsurfaceViews.self,
    Midline.self,
    MidlinePreview.self,
    ExclusionMask.self,
    MniCoordinates.self,
    AlignmentQuality.self,
    Morphology.self,
    IntensityProfiles.self,
    LayerDensity.self,
    VolumeViews.self,
    TemplateRegistration.self,
    RegistrationViews.self,
    ReconstructionCheck.self,
    GeometryCheck.self,
    AreaPoints.self,
    PatchSampling.self,
    StructureCheck.self,
]

/// The small commands beside them.
public let histologyTools: [StageTool] = [
    .sectionInfo,
    .sectionPreview,
    .export,
]
