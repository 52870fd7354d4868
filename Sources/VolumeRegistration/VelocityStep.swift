/// Solves (Bᵀ H B + R) δ = Bᵀ g − R c for the change of a lattice's coefficients, by conjugate gradients.
///
/// A Gauss–Newton step need not be exact: the residual goes down to a hundredth, in at most `iterations` steps.
/// Scaled by the diagonal.
func velocityStep(
    _ equations: VelocityNormalEquations, lattice: SplineLattice, energy: BendingEnergy,
    coefficients: [SIMD4<Float>], damping: Float, iterations: Int, threads: Int
) -> [SIMD4<Float>] {
    let count = lattice.knotCount
    var residual = lattice.gathered(equations.force, threads: threads)
    var bend = [SIMD4<Float>](repeating: SIMD4(), count: count)
    energy.addGradient(of: coefficients, to: &bend)
    for index in 0..<count { residual[index] -= bend[index] }
    let stiffness = energy.diagonal
    let scale = lattice.gatheredSquared(equations.diagonal, threads: threads).map { $0 + stiffness }
    var solution = [SIMD4<Float>](repeating: SIMD4(), count: count)
    var preconditioned = (0..<count).map { residual[$0] / scale[$0] }
    var direction = preconditioned
    var product = dot(residual, preconditioned)
    let goal = 1e-4 * product
    for _ in 0..<iterations where product > goal && product > 0 {
        var image = lattice.gathered(
            equations.apply(to: lattice.values(direction, threads: threads), threads: threads), threads: threads)
        energy.addGradient(of: direction, to: &image)
        for index in 0..<count { image[index] += damping * scale[index] * direction[index] }
        let curvature = dot(direction, image)
        guard curvature > 0 else { break }
        let step = Float(product / curvature)
        for index in 0..<count {
            solution[index] += step * direction[index]
            residual[index] -= step * image[index]
            preconditioned[index] = residual[index] / scale[index]
        }
        let next = dot(residual, preconditioned)
        let ratio = Float(next / product)
        product = next
        for index in 0..<count { direction[index] = preconditioned[index] + ratio * direction[index] }
    }
    return solution
}

/// Σ aᵢ · bᵢ in double, in index order.
func dot(_ a: [SIMD4<Float>], _ b: [SIMD4<Float>]) -> Double {
    var sum = SIMD4<Double>()
    for index in a.indices { sum += SIMD4<Double>(a[index] * b[index]) }
    return sum.sum()
}
