import NDArray
import SpatialTransforms
import Testing
import VolumeRegistration

@Suite struct KnownMapsTests {
    let frame = ToyBrain.frame(rollDeg: 17, scale: [1.06, 0.95, 1.02], shift: [1.5, -2, 0.7])

    /// Voxels of 1 mm: the template's maps are interpolated and so a little softer than the brain's labels, which at the toy's
    /// thin ridges shifts boundaries by a part of a voxel; a fifth of it in the middle, most where the brain is farthest.
    @Test func knownAffineMapIsFound() throws {
        var settings = ToyBrain.settings
        settings.iterations = 0
        let match = try registerToTemplate(
            try ToyBrain.brain { frame($0) }, template: try ToyBrain.template(), settings: settings, threads: 2)
        let errors = Errors(ToyBrain.points { frame($0) }) { match.templatePointMm(ofBrainMm: $0) - frame($0) }
        #expect(errors.median < 0.2)
        #expect(errors.most < 0.6)
        #expect(abs(match.quality.affineRollDeg - 17) < 1)
        #expect(abs(match.quality.affineVolume / frame.determinant - 1) < 0.01)
    }

    @Test(arguments: [-55.0, -30, 40])
    func frameMayBeTurnedFar(rollDeg: Double) throws {
        let frame = ToyBrain.frame(rollDeg: rollDeg, scale: [1, 1, 1], shift: [0, 3, -2])
        var settings = ToyBrain.settings
        settings.iterations = 0
        let match = try registerToTemplate(
            try ToyBrain.brain { frame($0) }, template: try ToyBrain.template(), settings: settings, threads: 2)
        let errors = Errors(ToyBrain.points { frame($0) }) { match.templatePointMm(ofBrainMm: $0) - frame($0) }
        #expect(errors.median < 0.2)
        #expect(errors.most < 0.6)
    }

    /// The same tissue on both sides: what a smooth map cannot follow between knots 6 mm apart, and labels of half a millimetre,
    /// leave a quarter of a voxel in the middle.
    @Test func knownSmoothMapIsFound() throws {
        func truth(_ p: SIMD3<Double>) -> SIMD3<Double> { ToyBrain.bent(frame(p)) }
        let match = try registerToTemplate(
            try ToyBrain.brain(toTemplate: truth), template: try ToyBrain.template(), settings: ToyBrain.settings,
            threads: 2)
        let points = ToyBrain.points(toTemplate: truth)
        let affine = Errors(points) { match.affinePointMm(ofBrainMm: $0) - truth($0) }
        let errors = Errors(points) { match.templatePointMm(ofBrainMm: $0) - truth($0) }
        #expect(errors.median < 0.25)
        #expect(errors.median < 0.4 * affine.median)
        #expect(match.quality.misfit.final < 0.3 * match.quality.misfit.affine)
        #expect(match.quality.grayDice.final > match.quality.grayDice.affine)

        // There and back: steps of at most 1/8 cell, linear between grid points 1 mm apart.
        let round = Errors(points) { match.brainPointMm(ofTemplateMm: match.templatePointMm(ofBrainMm: $0)) - $0 }
        #expect(round.most < 0.05)
        #expect(match.quality.inverseErrorUm.most < 50)
        #expect(match.quality.leastJacobian > 0.3)
        #expect(match.quality.mostJacobian < 3)
        #expect(match.quality.foldedShare == 0)
    }

    @Test func fieldsSayWhatTheMatchSays() throws {
        let match = try registerToTemplate(
            try ToyBrain.brain { ToyBrain.bent(frame($0)) }, template: try ToyBrain.template(),
            settings: ToyBrain.settings, threads: 2)
        let grid = try OrientedGrid(
            planes: 12, rows: 10, columns: 11,
            indexToMm: AffineTransform(x: [4, 0, 0], y: [0, 4, 0], z: [0, 0, 4], translation: [8, -20, -48]))
        let field = try match.field(onBrain: grid, threads: 2)
        let point = grid.point(plane: 5, row: 4, column: 6)
        let found = try #require(field(point))
        let off = found - match.templatePointMm(ofBrainMm: point)
        // Displacements are kept as float32.
        #expect((off * off).sum().squareRoot() < 1e-4)
    }

    @Test func threadsAndRunsGiveTheSameBits() throws {
        let brain = try ToyBrain.brain { ToyBrain.bent(frame($0)) }
        let template = try ToyBrain.template()
        let matches = try [1, 3, 3].map {
            try registerToTemplate(brain, template: template, settings: ToyBrain.settings, threads: $0)
        }
        for point in ToyBrain.points(toTemplate: { frame($0) }) {
            let first = matches[0].templatePointMm(ofBrainMm: point)
            #expect(matches[1].templatePointMm(ofBrainMm: point) == first)
            #expect(matches[2].templatePointMm(ofBrainMm: point) == first)
        }
        #expect(matches[0].quality == matches[1].quality)
    }

    @Test func stifferFlowsBendLess() throws {
        let brain = try ToyBrain.brain { ToyBrain.bent(frame($0)) }
        let template = try ToyBrain.template()
        let ranges = try [0.5, 50, 5_000].map { bending in
            var settings = ToyBrain.settings
            settings.bendingMm2 = bending
            let quality = try registerToTemplate(brain, template: template, settings: settings, threads: 2).quality
            return quality.mostJacobian - quality.leastJacobian
        }
        #expect(ranges[0] > ranges[1])
        #expect(ranges[1] > ranges[2])
    }
}
