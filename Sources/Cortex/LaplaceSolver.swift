internal import NDArray

/// How a system was solved.
struct LaplaceSolution {
    let values: GridBuffer<Float>
    let iterations: Int
    /// ‖b − A u‖ / ‖b‖, computed anew at the end.
    let residual: Double
}

/// Solves A u = b by conjugate gradients with a multigrid V-cycle as preconditioner.
///
/// A cycle smooths red cells, then black ones, corrects from the coarser grid, and smooths black, then red: a symmetric operator.
/// After the first half the residual is zero in black cells, so only red ones are restricted, and only red ones are corrected, since black
/// ones follow from them.
///
/// Reference: O. Tatebe, "The multigrid preconditioned conjugate gradient method" (NASA CP 3224, 1993). Restarts take the place
/// of double precision: the true residual is computed anew and solved for, so that rounding in `Float` does not pile up.
struct LaplaceSolver {
    private let levels: [LaplaceLevel]
    private let coarsenings: [Coarsening]
    /// Right-hand side and solution of the preconditioner, a pair a level.
    private let right: [GridBuffer<Float>]
    private let correction: [GridBuffer<Float>]
    private let threads: Int

    /// Builds the hierarchy down to a few cells.
    init(_ finest: LaplaceLevel, map: consuming CellMap, threads: Int) {
        var levels = [finest]
        var coarsenings: [Coarsening] = []
        var map = map
        var weight: Float = 1
        while levels[levels.count - 1].count > 500, levels.count < 7 {
            let next = coarsened(levels[levels.count - 1], map: map, weight: weight, threads: threads)
            levels.append(next.level)
            coarsenings.append(next.coarsening)
            map = next.map
            weight *= 2
        }
        self.levels = levels
        self.coarsenings = coarsenings
        self.threads = threads
        right = levels.map { GridBuffer(count: $0.count, filledWith: 0) }
        correction = levels.map { GridBuffer(count: $0.count + 1, filledWith: 0) }
    }

    /// Solves for `b` until the relative residual is at most `tolerance`, or `maximumIterations` are used up.
    func solve(
        _ b: GridBuffer<Float>, tolerance: Double, maximumIterations: Int, progress: (Double) -> Void
    ) -> LaplaceSolution {
        let finest = levels[0]
        let count = finest.count
        let values = GridBuffer<Float>(count: count + 1, filledWith: 0)
        let direction = GridBuffer<Float>(count: count + 1, filledWith: 0)
        let product = GridBuffer<Float>(count: count, filledWith: 0)
        let residual = right[0]
        let size = squaredNorm(b).squareRoot()
        guard size > 0 else { return LaplaceSolution(values: values, iterations: 0, residual: 0) }
        var iterations = 0
        var relative = 1.0
        // A few restarts at most: each gains five digits.
        for _ in 0..<4 {
            relative = trueResidual(values, b, into: residual, scratch: product) / size
            guard relative > tolerance, iterations < maximumIterations else { break }
            var inner = cycleAndDot()
            copy(correction[0], to: direction)
            while iterations < maximumIterations {
                let curvature = finest.apply(to: direction, into: product, threads: threads)
                guard curvature > 0 else { break }
                let step = Float(inner / curvature)
                let norm = finest.bandedSum(threads: threads) { cells in
                    var sum = 0.0
                    for cell in cells {
                        values.base[cell] += step * direction.base[cell]
                        let left = residual.base[cell] - step * product.base[cell]
                        residual.base[cell] = left
                        sum += Double(left) * Double(left)
                    }
                    return sum
                }.squareRoot()
                iterations += 1
                relative = norm / size
                progress(relative)
                if relative <= 0.5 * tolerance { break }
                let next = cycleAndDot()
                let ratio = Float(next / inner)
                inner = next
                let correction = correction[0]
                parallelBands(count, band: LaplaceLevel.band, threads: threads) { cells in
                    for cell in cells {
                        direction.base[cell] = correction.base[cell] + ratio * direction.base[cell]
                    }
                }
            }
        }
        relative = trueResidual(values, b, into: residual, scratch: product) / size
        return LaplaceSolution(values: values, iterations: iterations, residual: relative)
    }

    /// One V-cycle on the residual; returns residual · correction.
    private func cycleAndDot() -> Double {
        cycle(0)
        let (residual, correction) = (right[0], correction[0])
        return levels[0].bandedSum(threads: threads) { cells in
            var sum = 0.0
            for cell in cells { sum += Double(residual.base[cell]) * Double(correction.base[cell]) }
            return sum
        }
    }

    private func cycle(_ depth: Int) {
        let level = levels[depth]
        let (values, b) = (correction[depth], right[depth])
        let (reds, blacks) = (0..<level.reds, level.reds..<level.count)
        parallelBands(level.reds, band: LaplaceLevel.band, threads: threads) { cells in
            for cell in cells { values.base[cell] = b.base[cell] * level.inverseDiagonals.base[cell] }
        }
        level.smooth(blacks, values, b, threads: threads)
        guard depth < coarsenings.count else {
            // Few cells: smooth them until nothing is left that the finer grids would notice.
            for _ in 0..<8 {
                level.smooth(reds, values, b, threads: 1)
                level.smooth(blacks, values, b, threads: 1)
            }
            for _ in 0..<8 {
                level.smooth(blacks, values, b, threads: 1)
                level.smooth(reds, values, b, threads: 1)
            }
            return
        }
        let coarsening = coarsenings[depth]
        let coarseRight = right[depth + 1]
        parallelBands(levels[depth + 1].count, band: LaplaceLevel.band / 4, threads: threads) { cells in
            for cell in cells {
                var sum: Float = 0
                for place in 4 * cell..<4 * cell + 4 {
                    let child = Int(coarsening.redChildren.base[place])
                    guard child >= 0 else { break }
                    // b − d·u is what black neighbours add: u was b / d before they were smoothed.
                    sum += level.neighbourSum(child, values.base)
                }
                coarseRight.base[cell] = sum
            }
        }
        cycle(depth + 1)
        let coarse = correction[depth + 1]
        parallelBands(level.reds, band: LaplaceLevel.band, threads: threads) { cells in
            for cell in cells { values.base[cell] += coarse.base[Int(coarsening.parents.base[cell])] }
        }
        level.smooth(blacks, values, b, threads: threads)
        level.smooth(reds, values, b, threads: threads)
    }

    private func trueResidual(
        _ values: GridBuffer<Float>, _ b: GridBuffer<Float>, into residual: GridBuffer<Float>,
        scratch: GridBuffer<Float>
    ) -> Double {
        _ = levels[0].apply(to: values, into: scratch, threads: threads)
        return levels[0].bandedSum(threads: threads) { cells in
            var sum = 0.0
            for cell in cells {
                let left = b.base[cell] - scratch.base[cell]
                residual.base[cell] = left
                sum += Double(left) * Double(left)
            }
            return sum
        }.squareRoot()
    }

    private func squaredNorm(_ values: GridBuffer<Float>) -> Double {
        levels[0].bandedSum(threads: threads) { cells in
            cells.reduce(0.0) { $0 + Double(values.base[$1]) * Double(values.base[$1]) }
        }
    }

    private func copy(_ source: GridBuffer<Float>, to target: GridBuffer<Float>) {
        parallelBands(levels[0].count, band: LaplaceLevel.band, threads: threads) { cells in
            for cell in cells { target.base[cell] = source.base[cell] }
        }
    }
}
