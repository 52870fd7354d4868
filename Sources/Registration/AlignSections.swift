internal import Imaging
public import NDArray

/// A section with its keypoints, ready to be aligned with its neighbours.
public struct SectionFeatures: Sendable {
    public var image: RegistrationImage
    public var keypoints: KeypointSet

    public init(image: RegistrationImage, keypoints: KeypointSet) {
        self.image = image
        self.keypoints = keypoints
    }

    /// Finds the tissue and its keypoints; see `tissueAndKeypoints`.
    public static func extracted(
        from gray: Image<UInt8>, tissue: Image<UInt8>? = nil, marginPx: Double = 4,
        settings: SurfSettings = SurfSettings(), threads: Int = 1
    ) -> SectionFeatures {
        let found = tissueAndKeypoints(
            of: gray, tissue: tissue, marginPx: marginPx, settings: settings, threads: threads)
        return SectionFeatures(
            image: RegistrationImage(gray: gray, tissue: found.tissue), keypoints: found.keypoints)
    }

    /// A section's tissue, 1 where there is some, and its keypoints.
    ///
    /// Gray levels are stretched first so that the darkest and brightest half per cent become 0 and 255: the threshold of the detector
    /// then means the same for faint and strong stains. Keypoints lie on the tissue, its holes, and `marginPx` around it.
    ///
    /// - Parameters:
    ///   - gray: stained tissue dark on a bright slide.
    ///   - tissue: Otsu's mask where nil. Holes are filled: ventricles and pale white matter belong to a section.
    public static func tissueAndKeypoints(
        of gray: Image<UInt8>, tissue: Image<UInt8>? = nil, marginPx: Double = 4,
        settings: SurfSettings = SurfSettings(), threads: Int = 1
    ) -> (tissue: Image<UInt8>, keypoints: KeypointSet) {
        let mask = fillingHoles(tissue.map { BitImage($0) } ?? tissueMask(of: gray))
        let searched = mask.dilated(radiusPx: marginPx, threads: threads).bytes()
        let keypoints = surfKeypoints(
            contrastStretched(gray), inside: searched, settings: settings, threads: threads)
        return (mask.bytes(), keypoints)
    }
}

/// The gray levels with the darkest and brightest `share` of the pixels moved to 0 and 255.
public func contrastStretched(_ image: Image<UInt8>, share: Double = 0.005) -> Image<Float> {
    let counts = histogram(of: image)
    let clipped = Int(share * Double(image.count))
    var sum = 0
    let low =
        counts.firstIndex {
            sum += $0; return sum > clipped
        } ?? 0
    sum = 0
    let high =
        counts.lastIndex {
            sum += $0; return sum > clipped
        } ?? 255
    guard high > low else { return image.map(Float.init) }
    let table = (0...255).map { level in
        Float(min(max(Double(level - low) * 255 / Double(high - low), 0), 255))
    }
    return image.map { table[Int($0)] }
}

/// How two sections are aligned.
public struct AlignmentSettings: Sendable, Equatable {
    /// Largest share of the nearest descriptor distance in the second nearest.
    public var ratio: Float
    public var mutual: Bool
    public var consensus: ConsensusSettings
    /// Fewer inliers than this are taken for chance.
    public var minimumInliers: Int
    /// Whether the gray levels refine the keypoints' transform.
    public var refines: Bool
    /// Where keypoints lead nowhere, the gray levels alone may: the least correlation of sections aligned so; nil never tries.
    public var searchedCorrelation: Double?
    public var seed: UInt64

    /// Tolerances in pixels of the images that are aligned.
    public init(
        ratio: Float = 0.85, mutual: Bool = true, consensus: ConsensusSettings = ConsensusSettings(tolerance: 2),
        minimumInliers: Int = 6, refines: Bool = true, searchedCorrelation: Double? = nil, seed: UInt64 = 0
    ) {
        self.ratio = ratio
        self.mutual = mutual
        self.consensus = consensus
        self.minimumInliers = minimumInliers
        self.refines = refines
        self.searchedCorrelation = searchedCorrelation
        self.seed = seed
    }
}

/// What became of an attempt to align two sections.
public struct PairAlignment: Sendable, Equatable {
    public enum Verdict: String, Sendable, CaseIterable {
        case accepted
        /// Too few matches agree on any transform.
        case tooFewInliers = "too-few-inliers"
        /// The sections lie worse on each other than with their centres laid together.
        case worseOverlap = "worse-overlap"
    }

    public var verdict: Verdict
    /// Moving pixels to fixed pixels; centres laid on each other where not accepted.
    public var transform: RigidTransform
    public var matches: Int
    public var inliers: Int
    /// Root mean square distance of the inliers, in pixels; NaN where there are none.
    public var residualPx: Double
    /// With centres laid on each other.
    public var before: Overlap
    /// Under the transform that was found, accepted or not.
    public var after: Overlap
}

/// Aligns a section with a neighbour: matching, RANSAC, refinement, once as it is and once mirrored; the better one counts.
///
/// A brain is nearly symmetric, so a mirrored fit to a good section finds inliers too, and the plain fit to a mirrored one. Hence both are
/// tried and compared by what the whole sections look like on each other, not by inliers alone.
///
/// - Parameter orientations: which transforms are tried: plain ones (false), mirrored ones (true).
/// - Returns: the alignment; `verdict` says whether to trust it.
public func alignSections(
    _ moving: SectionFeatures, _ fixed: SectionFeatures, settings: AlignmentSettings = AlignmentSettings(),
    orientations: [Bool] = [false, true], threads: Int = 1
) -> PairAlignment {
    let centred = RigidTransform.about(moving.image.centre, onto: fixed.image.centre)
    let before = overlap(of: moving.image, on: fixed.image, under: centred, threads: threads)
    var best = PairAlignment(
        verdict: .tooFewInliers, transform: centred, matches: 0, inliers: 0, residualPx: .nan, before: before,
        after: before)
    for mirrored in orientations {
        let matches = matchKeypoints(
            moving.keypoints, fixed.keypoints, mirrored: mirrored, ratio: settings.ratio, mutual: settings.mutual,
            threads: threads)
        if mirrored == orientations.first { best.matches = matches.count }
        var generator = SeededGenerator(seed: settings.seed, stream: "section-alignment", mirrored ? 1 : 0)
        guard
            let consensus = rigidConsensus(
                matches.map { moving.keypoints.keypoints[$0.moving].position },
                matches.map { fixed.keypoints.keypoints[$0.fixed].position },
                isMirrored: mirrored, settings: settings.consensus, generator: &generator),
            consensus.inliers.count >= settings.minimumInliers
        else { continue }
        // A mirrored fit of far fewer keypoints is not worth the look, unless the plain one lies badly.
        if mirrored, best.verdict == .accepted, 2 * consensus.inliers.count < best.inliers,
            best.after.correlation > 0.8
        {
            continue
        }
        var transform = consensus.transform
        var after = overlap(of: moving.image, on: fixed.image, under: transform, threads: threads)
        if settings.refines {
            let climbed = climbedTransform(transform, moving: moving.image, fixed: fixed.image, threads: threads)
            let there = overlap(of: moving.image, on: fixed.image, under: climbed, threads: threads)
            if there.correlation > after.correlation { (transform, after) = (climbed, there) }
        }
        let attempt = PairAlignment(
            verdict: after.correlation > before.correlation ? .accepted : .worseOverlap, transform: transform,
            matches: matches.count, inliers: consensus.inliers.count, residualPx: consensus.residual, before: before,
            after: after)
        if attempt.isBetter(than: best) { best = attempt }
    }
    if best.verdict != .accepted, let least = settings.searchedCorrelation {
        best = searched(
            moving.image, fixed.image, least: least, orientations: orientations, instead: best, threads: threads)
    }
    if best.verdict != .accepted { best.transform = centred }
    return best
}

/// What the gray levels alone find; the failed alignment where that correlates too little.
///
/// Shifts about the centres are tried where the centres alone lead nowhere: that takes ten times as long.
///
/// A correlation can be chance. It counts where the outlines agree too, or where it is far above the best of the other orientation:
/// outlines say nothing where the pale parts of a section were taken for slide. One that is less than asked for counts where both are so: near a pole
/// folds change so fast that gray levels hardly correlate.
private func searched(
    _ moving: RegistrationImage, _ fixed: RegistrationImage, least: Double, orientations: [Bool],
    instead failed: PairAlignment, threads: Int
) -> PairAlignment {
    for shiftShare in [0, 0.1] {
        let found = searched(
            moving, fixed, least: least, orientations: orientations, shiftShare: shiftShare, instead: failed,
            threads: threads)
        if found.verdict == .accepted { return found }
    }
    return failed
}

private func searched(
    _ moving: RegistrationImage, _ fixed: RegistrationImage, least: Double, orientations: [Bool], shiftShare: Double,
    instead failed: PairAlignment, threads: Int
) -> PairAlignment {
    var found: [Bool: PairAlignment] = [:]
    for mirrored in orientations {
        guard
            let transform = searchedTransform(
                moving: moving, fixed: fixed, mirrored: mirrored, shiftShare: shiftShare, threads: threads)
        else { continue }
        found[mirrored] = PairAlignment(
            verdict: .accepted, transform: transform, matches: failed.matches, inliers: 0, residualPx: .nan,
            before: failed.before, after: overlap(of: moving, on: fixed, under: transform, threads: threads))
    }
    func isCredible(_ mirrored: Bool) -> Bool {
        guard let after = found[mirrored]?.after, after.correlation > failed.before.correlation else { return false }
        let lead = found[!mirrored].map { after.correlation - $0.after.correlation } ?? 0
        if after.correlation <= least { return after.correlation > 0 && after.dice >= 0.8 && lead > 0.2 }
        return after.dice >= 0.75 || lead > 0.25
    }
    let credible = orientations.filter(isCredible).compactMap { found[$0] }
    guard let first = credible.first else { return failed }
    // Hemispheres are alike: only a clear gain speaks for a mirrored section.
    return credible.dropFirst().reduce(first) { $1.after.correlation > $0.after.correlation + 0.05 ? $1 : $0 }
}

extension PairAlignment {
    /// An accepted one beats one that is not; of two accepted ones the clearly better overlap wins, else the overlap weighted by the
    /// agreement of keypoints.
    func isBetter(than other: PairAlignment) -> Bool {
        guard verdict == .accepted else { return other.verdict == .tooFewInliers }
        guard other.verdict == .accepted else { return true }
        let gain = after.correlation - other.after.correlation
        if abs(gain) > 0.1 { return gain > 0 }
        return after.correlation * Double(inliers) > other.after.correlation * Double(other.inliers)
    }
}
