import NDArray
import SpatialTransforms
import Testing

struct SpatialTransformTests {
    /// A turned and stretched grid around the origin.
    private let frame = AffineTransform(
        x: [2, 0.5, 0], y: [-0.5, 2, 0.3], z: [0, -0.2, 3], translation: [-20, -25, -30])

    private func field(
        planes: Int = 20, rows: Int = 24, columns: Int = 22, outside: DisplacementField.Outside = .undefined,
        _ displacement: (SIMD3<Double>) -> SIMD3<Double>
    ) throws -> DisplacementField {
        let grid = try OrientedGrid(planes: planes, rows: rows, columns: columns, indexToMm: frame)
        var vectors: [Float] = []
        for plane in 0..<planes {
            for row in 0..<rows {
                for column in 0..<columns {
                    let u = displacement(grid.point(plane: plane, row: row, column: column))
                    vectors += [Float(u.x), Float(u.y), Float(u.z)]
                }
            }
        }
        return try DisplacementField(grid: grid, vectors: vectors, outside: outside)
    }

    private func points(_ count: Int, seed: UInt64, in field: DisplacementField) -> [SIMD3<Double>] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { _ in
            field.grid.indexToMm(
                SIMD3(
                    random.uniform() * Double(field.grid.columns - 1), random.uniform() * Double(field.grid.rows - 1),
                    random.uniform() * Double(field.grid.planes - 1)))
        }
    }

    @Test func linearDisplacementsAreExactBetweenGridPoints() throws {
        let u: (SIMD3<Double>) -> SIMD3<Double> = { p in
            SIMD3(0.1 * p.x - 0.02 * p.y + 1, 0.05 * p.z - 2, 0.01 * p.x + 0.03 * p.y + 0.3)
        }
        let field = try field(u)
        for point in points(500, seed: 1, in: field) {
            let mapped = try #require(field(point))
            // Trilinear interpolation reproduces linear functions; values up to 8 in single precision.
            #expect(length(mapped - point - u(point)) < 2e-6)
        }
    }

    @Test func outsideTheGridTheRuleDecides() throws {
        let one = SIMD3(1.0, 2, 3)
        let constant = try field { _ in one }
        let beyond = constant.grid.indexToMm(SIMD3(-0.51, 3, 3))
        let border = constant.grid.indexToMm(SIMD3(-0.49, 3, 3))
        #expect(constant(beyond) == nil)
        #expect(try length(#require(constant(border)) - border - one) < 1e-12)
        #expect(SpatialTransform.displacement(constant).with(outside: .identity)(beyond) == beyond)
        let nearest = SpatialTransform.displacement(constant).with(outside: .nearest)
        #expect(try length(#require(nearest(beyond)) - beyond - one) < 1e-12)
        for rule in [DisplacementField.Outside.undefined, .identity, .nearest] {
            #expect(SpatialTransform.displacement(constant).with(outside: rule)(SIMD3(.nan, 0, 0)) == nil)
        }
    }

    @Test func oneGridPointServesItsVoxel() throws {
        let field = try field(planes: 1, rows: 1, columns: 1) { _ in SIMD3(1, 0, 0) }
        let centre = field.grid.point(plane: 0, row: 0, column: 0)
        #expect(field(centre) == centre + SIMD3(1, 0, 0))
        #expect(field(field.grid.indexToMm(SIMD3(0.6, 0, 0))) == nil)
    }

    @Test func badFieldsAreRefused() throws {
        let grid = try OrientedGrid(planes: 2, rows: 2, columns: 2, indexToMm: .identity)
        var vectors = [Float](repeating: 0, count: 24)
        #expect(throws: SpatialTransformError.self) {
            try DisplacementField(grid: grid, vectors: Array(vectors.dropLast()))
        }
        vectors[3 * 5 + 1] = .nan
        #expect { try DisplacementField(grid: grid, vectors: vectors) } throws: { error in
            (error as? SpatialTransformError)?.code == .notFinite && "\(error)".contains("voxel (1, 0, 1)")
        }
        #expect(throws: SpatialTransformError.self) {
            try OrientedGrid(planes: 2, rows: 2, columns: 2, indexToMm: AffineTransform(z: [1, 0, 0]))
        }
        #expect(throws: SpatialTransformError.self) {
            try OrientedGrid(planes: 0, rows: 2, columns: 2, indexToMm: .identity)
        }
    }

    @Test func aSmoothFieldIsInvertedToAMicrometre() throws {
        // Derivatives up to 3 · 2π/40 ≈ 0.47: a contraction.
        let field = try field { p in
            SIMD3(3 * Math.sin(p.y * 2 * .pi / 40), 2 * Math.cos(p.z * 2 * .pi / 50), 2 * Math.sin(p.x * 2 * .pi / 45))
        }
        let forth = SpatialTransform.displacement(field)
        let back = try forth.inverted()
        for point in points(500, seed: 2, in: field) {
            guard let mapped = forth(point) else { continue }
            let returned = try #require(back(mapped))
            // The tolerance 1e-6 mm over 1 − 0.47.
            #expect(length(returned - point) < 2e-6)
        }
        #expect(try back.inverted() == forth)
    }

    @Test func whereAFieldFoldsThereIsNoInverseOrATrueOne() throws {
        let field = try field { p in SIMD3(12 * Math.sin(p.x * 2 * .pi / 12), 0, 0) }
        let back = try SpatialTransform.displacement(field).inverted()
        for point in points(200, seed: 3, in: field) {
            guard let found = back(point) else { continue }
            // What is given is a point that maps there, though not the only one.
            #expect(try length(#require(field(found)) - point) < 1e-5)
        }
    }

    @Test func splinesReproduceLinearDisplacements() throws {
        let grid = try OrientedGrid(planes: 7, rows: 6, columns: 8, indexToMm: frame)
        let u: (SIMD3<Double>) -> SIMD3<Double> = { SIMD3(0.1 * $0.x + 1, 0.05 * $0.z - 2, 0.02 * $0.y) }
        var coefficients: [Double] = []
        for plane in 0..<7 {
            for row in 0..<6 {
                for column in 0..<8 {
                    let vector = u(grid.point(plane: plane, row: row, column: column))
                    coefficients += [vector.x, vector.y, vector.z]
                }
            }
        }
        let spline = try CubicBSplineTransform(grid: grid, coefficients: coefficients)
        var random = SeededGenerator(seed: 4)
        for _ in 0..<300 {
            let index = SIMD3(1 + random.uniform() * 5, 1 + random.uniform() * 3, 1 + random.uniform() * 4)
            let point = grid.indexToMm(index)
            // Cubic B-splines sum to one and have linear precision.
            #expect(try length(#require(spline(point)) - point - u(point)) < 1e-11)
        }
        // The far corner of the domain belongs to it, what lies beyond does not.
        #expect(spline(grid.indexToMm(SIMD3(6, 4, 5))) != nil)
        #expect(spline(grid.indexToMm(SIMD3(6.01, 4, 5))) == nil)
        #expect(spline(grid.indexToMm(SIMD3(0.99, 3, 3))) == nil)
        let back = try SpatialTransform.bSpline(spline).inverted()
        let point = grid.indexToMm(SIMD3(3.3, 2.5, 3.1))
        let bent = try #require(spline(point))
        #expect(try length(#require(back(bent)) - point) < 1e-5)
        #expect(throws: SpatialTransformError.self) {
            try CubicBSplineTransform(
                grid: OrientedGrid(planes: 3, rows: 6, columns: 8, indexToMm: frame),
                coefficients: [Double](repeating: 0, count: 3 * 3 * 6 * 8))
        }
    }

    @Test func inACompositeTheLastAddedIsAppliedFirst() {
        let shift = SpatialTransform.affine(AffineTransform(translation: [10, 0, 0]))
        let double = SpatialTransform.affine(AffineTransform(x: [2, 0, 0], y: [0, 2, 0], z: [0, 0, 2]))
        #expect(SpatialTransform.composite(inOrderAdded: [shift, double])([1, 1, 1]) == SIMD3(12, 2, 2))
        #expect(SpatialTransform.chain([shift, double])([1, 1, 1]) == SIMD3(22, 2, 2))
        #expect(double.after(shift)([1, 1, 1]) == SIMD3(22, 2, 2))
        #expect(SpatialTransform.chain([])([1, 2, 3]) == SIMD3(1, 2, 3))
    }

    @Test func chainsAreInvertedBackwardsAndSimplified() throws {
        let field = try field { p in SIMD3(Math.sin(p.x / 10), 0.5, -0.2) }
        let affine = AffineTransform(x: [1.1, 0, 0], translation: [1, 2, 3])
        let chain = SpatialTransform.chain([
            .affine(affine), .chain([.affine(affine), .displacement(field)]), .affine(affine),
        ])
        let back = try chain.inverted()
        let start = SIMD3(1.0, -2, 3)
        let end = try #require(chain(start))
        #expect(try length(#require(back(end)) - start) < 1e-5)
        guard case .chain(let list) = chain.simplified else {
            Issue.record("a chain with a field stays one")
            return
        }
        #expect(list.count == 3)
        #expect(try length(#require(chain.simplified(start)) - end) < 1e-12)
        #expect(throws: SpatialTransformError.self) {
            try SpatialTransform.chain([.displacement(field), .affine(AffineTransform(z: [1, 0, 0]))]).inverted()
        }
    }

    @Test func manyPointsAreMappedAsOneByOneOnAnyNumberOfThreads() throws {
        let field = try field { p in SIMD3(Math.sin(p.x / 10), 0.5, -0.2) }
        let transform = SpatialTransform.displacement(field)
        var inputs = points(20_000, seed: 5, in: field)
        inputs[7] = SIMD3(1000, 0, 0)
        inputs[19_999] = SIMD3(0, .nan, 0)
        let (one, undefined) = transform.map(inputs, threads: 1)
        let (two, _) = transform.map(inputs, threads: 2)
        #expect(undefined == 2)
        for index in inputs.indices {
            #expect(one[index] == two[index] || (one[index].x.isNaN && two[index].x.isNaN))
        }
        #expect(one[7].x.isNaN && one[19_999].z.isNaN && one[3] == transform(inputs[3]))
        #expect(transform.map([], threads: 2).points.isEmpty)
    }

    @Test func samplingATransformGivesItsField() throws {
        let affine = AffineTransform(x: [1.05, 0.02, 0], y: [0, 0.97, 0.01], translation: [1, 2, 3])
        let grid = try OrientedGrid(planes: 6, rows: 7, columns: 8, indexToMm: frame)
        let (sampled, undefined) = try DisplacementField.sampling(.affine(affine), on: grid, threads: 2)
        #expect(undefined == 0)
        for point in points(100, seed: 6, in: sampled) {
            #expect(try length(#require(sampled(point)) - affine(point)) < 1e-5)
        }
        let (_, outside) = try DisplacementField.sampling(
            .displacement(try field(planes: 3) { _ in SIMD3(1, 1, 1) }), on: grid, threads: 1)
        // Planes 0 … 2 of the same frame are inside, 3 … 5 not.
        #expect(outside == 3 * 7 * 8)
    }
}
