import NDArray
import Phantom
import Testing

@Suite struct ScoreTests {
    @Test func diceOfKnownCounts() {
        var overlap = LabelOverlap()
        overlap.add(
            truth: Image(rows: 2, columns: 4, elements: [0, 1, 1, 2, 0, 1, 2, 2]),
            found: Image(rows: 2, columns: 4, elements: [0, 1, 2, 2, 1, 1, 2, 2]))
        // Gray: 2 in common, 3 true, 3 found. White: 3 in common, 3 true, 4 found.
        #expect(overlap.dice(1) == 4.0 / 6)
        #expect(overlap.dice(2) == 6.0 / 7)
        #expect(overlap.share(of: 1, foundAs: 2) == 1.0 / 3)
        var twice = overlap
        twice.add(overlap)
        #expect(twice.dice(1) == overlap.dice(1))
        #expect(LabelOverlap().dice(1) == 1)
    }

    @Test func unequalSizesAreComparedWhereBothAre() {
        var overlap = LabelOverlap(classes: 2)
        overlap.add(truth: Image(rows: 3, columns: 3, filledWith: 1), found: Image(rows: 2, columns: 4, filledWith: 1))
        #expect(overlap.counts == [0, 0, 0, 6])
    }

    @Test func transformErrorIsZeroForTheTruthAndTheOffsetForAShift() {
        let truth = PlaneTransform.rotation(0.3).followed(by: .translation(row: 100, column: -50))
        let tissue = [SIMD2(0.0, 0), SIMD2(2000, 0), SIMD2(0, 2000), SIMD2(2000, 2000)]
        let none = TransformError(found: truth, truth: truth, tissueUm: tissue)
        #expect(none.rotationDeg == 0 && none.translationUm == 0 && none.displacementUm == 0)
        let shifted = TransformError(
            found: truth.followed(by: .translation(row: 30, column: 40)), truth: truth, tissueUm: tissue)
        // Rounding of sums of a few thousand: 10⁻⁹.
        #expect(abs(shifted.translationUm - 50) < 1e-9 && abs(shifted.displacementUm - 50) < 1e-9)
        #expect(shifted.rotationDeg < 1e-12)
    }

    @Test func rotationAboutTheMiddleOfTheTissueIsNoTranslation() {
        let about = PlaneTransform.translation(row: -1000, column: -1000)
            .followed(by: .rotation(0.01)).followed(by: .translation(row: 1000, column: 1000))
        let tissue = [SIMD2(0.0, 0), SIMD2(2000, 0), SIMD2(0, 2000), SIMD2(2000, 2000)]
        let error = TransformError(found: about, truth: .identity, tissueUm: tissue)
        #expect(abs(error.rotationDeg - 0.01 * 180 / Double.pi) < 1e-9)
        #expect(error.translationUm < 1e-9)
        // Chord: 2 r sin(θ/2) with r = 1000 √2.
        #expect(abs(error.displacementUm - 2 * 1000 * 2.0.squareRoot() * 0.005) < 1e-3)
    }

    @Test func fullTurnsDoNotCount() {
        let error = TransformError(
            found: .rotation(Double.pi - 0.001), truth: .rotation(-Double.pi + 0.001), tissueUm: [])
        #expect(abs(error.rotationDeg - 0.002 * 180 / Double.pi) < 1e-9)
    }

    @Test func inverseUndoesAMirroringMap() throws {
        let map = PlaneTransform.mirror.followed(by: .rotation(0.7)).followed(by: .translation(row: 5, column: -8))
        let back = map.followed(by: try #require(map.inverse))
        for (ours, right) in zip(back.elements, PlaneTransform.identity.elements) { #expect(abs(ours - right) < 1e-12) }
        #expect(map.mirrors)
        #expect(PlaneTransform([1, 2, 0, 2, 4, 0, 0, 0, 1]).inverse == nil)
    }

    @Test func aStackInAnotherFrameIsRight() throws {
        let truth = (0..<5).map { index -> PlaneTransform in
            (index == 3 ? PlaneTransform.mirror : .identity)
                .followed(by: .rotation(0.05 * Double(index)))
                .followed(by: .translation(row: 10 * Double(index), column: 7))
        }
        let frame = PlaneTransform.mirror.followed(by: .rotation(1)).followed(by: .translation(row: 500, column: 0))
        let tissue = truth.map { _ in [SIMD2(0.0, 0), SIMD2(1000, 1000)] }
        let error = try #require(
            StackError(found: truth.map { $0.followed(by: frame) }, truth: truth, tissueUm: tissue, base: 2))
        #expect(error.sections.allSatisfy { $0.displacementUm < 1e-9 && $0.rotationDeg < 1e-9 })
        #expect(error.mirroredFound == 1 && error.mirroredMissed == 0 && error.mirroredInvented == 0)

        var wrong = truth
        wrong[3] = .identity
        wrong[1] = .mirror
        let confused = try #require(StackError(found: wrong, truth: truth, tissueUm: tissue, base: 2))
        #expect(confused.mirroredFound == 0 && confused.mirroredMissed == 1 && confused.mirroredInvented == 1)
    }

    @Test func quantilesAreLinearBetweenValues() {
        #expect(quantile(0.5, of: [4, 1, 3, 2]) == 2.5)
        #expect(quantile(1, of: [4, 1, 3, 2]) == 4)
        #expect(quantile(0.5, of: []) == nil)
    }
}
