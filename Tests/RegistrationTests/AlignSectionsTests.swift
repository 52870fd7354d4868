import NDArray
import Registration
import Testing

@Suite struct AlignSectionsTests {
    let picture = BlobPicture(rows: 200, columns: 240)

    func features(_ motion: RigidTransform, gain: Double = 1, offset: Double = 0, noise: Double = 3, seed: UInt64 = 1)
        -> SectionFeatures
    {
        .extracted(from: picture.moved(by: motion, gain: gain, offset: offset, noise: noise, seed: seed))
    }

    /// Largest distance between where two transforms put the tissue's rim.
    func error(_ found: RigidTransform, _ truth: RigidTransform) -> Double {
        [(40.0, 120.0), (160, 120), (100, 30), (100, 210)].map {
            let point = PlanarPoint(row: $0.0, column: $0.1)
            return found(point).distance(to: truth(point))
        }.max() ?? 0
    }

    @Test(arguments: [(0.05, false), (-1.2, false), (3.0, false), (0.1, true), (2.0, true)])
    func aKnownMotionIsFoundBack(rotationRad: Double, isMirrored: Bool) {
        let motion = picture.motion(rotationRad: rotationRad, row: 9.3, column: -7.8, isMirrored: isMirrored)
        let fixed = features(motion, gain: 0.8, offset: 20, seed: 2)
        let result = alignSections(features(.identity), fixed)
        #expect(result.verdict == .accepted)
        #expect(result.transform.isMirrored == isMirrored)
        // A tenth of a pixel: 3 gray levels of noise on some 20,000 pixels of tissue.
        #expect(error(result.transform, motion) < 0.15)
        // Noise of 3 levels on both, and the rim's step, which bilinear interpolation smears, keep it below 1.
        #expect(result.after.correlation > 0.85 && result.after.correlation > result.before.correlation)
    }

    @Test func withoutRefinementKeypointsAloneComeClose() {
        let motion = picture.motion(rotationRad: 0.3, row: 4, column: 6)
        let result = alignSections(features(.identity), features(motion, seed: 2), settings: .init(refines: false))
        #expect(result.verdict == .accepted)
        // Keypoints are good to about half a pixel, the mean of dozens of them to a fifth.
        #expect(error(result.transform, motion) < 0.5)
    }

    @Test func strangersAreRefused() {
        let other = BlobPicture(rows: 200, columns: 240, seed: 1234)
        let stranger = SectionFeatures.extracted(from: other.moved(by: .identity))
        let result = alignSections(features(.identity), stranger)
        #expect(result.verdict != .accepted || result.after.correlation > result.before.correlation)
        let blank = SectionFeatures.extracted(from: Image(rows: 200, columns: 240, filledWith: 230))
        #expect(alignSections(features(.identity), blank).verdict == .tooFewInliers)
        #expect(alignSections(blank, blank).verdict == .tooFewInliers)
    }

    /// A section without keypoints of which only the left part was taken for tissue: its centre lies off, and outlines disagree.
    func pale(_ motion: RigidTransform, seed: UInt64) -> SectionFeatures {
        let gray = picture.moved(by: motion, noise: 3, seed: seed)
        var tissue = features(motion).image.tissue
        for row in 0..<tissue.rows {
            for column in 125..<tissue.columns { tissue[row, column] = 0 }
        }
        return SectionFeatures(image: RegistrationImage(gray: gray, tissue: tissue), keypoints: none)
    }

    /// No keypoints.
    var none: KeypointSet {
        SectionFeatures.extracted(from: Image(rows: 200, columns: 240, filledWith: 230)).keypoints
    }

    @Test(arguments: [false, true]) func grayLevelsFindASectionWhoseTissueIsHalfSeen(isMirrored: Bool) {
        let motion = picture.motion(rotationRad: 0.2, row: 5, column: -4, isMirrored: isMirrored)
        var fixed = features(motion, seed: 2)
        fixed.keypoints = none
        let moving = pale(.identity, seed: 3)
        let result = alignSections(moving, fixed, settings: .init(searchedCorrelation: 0.2))
        #expect(result.after.dice < 0.75, "outlines agree, so that this shows nothing")
        #expect(result.verdict == .accepted)
        #expect(result.transform.isMirrored == isMirrored)
        #expect(error(result.transform, motion) < 1)
        // With one orientation only there is nothing to compare it with.
        let alone = alignSections(
            moving, fixed, settings: .init(searchedCorrelation: 0.2), orientations: [isMirrored])
        #expect(alone.verdict != .accepted)
    }

    @Test(arguments: [false, true]) func lessThanIsAskedForCountsWhereTheOtherOrientationIsFarBehind(isMirrored: Bool) {
        let motion = picture.motion(rotationRad: 0.2, row: 5, column: -4, isMirrored: isMirrored)
        var (moving, fixed) = (features(.identity), features(motion, seed: 2))
        (moving.keypoints, fixed.keypoints) = (none, none)
        let settings = AlignmentSettings(searchedCorrelation: 0.999)
        let result = alignSections(moving, fixed, settings: settings)
        #expect(result.after.correlation <= 0.999, "it correlates as asked for, so that this shows nothing")
        #expect(result.verdict == .accepted)
        #expect(result.transform.isMirrored == isMirrored)
        #expect(error(result.transform, motion) < 1)
        let alone = alignSections(moving, fixed, settings: settings, orientations: [isMirrored])
        #expect(alone.verdict != .accepted)
    }

    @Test func grayLevelsFindNothingBetweenStrangers() {
        let other = BlobPicture(rows: 200, columns: 240, seed: 1234)
        var stranger = SectionFeatures.extracted(from: other.moved(by: .identity, noise: 3, seed: 4))
        stranger.keypoints = none
        let result = alignSections(pale(.identity, seed: 3), stranger, settings: .init(searchedCorrelation: 0.2))
        #expect(result.verdict != .accepted)
    }

    @Test func refinementClimbsFromANearbyStart() {
        let motion = picture.motion(rotationRad: 0.2, row: 3, column: 2)
        let (moving, fixed) = (features(.identity).image, features(motion, seed: 2).image)
        var start = motion
        start.translation.row += 3
        start.translation.column -= 2
        let refined = refinedTransform(start, moving: moving, fixed: fixed)
        #expect(error(refined, motion) < 0.15)
        #expect(refinedTransform(start, moving: moving, fixed: fixed, threads: 3) == refined)
    }

    @Test func aSectionLiesPerfectlyOnItself() {
        let image = features(.identity).image
        let onItself = overlap(of: image, on: image, under: .identity)
        #expect(abs(onItself.correlation - 1) < 1e-9)
        #expect(onItself.dice == 1)
        let away = RigidTransform(rotationRad: 0, translation: PlanarPoint(row: 5000, column: 0))
        #expect(overlap(of: image, on: image, under: away).dice == 0)
        #expect(
            overlap(of: image, on: image, under: picture.motion(rotationRad: 0.3, row: 1, column: 2), threads: 3)
                == overlap(of: image, on: image, under: picture.motion(rotationRad: 0.3, row: 1, column: 2)))
    }
}
