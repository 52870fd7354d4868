import NDArray
import SpatialTransforms
import Testing
import VolumeRegistration

/// Bounds of 0.4 mm: less than half a voxel of the comparison; half a toy says less about itself than all of it.
@Suite struct MissingTissueTests {
    let frame = ToyBrain.frame(rollDeg: -12, scale: [1.03, 0.98, 1], shift: [-1, 1.5, 2])

    /// The affine map alone: what is missing pulls at all of it, while a flow may make up for it nearby.
    func match(_ brain: TissueLabels) throws -> TemplateMatch {
        var settings = ToyBrain.settings
        settings.iterations = 0
        return try registerToTemplate(brain, template: try ToyBrain.template(), settings: settings, threads: 2)
    }

    func error(_ match: TemplateMatch, _ kept: (SIMD3<Double>) -> Bool = { _ in true }) -> Errors {
        Errors(ToyBrain.points(toTemplate: { frame($0) }, kept)) { match.templatePointMm(ofBrainMm: $0) - frame($0) }
    }

    /// A third of the brain is taken out. Where it is said to be unknown it does no harm; where it passes for background it does.
    @Test func excludedTissueIsNotCompared() throws {
        func kept(_ p: SIMD3<Double>) -> Bool { p.z > -4 }
        let masked = error(try match(try ToyBrain.brain(toTemplate: { frame($0) }, kept: kept)), kept)
        let naive = error(
            try match(try ToyBrain.brain(masksExcluded: false, toTemplate: { frame($0) }, kept: kept)), kept)
        // Two fifths of the brain are gone, the wider ones: less than a voxel.
        #expect(masked.median < 0.7)
        #expect(naive.median > 1.5 * masked.median)
    }

    @Test(arguments: [BrainHalf.left, .right])
    func oneHemisphereIsLaidOnItsHalf(half: BrainHalf) throws {
        func kept(_ p: SIMD3<Double>) -> Bool { half == .left ? p.x < 0 : p.x > 0 }
        // Nothing says that the other half is missing.
        let match = try match(
            try ToyBrain.brain(masksExcluded: false, toTemplate: { frame($0) }, kept: kept))
        #expect(match.quality.half == half)
        #expect(error(match, kept).median < 0.4)
    }

    @Test func wholeBrainHasBothHalves() throws {
        #expect(try match(try ToyBrain.brain { frame($0) }).quality.half == .both)
    }

    @Test func stackThatEndsInTissueIsNotStretched() throws {
        let match = try match(try ToyBrain.brain(planes: 0..<70) { frame($0) })
        #expect(match.quality.endsCut)
        #expect(!match.quality.startsCut)
        #expect(error(match) { $0.y < 8 }.median < 0.4)
    }

    @Test func gapsInTheStackAreNotCompared() throws {
        var made = ToyBrain.labels(originUm: [-24_000, 3_000, 5_000]) { frame($0) }
        for plane in [40, 41, 42, 43, 44, 45, 60, 61] {
            for index in plane * 9200..<(plane + 1) * 9200 { made.labels.elements[index] = 0 }
        }
        let match = try match(
            try TissueLabels(
                labels: made.labels, excluded: nil, spacingUm: 500, originUm: (-24_000, 3_000, 5_000)))
        #expect(match.quality.emptyPlanes == 8)
        #expect(error(match).median < 0.4)
    }
}
