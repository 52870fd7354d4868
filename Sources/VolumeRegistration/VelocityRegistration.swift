internal import NDArray

/// A velocity field found, on a lattice over a grid of cells.
struct VelocityMatch: Sendable {
    var lattice: SplineLattice
    /// In mm.
    var coefficients: [SIMD4<Float>]
    /// Misfit before the first and after the last step, of what is seen through the flow.
    var startMisfit: Double
    var misfit: Double
    var steps: Int
}

extension VelocityMatch {
    /// The flow from the brain (laid on the template by the affine map) to the template, and back.
    func flows(on grid: ChannelGrid, threads: Int) -> (onward: FlowGrid, backward: FlowGrid) {
        let mm = Float(grid.spacingMm)
        let velocity = lattice.refined.values(coefficients, threads: threads).map { $0 / mm }
        func flow(_ scale: Float) -> FlowGrid {
            FlowGrid(
                size: grid.size, originMm: grid.originMm, spacingMm: grid.spacingMm,
                values: exponential(of: velocity, scale: scale, size: grid.size, threads: threads).map { $0 * mm })
        }
        // The velocity carries points of the template to the brain.
        return (flow(-1), flow(1))
    }
}

/// Finds the steady velocity whose flow carries a brain onto the template, half-way symmetric, from coarse to fine.
///
/// Gauss–Newton on ½ Σ w ‖F∘exp(−v/2) − M∘exp(v/2)‖² + bending energy, over the coefficients of cubic B-splines.
///
/// - Parameters:
///   - template, brain: on one grid of an even number of voxels a side.
///   - bendingWeight: λ in mm², in place of the settings'.
func matchVelocity(
    template: ChannelGrid, brain: ChannelGrid, settings: TemplateRegistrationSettings, bendingWeight: Double,
    threads: Int, progress: (Double) -> Void
) -> VelocityMatch {
    let cellsPerKnot = max(2, Int((settings.knotMm / (2 * settings.spacingMm)).rounded()))
    let (channelWeights, iterations) = (settings.channelWeights, settings.iterations)
    let (halfTemplate, halfBrain) = (template.halved(threads: threads), brain.halved(threads: threads))
    let cells = halfTemplate.size
    let cellMm = halfTemplate.spacingMm
    let lattice = SplineLattice(cells: cells, cellsPerKnot: cellsPerKnot)
    let energy = BendingEnergy(
        knots: lattice.knots, knotMm: cellMm * Double(cellsPerKnot), bendingWeight: bendingWeight,
        tensionWeight: settings.tension)
    var match = VelocityMatch(
        lattice: lattice, coefficients: Array(repeating: SIMD4(), count: lattice.knotCount), startMisfit: 0, misfit: 0,
        steps: 0)
    let levels: [(blurCells: Double, fine: Bool)] = [(2, false), (1, false), (0, true)]
    for (number, level) in levels.enumerated() {
        let (fixed, moving) =
            level.fine
            ? (template, brain)
            : (
                halfTemplate.smoothed(sigmaVoxels: level.blurCells, threads: threads),
                halfBrain.smoothed(sigmaVoxels: level.blurCells, threads: threads)
            )
        func equations(_ coefficients: [SIMD4<Float>]) -> (VelocityNormalEquations, Double) {
            let velocity = lattice.values(coefficients, threads: threads).map { $0 / Float(cellMm) }
            let sums = linearise(
                template: fixed, brain: moving,
                forth: exponential(of: velocity, scale: 0.5, size: cells, threads: threads),
                back: exponential(of: velocity, scale: -0.5, size: cells, threads: threads), cells: cells,
                voxelsPerCell: level.fine ? 2 : 1, channelWeights: channelWeights, threads: threads)
            var bend = [SIMD4<Float>](repeating: SIMD4(), count: coefficients.count)
            energy.addGradient(of: coefficients, to: &bend)
            return (sums, sums.energy + 0.5 * dot(coefficients, bend))
        }
        var (sums, total) = equations(match.coefficients)
        if number == 0 { match.startMisfit = sums.misfit }
        var damping: Float = 0
        guard iterations > 0 else { continue }
        var step = 0
        while step < iterations {
            step += 1
            match.steps += 1
            let change = velocityStep(
                sums, lattice: lattice, energy: energy, coefficients: match.coefficients, damping: damping,
                iterations: 20, threads: threads)
            let tried = (0..<change.count).map { match.coefficients[$0] + change[$0] }
            let (next, nextTotal) = equations(tried)
            progress((Double(number) + Double(step) / Double(iterations)) / Double(levels.count))
            if nextTotal < total {
                let gain = total - nextTotal
                (match.coefficients, sums, total) = (tried, next, nextTotal)
                damping = damping > 0.02 ? 0.3 * damping : 0
                if gain < 1e-3 * total { break }
            } else {
                damping = max(4 * damping, 0.1)
                if damping > 100 { break }
            }
        }
        match.misfit = sums.misfit
    }
    return match
}
