internal import NDArray
internal import SpatialTransforms

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
    let weights = settings.channelWeights
    guard let templateBox = template.extent.box, let brainBox = extent.box else {
        throw VolumeRegistrationError(.empty, "the volume or the template holds no tissue")
    }
    progress(0, "finding the frame")
    let match = try findFrame(brain, extent, coverage, template, settings, threads: threads)
    guard let toTemplate = match.map.inverse, match.map.determinant > 0 else {
        throw VolumeRegistrationError(.noMatch, "the best affine map is singular; look at the volume and the template")
    }
    // Both on one grid along the template's axes, with room for the flow to die down.
    progress(0.3, "resampling")
    var box = templateBox
    for corner in brainBox.corners { box = box.union(BoxMm(lowMm: toTemplate(corner), highMm: toTemplate(corner))) }
    let limit = templateBox.grown(byMm: 0.15 * templateBox.longest)
    box = BoxMm(
        lowMm: pointwiseMax(box.lowMm, limit.lowMm), highMm: pointwiseMin(box.highMm, limit.highMm)
    ).grown(byMm: 6 * settings.spacingMm)
    let grid = ChannelGrid(covering: box, spacingMm: settings.spacingMm, multiple: 2)
    let fixed = template.shares(on: grid, half: match.half, threads: threads)
    let moving = brain.shares(on: grid, through: match.map, coverage: coverage, threads: threads)
    let atStart = brain.shares(on: grid, through: match.start, coverage: coverage, threads: threads)
    var quality = TemplateMatchQuality()
    quality.bendingMm2 = settings.bendingMm2
    while true {
        let found = matchVelocity(
            template: fixed, brain: moving, settings: settings, bendingWeight: quality.bendingMm2, threads: threads
        ) { progress(0.35 + 0.5 * $0, "deforming") }
        quality.gaussNewtonSteps += found.steps
        progress(0.9, "measuring")
        let flows = found.flows(on: grid, threads: threads)
        var result = TemplateMatch(
            affine: toTemplate, affineBack: match.map, onward: flows.onward, backward: flows.backward, quality: quality)
        result.measure(
            template: fixed, start: atStart, brain: moving, channelWeights: weights, threads: threads)
        guard result.quality.foldedShare > 0 else {
            result.quality.half = match.half
            result.quality.describe(coverage, match)
            return result
        }
        // The flow of a velocity that bends within few voxels may fold on the grid: a stiffer one does not.
        quality.bendingMm2 *= 4
        guard quality.bendingMm2 <= 256 * settings.bendingMm2 else {
            throw VolumeRegistrationError(
                .notInvertible,
                "the map folds space in \(result.quality.foldedShare * 100) % of its cells however stiff it is made; use a "
                    + "smaller spacing_mm or a larger knot_mm")
        }
    }
}

/// The affine map from the template to the brain, for a whole brain or one of its halves.
private func findFrame(
    _ brain: TissueLabels, _ extent: TissueExtent, _ coverage: PlaneCoverage, _ template: TissueTemplate,
    _ settings: TemplateRegistrationSettings, threads: Int
) throws(VolumeRegistrationError) -> AffineMatch {
    guard
        var match = matchAffine(
            template: template, brain: brain, extent: extent, coverage: coverage, half: .both, settings: settings,
            threads: threads)
    else { throw VolumeRegistrationError(.empty, "the template holds no tissue") }
    // A hemisphere has half the volume for its length; whichever way its frame is turned.
    func bulk(_ extent: TissueExtent) -> Double {
        let size = (extent.box?.highMm.y ?? 0) - (extent.box?.lowMm.y ?? 0)
        return extent.volumeMm3 / max(size * size * size, 1e-9)
    }
    if bulk(extent) < 0.75 * bulk(template.extent) {
        for half in [BrainHalf.left, .right] {
            guard
                let one = matchAffine(
                    template: template, brain: brain, extent: extent, coverage: coverage, half: half,
                    settings: settings, threads: threads), one.misfit < 0.75 * match.misfit,
                brain.share(onSideOf: template.extent.centreMm.x, half: half, through: one.map) > 0.9
            else { continue }
            match = one
        }
    }
    guard match.misfit <= settings.maximumMisfit else {
        throw VolumeRegistrationError(
            .noMatch,
            "the volume does not look like the template: the best affine map leaves a misfit of "
                + "\(match.misfit.rounded(toPlaces: 2)) (0 equal, 1 nothing in common, at most \(settings.maximumMisfit)). "
                + "Look at both; check the template's orientation and whether the sections' frame is turned by more than "
                + "\(settings.maximumRollDeg)°")
    }
    return match
}

extension Double {
    func rounded(toPlaces places: Int) -> Double {
        let scale = Math.pow(10, Double(places))
        return (self * scale).rounded() / scale
    }
}
