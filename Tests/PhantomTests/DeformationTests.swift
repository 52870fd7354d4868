import NDArray
import Phantom
import SpatialTransforms
import Testing

/// Points all over the box of a brain's half axes.
private func points(_ count: Int, seed: UInt64) -> [PointMm] {
    var random = SeededGenerator(seed: seed)
    return (0..<count).map { _ in
        PointMm(
            plane: Float(80 * random.uniform() - 40), row: Float(56 * random.uniform() - 28),
            column: Float(62 * random.uniform() - 31))
    }
}

@Suite struct DeformationTests {
    @Test(arguments: [1, 2, 3, 4, 5, 6] as [UInt64])
    func theMapToTheTemplateHasNoFolds(individual: UInt64) {
        let map = BrainDeformation(individual: individual)
        let step: Float = 0.25
        for point in points(4000, seed: 9) {
            func slope(_ along: WritableKeyPath<PointMm, Float>) -> SIMD3<Double> {
                var (after, before) = (point, point)
                after[keyPath: along] += step
                before[keyPath: along] -= step
                return (map.templatePoint(after).rasMm - map.templatePoint(before).rasMm) / Double(2 * step)
            }
            let jacobian = AffineTransform(
                x: slope(\.column), y: slope(\.plane), z: -slope(\.row), translation: .zero)
            // Far above zero: amplitude 1.5 mm against a wavelength of 42 mm.
            #expect(jacobian.determinant > 0.2)
        }
    }

    @Test(arguments: [1, 2, 3] as [UInt64])
    func theHemispheresMeetWhereTheyDoInTheTemplate(individual: UInt64) {
        let map = BrainDeformation(individual: individual)
        for var point in points(200, seed: 2) {
            point.column = 0
            #expect(map.templatePoint(point).column == 0)
        }
    }

    @Test func theInverseUndoesTheMapToLessThanAMicrometre() {
        let map = BrainDeformation(individual: 11)
        for point in points(2000, seed: 3) {
            let back = map.brainPoint(map.templatePoint(point)).rasMm - point.rasMm
            #expect((back * back).sum().squareRoot() < 1e-3)
            let there = map.templatePoint(map.brainPoint(point)).rasMm - point.rasMm
            #expect((there * there).sum().squareRoot() < 1e-3)
        }
    }

    @Test func theTemplateIsItsOwnSpace() {
        let map = BrainDeformation(individual: nil)
        for point in points(20, seed: 4) {
            #expect(map.templatePoint(point) == point)
            #expect(map.brainPoint(point) == point)
        }
    }

    @Test func transformsErrAsMuchAsTheyAreMeantTo() throws {
        let map = BrainDeformation(individual: 5)
        let half = PointMm(plane: 39, row: 27, column: 30)
        let made = try BrainTransforms(map, halfAxesMm: half, spacingMm: 2, errorMm: 2, seed: 8, threads: 2)
        var (worst, wrong, linear) = (0.0, 0.0, 0.0)
        let all = points(5000, seed: 6)
        for point in all {
            let right = map.templatePoint(point).rasMm
            let exact = try #require(made.exact(point.rasMm)) - right
            let realistic = try #require(made.realistic(point.rasMm)) - right
            worst = max(worst, (exact * exact).sum().squareRoot())
            wrong += (realistic * realistic).sum()
            let fitted = made.linear(point.rasMm) - right
            linear += (fitted * fitted).sum()
            // Realistic is exact plus the error that is told.
            let told = try #require(made.error(point.rasMm)) - point.rasMm
            let difference = realistic - exact - told
            #expect((difference * difference).sum().squareRoot() < 1e-4)
        }
        // Trilinear: 3 · h²/8 · amplitude · (2π/λ)² · 3 standard deviations = 0.15 mm at the very most; asked for are 0.1.
        #expect(worst < 0.1, "exact field errs by \(worst) mm")
        // 48 random waves of 45 mm in a box of 80 mm: their mean square is within a third of what it is on average.
        let rms = (wrong / Double(all.count)).squareRoot()
        #expect(rms > 1.3 && rms < 2.7, "realistic error \(rms) mm")
        // The linear one takes out size, turn and shear, but not the waves: below their 1.5 √3 mm, a third more for chance.
        let left = (linear / Double(all.count)).squareRoot()
        #expect(left > 0.2 && left < 3.5, "linear error \(left) mm")
    }

    @Test func threadsDoNotChangeTransforms() throws {
        let map = BrainDeformation(individual: 5)
        let half = PointMm(plane: 20, row: 20, column: 20)
        let one = try BrainTransforms(map, halfAxesMm: half, spacingMm: 4, errorMm: 1, seed: 8, threads: 1)
        let three = try BrainTransforms(map, halfAxesMm: half, spacingMm: 4, errorMm: 1, seed: 8, threads: 3)
        #expect(one.exact == three.exact && one.realistic == three.realistic && one.linear == three.linear)
    }
}
