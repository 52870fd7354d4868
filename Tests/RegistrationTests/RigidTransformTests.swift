import NDArray
import Registration
import Testing

@Suite struct RigidTransformTests {
    let turned = RigidTransform(rotationRad: 0.7, translation: PlanarPoint(row: 3, column: -8))
    let mirrored = RigidTransform(
        rotationRad: -2.1, isMirrored: true, translation: PlanarPoint(row: -40, column: 11))
    let points = [(1.0, 2.0), (-7.5, 0.25), (300, -20)].map { PlanarPoint(row: $0.0, column: $0.1) }

    @Test func theInverseUndoesIt() {
        for transform in [turned, mirrored] {
            for point in points {
                // Coordinates of a few hundred carry about 1e-13 of rounding.
                #expect(transform.inverse(transform(point)).distance(to: point) < 1e-11)
            }
        }
    }

    @Test func compositionIsApplicationInTurn() {
        for (first, second) in [(turned, mirrored), (mirrored, turned), (mirrored, mirrored), (turned, turned)] {
            for point in points {
                #expect(second.after(first)(point).distance(to: second(first(point))) < 1e-11)
            }
        }
    }

    @Test func aMatrixAndItsTransformAreTheSame() {
        for transform in [turned, mirrored, turned.after(mirrored)] {
            let back = RigidTransform(matrix: transform.matrix)
            #expect(back.isMirrored == transform.isMirrored)
            for point in points { #expect(back(point).distance(to: transform(point)) < 1e-11) }
            let m = transform.matrix
            let p = points[1]
            #expect(abs(m[0] * p.row + m[1] * p.column + m[2] - transform(p).row) < 1e-12)
            #expect(abs(m[3] * p.row + m[4] * p.column + m[5] - transform(p).column) < 1e-12)
        }
    }

    @Test func distancesStay() {
        for transform in [turned, mirrored] {
            #expect(
                abs(transform(points[0]).distance(to: transform(points[2])) - points[0].distance(to: points[2])) < 1e-10
            )
        }
    }

    @Test func unitsScaleOnlyTheShift() {
        let um = mirrored.inUnits(of: 1 / 64)
        let moved = mirrored(points[1])
        let p = PlanarPoint(row: points[1].row * 64, column: points[1].column * 64)
        #expect(um(p).distance(to: PlanarPoint(row: moved.row * 64, column: moved.column * 64)) < 1e-9)
    }

    @Test(arguments: [false, true]) func aFitToExactPartnersIsExact(isMirrored: Bool) throws {
        let truth = isMirrored ? mirrored : turned
        let fit = try #require(rigidFit(points, points.map { truth($0) }, isMirrored: isMirrored))
        for point in points { #expect(fit(point).distance(to: truth(point)) < 1e-10) }
    }

    @Test func noNearbyTransformFitsBetterThanTheFit() throws {
        var random = SeededGenerator(seed: 3)
        let moving = (0..<40).map { _ in PlanarPoint(row: 100 * random.uniform(), column: 100 * random.uniform()) }
        let fixed = moving.map { point in
            let moved = turned(point)
            return PlanarPoint(row: moved.row + random.normal(), column: moved.column + random.normal())
        }
        let fit = try #require(rigidFit(moving, fixed))
        func cost(_ transform: RigidTransform) -> Double {
            zip(moving, fixed).reduce(0) { sum, pair in
                let distance = transform(pair.0).distance(to: pair.1)
                return sum + distance * distance
            }
        }
        for (angle, row, column) in [
            (1e-3, 0, 0), (-1e-3, 0, 0), (0, 0.01, 0), (0, -0.01, 0), (0, 0, 0.01), (0, 0, -0.01),
        ] {
            var other = fit
            other.rotationRad += angle
            other.translation.row += row
            other.translation.column += column
            #expect(cost(other) > cost(fit))
        }
    }

    @Test func tooFewOrCoincidingPointsHaveNoFit() {
        #expect(rigidFit([points[0]], [points[1]]) == nil)
        #expect(rigidFit([], []) == nil)
        #expect(rigidFit([points[0], points[0]], [points[1], points[1]]) == nil)
    }
}
