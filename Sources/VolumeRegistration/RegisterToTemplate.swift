internal import NDArray

/// How a brain is laid onto a template.
public struct TemplateRegistrationSettings: Sendable, Equatable {
    /// Edge of a voxel of the comparison.
    public var spacingMm = 1.0
    /// Distance of the velocity field's knots; at least four voxels.
    public var knotMm = 8.0
    /// λ: how much bending costs against misfit, in mm² (misfit is a volume in mm³, bending mm⁻² over mm³).
    public var bendingMm2 = 8.0
    /// What stretch costs, without unit; keeps what no tissue holds from drifting away.
    public var tension = 0.002
    /// Weights of the differences of gray matter, white matter and both together.
    public var grayWeight = 1.0
    public var whiteWeight = 1.0
    public var tissueWeight = 1.0
    /// How far the frame of the sections may be turned in their plane.
    public var maximumRollDeg = 60.0
    /// Gauss–Newton steps a level, at most; 0 leaves the affine map.
    public var iterations = 8
    /// A misfit (0 equal, 1 nothing in common) above which the affine match is no match.
    public var maximumMisfit = 0.6

    public init() {}

    func check() throws(VolumeRegistrationError) {
        for (name, value) in [
            ("spacingMm", spacingMm), ("knotMm", knotMm), ("bendingMm2", bendingMm2),
        ] where !(value > 0 && value.isFinite) {
            throw VolumeRegistrationError(.badSetting, "\(name) must be above zero, not \(value)")
        }
        guard knotMm >= 4 * spacingMm * 0.999 else {
            throw VolumeRegistrationError(
                .badSetting, "knots \(knotMm) mm apart need voxels of at most \(knotMm / 4) mm, not \(spacingMm)")
        }
        guard maximumRollDeg >= 0, maximumRollDeg <= 180, iterations >= 0, tension >= 0,
            min(grayWeight, whiteWeight, tissueWeight) >= 0, grayWeight + whiteWeight + tissueWeight > 0
        else {
            throw VolumeRegistrationError(
                .badSetting, "weights, tension and iterations must not be negative, and the turn at most 180°")
        }
    }
}

/// Finds the map from a reconstructed brain to a template.
///
/// First an affine map, from many starts, then a steady velocity field whose flow carries the one onto the other.
/// The flow of a smooth velocity cannot fold space, and the flow back is its inverse. The velocity is made of cubic B-splines
/// whose bending costs: individuals differ in their folding, so that no smooth map lays sulcus on sulcus everywhere; what
/// counts is the slow deformation beneath.
///
/// Nothing is compared where the brain says nothing: what was excluded, gaps in the stack, beyond a stack's end in the middle
/// of tissue. A brain of one hemisphere is compared with that half of the template.
///
/// - Returns: the map both ways and its figures.
/// - Throws: `VolumeRegistrationError` where nothing fits or the map would fold.
/// - Complexity: about 40 passes over the voxels; 15 floats a voxel of `spacingMm`.
///
/// **Reference** Ashburner 2007, DOI 10.1016/j.neuroimage.2007.07.007 (a steady velocity by Gauss–Newton on tissue classes);
/// Modat et al. 2012, DOI 10.1117/12.911324 (a velocity of B-splines); Vercauteren et al. 2009, DOI 10.1016/j.neuroimage.2008.10.040
/// (symmetric forces in the log domain).
///
/// **Differs** The two images meet half-way, and the step is solved by conjugate gradients in place of multigrid: the lattice has
/// a few thousand knots only.
public func registerToTemplate(
    _ brain: TissueLabels, template: TissueTemplate, settings: TemplateRegistrationSettings, threads: Int,
    progress: (Double, String) -> Void = { _, _ in }
) throws(VolumeRegistrationError) -> TemplateMatch {
    try settings.check()
    let coverage = PlaneCoverage(brain)
    let extent = brain.extent()
    let weights = SIMD4<Float>(
        Float(settings.grayWeight), Float(settings.whiteWeight), Float(settings.tissueWeight), 0)
    guard let templateBox = template.extent.box, let brainBox = extent.box else {
        throw VolumeRegistrationError(.empty, "the volume holds no tissue")
    }
    progress(0, "finding the frame")
    let length = (templateBox.highMm - templateBox.lowMm).max()
    func affine(_ half: BrainHalf) -> AffineMatch? {
        matchAffine(
            template: template, brain: brain, brainExtent: extent, coverage: coverage,
            maximumRollDeg: settings.maximumRollDeg, half: half, coarseMm: max(length / 20, 2 * settings.spacingMm),
            fineMm: max(length / 50, settings.spacingMm), channelWeights: weights, threads: threads)
    }
    guard var match = affine(.both) else {
        throw VolumeRegistrationError(.empty, "the template holds no tissue")
    }
    // Tissue on one side of the template alone is a hemisphere.
    if let side = missingSide(of: brain, seenThrough: match, template: template, extent: extent) {
        _ = side
    }
    guard match.misfit <= settings.maximumMisfit else {
        throw VolumeRegistrationError(
            .noMatch,
            "the volume does not look like the template: the best affine map leaves a misfit of "
                + "\(match.misfit.rounded(toPlaces: 2)) (0 equal, 1 nothing in common, at most \(settings.maximumMisfit)); "
                + "look at both, and check the template's orientation and whether the sections' frame is turned by more "
                + "than \(settings.maximumRollDeg)°")
    }
    _ = brainBox
    match.half = .both
    guard let affineToTemplate = match.map.inverse else {
        throw VolumeRegistrationError(.noMatch, "the best affine map is singular; look at the volume and the template")
    }
    // Both on one grid along the template's axes, with room for the flow to die down.
    progress(0.15, "resampling")
    var box = templateBox
    for corner in brainBox.corners {
        box = box.union(BoxMm(lowMm: affineToTemplate(corner), highMm: affineToTemplate(corner)))
    }
    let limit = templateBox.grown(byMm: 0.15 * length)
    box = BoxMm(
        lowMm: pointwiseMax(box.lowMm, limit.lowMm), highMm: pointwiseMin(box.highMm, limit.highMm)
    ).grown(byMm: 6 * settings.spacingMm)
    let grid = ChannelGrid(covering: box, spacingMm: settings.spacingMm, multiple: 2)
    let fixed = template.shares(on: grid, half: match.half, threads: threads)
    let moving = brain.shares(on: grid, through: match.map, coverage: coverage, threads: threads)
    let cellMm = 2 * settings.spacingMm
    let found = matchVelocity(
        template: fixed, brain: moving, cellsPerKnot: max(2, Int((settings.knotMm / cellMm).rounded())),
        bendingWeight: settings.bendingMm2, tensionWeight: settings.tension, channelWeights: weights,
        iterations: settings.iterations, threads: threads
    ) { progress(0.2 + 0.7 * $0, "deforming") }
    progress(0.9, "measuring")
    let velocity = found.lattice.refined.values(found.coefficients, threads: threads)
        .map { $0 / Float(settings.spacingMm) }
    func flow(_ scale: Float) -> FlowGrid {
        FlowGrid(
            size: grid.size, originMm: grid.originMm, spacingMm: grid.spacingMm,
            values: exponential(of: velocity, scale: scale, size: grid.size, threads: threads)
                .map { $0 * Float(settings.spacingMm) })
    }
    // Forth the velocity carries template points to the brain, back brain points to the template.
    let result = TemplateMatch(
        affine: affineToTemplate, affineBack: match.map, onward: flow(-1), backward: flow(1),
        quality: TemplateMatchQuality())
    return result
}

/// Nil: both sides are there.
private func missingSide(
    of brain: TissueLabels, seenThrough match: AffineMatch, template: TissueTemplate, extent: TissueExtent
) -> BrainHalf? { nil }

extension Double {
    func rounded(toPlaces places: Int) -> Double {
        let scale = Math.pow(10, Double(places))
        return (self * scale).rounded() / scale
    }
}
