import NDArray
import SpatialTransforms
import Testing

func length(_ vector: SIMD3<Double>) -> Double { (vector * vector).sum().squareRoot() }

struct AffineTransformTests {
    private let sample = AffineTransform(rowMajor: [
        0.9, -0.2, 0.1, 5, 0.3, 1.1, -0.4, -7, 0.2, 0.5, 0.8, 11, 0, 0, 0, 1,
    ])

    @Test func matrixAndColumnsAgree() {
        #expect(AffineTransform(rowMajor: sample.rowMajor) == sample)
        #expect(sample([1, 0, 0]) == SIMD3(0.9 + 5, 0.3 - 7, 0.2 + 11))
        #expect(AffineTransform.identity([1, 2, 3]) == SIMD3(1, 2, 3))
    }

    @Test func inverseUndoes() throws {
        let inverse = try sample.inverted()
        var random = SeededGenerator(seed: 1)
        for _ in 0..<100 {
            let point = SIMD3(random.normal(), random.normal(), random.normal()) * 100
            // Condition number about 2, values to 300: 1e-13 of them.
            #expect(length(inverse(sample(point)) - point) < 1e-10)
            #expect(length(sample(inverse(point)) - point) < 1e-10)
        }
    }

    @Test func compositionIsOneAfterTheOther() {
        let other = AffineTransform(x: [0, 2, 0], y: [-1, 0, 0], translation: [1, 2, 3])
        let point = SIMD3(3.0, -4, 5)
        #expect(length(sample.after(other)(point) - sample(other(point))) < 1e-12)
        #expect(sample.after(other) != other.after(sample))
    }

    @Test func singularMatricesAreRefused() {
        for matrix in [
            [1.0, 2, 3, 0, 2, 4, 6, 0, 0, 0, 1, 0], [Double](repeating: 0, count: 12),
            [1, 0, 1, 0, 0, 1, 1, 0, 1, 1, 2 + 1e-14, 0],
        ] {
            #expect { try AffineTransform(rowMajor: matrix).inverted() } throws: { error in
                (error as? SpatialTransformError)?.code == .singular
            }
        }
        // Small voxels are not singular.
        #expect(throws: Never.self) {
            try AffineTransform(x: [1e-5, 0, 0], y: [0, 1e-5, 0], z: [0, 0, 1e-5]).inverted()
        }
        #expect { try AffineTransform(translation: [.nan, 0, 0]).inverted() } throws: { error in
            (error as? SpatialTransformError)?.code == .notFinite
        }
    }

    @Test func turningXYRoundGoesBetweenRASAndLPS() {
        let point = SIMD3(1.0, 2, 3)
        let lps = sample.turnedRoundXY
        let mapped = lps(point * SIMD3(-1, -1, 1)) * SIMD3(-1, -1, 1)
        #expect(length(mapped - sample(point)) < 1e-14)
        #expect(lps.turnedRoundXY == sample)
    }

    @Test func reconstructionSpaceIsRASWithRowsDownwards() throws {
        let um = SIMD3(2000.0, 3000, 4000)  // plane, row, column
        #expect(ReconstructionSpace.rasMm(um) == SIMD3(4, 2, -3))
        #expect(ReconstructionSpace.planeRowColumnUm(SIMD3(4, 2, -3)) == um)
        let origin = SIMD3(-1000.0, 500, 250)
        let matrix = ReconstructionSpace.indexToRasMm(originUm: origin, spacingUm: 300)
        // Voxel (plane 4, row 5, column 6): its centre lies at origin + 300 · index.
        let expected = ReconstructionSpace.rasMm(origin + 300 * SIMD3(4, 5, 6))
        #expect(length(matrix(SIMD3(6, 5, 4)) - expected) < 1e-12)
        // No mirror image: RAS is right-handed, (column, plane, −row) too, and indices run (column, row, plane).
        #expect(matrix.determinant > 0)
    }
}
