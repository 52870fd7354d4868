import NDArray
import Testing
import VolumeRegistration

@Suite struct VelocityTests {
    func field(_ count: Int, seed: UInt64) -> [SIMD4<Float>] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { _ in
            SIMD4(Float(random.normal()), Float(random.normal()), Float(random.normal()), 0)
        }
    }

    /// ⟨B c, f⟩ = ⟨c, Bᵀ f⟩ for random c and f; sums of a few thousand float32 products agree to five digits.
    @Test(arguments: [2, 3, 4])
    func gatheringIsTheTransposeOfSpreading(cellsPerKnot: Int) {
        let lattice = SplineLattice(cells: [11, 9, 14], cellsPerKnot: cellsPerKnot)
        let (c, f) = (field(lattice.knotCount, seed: 1), field(11 * 9 * 14, seed: 2))
        func product(_ a: [SIMD4<Float>], _ b: [SIMD4<Float>]) -> Double {
            zip(a, b).reduce(0) { $0 + Double(($1.0 * $1.1).sum()) }
        }
        let (one, other) = (
            product(lattice.values(c, threads: 2), f), product(c, lattice.gathered(f, threads: 2))
        )
        #expect(abs(one - other) < 1e-4 * (product(c, c) * product(f, f)).squareRoot())
    }

    /// The splines add up to 1, and a lattice that climbs evenly makes a field that does.
    @Test func latticesHoldAffineFieldsExactly() {
        let lattice = SplineLattice(cells: [10, 8, 12], cellsPerKnot: 4)
        var coefficients: [SIMD4<Float>] = []
        for k in 0..<lattice.knots.z {
            for j in 0..<lattice.knots.y {
                for i in 0..<lattice.knots.x { coefficients.append(SIMD4(1, Float(i), Float(j - k), 0)) }
            }
        }
        let values = lattice.values(coefficients, threads: 1)
        for (index, value) in values.enumerated() {
            let (i, j, k) = (index % 10, index / 10 % 8, index / 80)
            func knot(_ cell: Int) -> Float { (Float(cell) + 0.5) / 4 + 1 }
            #expect(abs(value.x - 1) < 1e-5)
            #expect(abs(value.y - knot(i)) < 1e-5)
            #expect(abs(value.z - (knot(j) - knot(k))) < 1e-5)
        }
    }

    @Test func bendingEnergyIsZeroForAffineFieldsOnly() {
        let energy = BendingEnergy(knots: [6, 5, 7], knotMm: 8, bendingWeight: 3, tensionWeight: 0)
        var affine: [SIMD4<Float>] = []
        var bent: [SIMD4<Float>] = []
        for k in 0..<7 {
            for j in 0..<5 {
                for i in 0..<6 {
                    affine.append(SIMD4(Float(i + 2 * j), Float(k - j), Float(3 + i), 0))
                    bent.append(SIMD4(Float(i * i), 0, Float(j * k), 0))
                }
            }
        }
        func gradient(_ field: [SIMD4<Float>]) -> [SIMD4<Float>] {
            var result = [SIMD4<Float>](repeating: SIMD4(), count: field.count)
            energy.addGradient(of: field, to: &result)
            return result
        }
        // Whole numbers of this size are exact in float32.
        #expect(gradient(affine).allSatisfy { $0 == SIMD4() })
        // vᵀ R v: λ h³/h⁴ · (second differences of 2 at 4 · 5 · 7 knots, squared; mixed ones of 1 counted twice at 6 · 4 · 6).
        let form = zip(bent, gradient(bent)).reduce(Float(0)) { $0 + ($1.0 * $1.1).sum() }
        #expect(abs(form - 3 / 8 * (4 * 140 + 2 * 144)) < 1e-2)
    }

    /// Velocity (a x, −b y, 0) about the middle flows by e^a and e^(−b); linear interpolation is exact for it inside.
    @Test func flowOfALinearVelocityIsItsExponential() {
        let size = SIMD3(41, 41, 5)
        let (a, b) = (0.2, 0.35)
        var velocity: [SIMD4<Float>] = []
        for _ in 0..<5 {
            for j in 0..<41 {
                for i in 0..<41 { velocity.append(SIMD4(Float(a * Double(i - 20)), Float(-b * Double(j - 20)), 0, 0)) }
            }
        }
        let flow = exponential(of: velocity, scale: 1, size: size, threads: 2)
        for j in stride(from: 8, through: 32, by: 4) {
            for i in stride(from: 8, through: 32, by: 4) {
                let found = flow[(2 * 41 + j) * 41 + i]
                // The first step of 1/8 cell is straight: relative error of the exponent at most (1/8)/(2 · 7).
                #expect(abs(Double(found.x) - (Math.exp(a) - 1) * Double(i - 20)) < 0.02)
                #expect(abs(Double(found.y) - (Math.exp(-b) - 1) * Double(j - 20)) < 0.02)
            }
        }
    }

    @Test func noVelocityFlowsNowhere() {
        let still = [SIMD4<Float>](repeating: SIMD4(), count: 27)
        #expect(exponential(of: still, scale: 1, size: [3, 3, 3], threads: 1) == still)
    }
}
