internal import LinearAlgebra
internal import NDArray

/// A rigid transform moved uphill on the correlation of the gray levels, from coarse to fine.
///
/// Keypoints place a section to a fraction of a pixel of *their* images; the gray levels of all the tissue place it better. Each step
/// linearises the moving image in (angle, row, column) and solves for the change that raises the correlation most (enhanced
/// correlation coefficient); a step that does not raise it is halved and then given up.
///
/// - Parameters:
///   - transform: moving pixels to fixed pixels; a mirrored one stays mirrored.
///   - levels: how many resolutions to go through, each half of the next; ones that leave fewer than 24 pixels a side are skipped, and
///     ones finer than the first with 384.
/// - Returns: the refined transform, or the given one where that correlates better at full resolution.
/// - Complexity: O(pixels · steps), 30 steps a level at most.
///
/// **Reference**: G. Evangelidis, E. Psarakis, IEEE PAMI 30, 1858 (2008), doi:10.1109/TPAMI.2008.113.
/// **Differs**: not part of the paper's recipe, which stops at the keypoints.
public func refinedTransform(
    _ transform: RigidTransform, moving: RegistrationImage, fixed: RegistrationImage, levels: Int = 3,
    threads: Int = 1
) -> RigidTransform {
    let climbed = climbedTransform(transform, moving: moving, fixed: fixed, levels: levels, threads: threads)
    let before = overlap(of: moving, on: fixed, under: transform, threads: threads)
    let after = overlap(of: moving, on: fixed, under: climbed, threads: threads)
    return after.correlation > before.correlation ? climbed : transform
}

/// The ascent through all resolutions, without a look at where it ended.
func climbedTransform(
    _ transform: RigidTransform, moving: RegistrationImage, fixed: RegistrationImage, levels: Int = 3, threads: Int
) -> RigidTransform {
    var pyramid = [(moving: moving, fixed: fixed)]
    while pyramid.count < levels, let last = pyramid.last,
        min(min(last.moving.rows, last.moving.columns), min(last.fixed.rows, last.fixed.columns)) >= 48
    {
        pyramid.append((last.moving.halved(threads: threads), last.fixed.halved(threads: threads)))
    }
    // Where a coarser grid is this fine already, the finer one costs four times as much and moves sections by less than they differ.
    let enoughPx = 384
    let finest = pyramid.indices.last { min(pyramid[$0].fixed.rows, pyramid[$0].fixed.columns) >= enoughPx } ?? 0
    var refined = transform
    for (level, pair) in pyramid.enumerated().dropFirst(finest).reversed() {
        let scale = Double(1 << level)
        let sigmaPx = level == 0 ? 0.7 : 0.5
        let ascent = CorrelationAscent(
            moving: pair.moving.blurred(sigmaPx: sigmaPx, threads: threads),
            fixed: pair.fixed.blurred(sigmaPx: sigmaPx, threads: threads), threads: threads)
        // Pixel centres of both grids: x = (X + ½) / scale − ½.
        let shift = RigidTransform(
            rotationRad: 0, translation: PlanarPoint(row: (scale - 1) / 2, column: (scale - 1) / 2))
        let better = ascent.climbed(from: shift.inverse.after(refined).after(shift).inUnits(of: scale))
        refined = shift.after(better.inUnits(of: 1 / scale)).after(shift.inverse)
    }
    return refined
}

/// The ascent at one resolution, on the inverse transform (fixed to moving), since the moving image is what is resampled.
private struct CorrelationAscent {
    let moving: RegistrationImage
    let sloped: SlopedImage
    let fixed: RegistrationImage
    /// Turning about the tissue's middle keeps angle and shift apart.
    let pivot: PlanarPoint
    /// Pixels that a turn by 1 rad moves the section's edge; angles are counted in them.
    let reach: Double
    let threads: Int

    init(moving: RegistrationImage, fixed: RegistrationImage, threads: Int) {
        self.moving = moving
        self.fixed = fixed
        self.threads = threads
        sloped = SlopedImage(moving, threads: threads)
        pivot = fixed.tissueCentre
        reach = Double(max(fixed.rows, fixed.columns, 2)) / 2
    }

    func climbed(from transform: RigidTransform) -> RigidTransform {
        var back = transform.inverse
        guard var here = sums(back) else { return transform }
        for _ in 0..<30 {
            guard var step = here.step() else { break }
            var accepted = false
            for _ in 0..<5 {
                let target = back(pivot)
                let next = RigidTransform.about(
                    pivot,
                    onto: PlanarPoint(row: target.row + step[1], column: target.column + step[2]),
                    rotationRad: back.rotationRad + step[0] / reach, isMirrored: back.isMirrored)
                if let there = sums(next), there.correlation > here.correlation {
                    back = next
                    here = there
                    accepted = true
                    break
                }
                step = step.map { $0 / 2 }
            }
            // A hundredth of a pixel is far below what neighbouring sections have in common.
            guard accepted, step.contains(where: { abs($0) > 0.01 }) else { break }
        }
        return back.inverse
    }

    /// The sums over all pixels that are tissue in one of the sections; nil where hardly one is.
    private func sums(_ back: RigidTransform) -> CorrelationSums? {
        let matrix = back.matrix
        let (cosine, sine) = (Math.cos(back.rotationRad) / reach, Math.sin(back.rotationRad) / reach)
        let sign = back.isMirrored ? -1.0 : 1.0
        let background = fixed.background
        let total = sumsOverRows(fixed.rows, threads: threads) { (row, sums: inout CorrelationSums) in
            let sampled = SampledRow(row, of: fixed, in: moving, back: matrix)
            // d/dφ of R(φ) M (x − pivot), along row and column; grows by `turnStep` from column to column.
            let (dy, dx) = (Double(row) - pivot.row, -sign * pivot.column)
            let turn = SIMD2(-sine * dy - cosine * dx, cosine * dy - sine * dx)
            let turnStep = SIMD2(-cosine, -sine) * sign
            let start = row * fixed.columns
            var line = LineSums()
            fixed.gray.elements.withUnsafeBufferPointer { gray in
                fixed.tissue.elements.withUnsafeBufferPointer { tissue in
                    _ = sloped.withPixels { pixels in
                        let inside = sampled.interior { sloped.holds($0) }
                        @inline(__always) func add(_ column: Int, _ sample: SIMD4<Float>, _ turning: SIMD2<Float>) {
                            guard tissue[start + column] != 0 || sample.w >= 0.5 else { return }
                            line.add(
                                fixed: gray[start + column] - background,
                                SIMD4(
                                    sample.x, turning.x * sample.y + turning.y * sample.z, sample.y, sample.z))
                        }
                        @inline(__always) func add(_ column: Int) {
                            add(
                                column, sloped.sample(pixels, at: sampled.place(column)),
                                SIMD2<Float>(turn + turnStep * Double(column)))
                        }
                        for column in sampled.columns.lowerBound..<inside.lowerBound { add(column) }
                        var column = inside.lowerBound
                        while column + 4 <= inside.upperBound {
                            let samples = sloped.samples(pixels, at: sampled.places(from: column))
                            let along = SIMD4(0, 1, 2, 3) + Double(column)
                            let turnRow = SIMD4<Float>(turn[0] + turnStep[0] * along)
                            let turnColumn = SIMD4<Float>(turn[1] + turnStep[1] * along)
                            add(column, samples.0, SIMD2(turnRow[0], turnColumn[0]))
                            add(column + 1, samples.1, SIMD2(turnRow[1], turnColumn[1]))
                            add(column + 2, samples.2, SIMD2(turnRow[2], turnColumn[2]))
                            add(column + 3, samples.3, SIMD2(turnRow[3], turnColumn[3]))
                            column += 4
                        }
                        for column in column..<sampled.columns.upperBound { add(column) }
                    }
                }
            }
            sums.add(line)
        }
        return total.count > 8 ? total : nil
    }
}

/// Sums along one row of pixels, short enough for single precision.
private struct LineSums {
    /// Of 1, fixed, fixed².
    var fixed = SIMD4<Float>(repeating: 0)
    /// Of the signals moving, angle, row, column: by themselves and times fixed, moving, angle, row, column.
    var signals = SIMD4<Float>(repeating: 0)
    var byFixed = SIMD4<Float>(repeating: 0)
    var byMoving = SIMD4<Float>(repeating: 0)
    var byAngle = SIMD4<Float>(repeating: 0)
    var byRow = SIMD4<Float>(repeating: 0)
    var byColumn = SIMD4<Float>(repeating: 0)

    @inline(__always) mutating func add(fixed level: Float, _ values: SIMD4<Float>) {
        fixed += SIMD4(1, level, level * level, 0)
        signals += values
        byFixed += values * level
        byMoving += values * values.x
        byAngle += values * values.y
        byRow += values * values.z
        byColumn += values * values.w
    }
}

/// Sums of products of the signals 1, fixed, moving, and the three slopes.
private struct CorrelationSums: RowSums {
    var fixed = SIMD4<Double>(repeating: 0)
    var signals = SIMD4<Double>(repeating: 0)
    var byFixed = SIMD4<Double>(repeating: 0)
    /// Rows of the table moving, angle, row, column by the same.
    var bySignals = [SIMD4<Double>](repeating: SIMD4(repeating: 0), count: 4)

    var count: Double { fixed[0] }

    mutating func add(_ line: LineSums) {
        fixed += SIMD4<Double>(line.fixed)
        signals += SIMD4<Double>(line.signals)
        byFixed += SIMD4<Double>(line.byFixed)
        bySignals[0] += SIMD4<Double>(line.byMoving)
        bySignals[1] += SIMD4<Double>(line.byAngle)
        bySignals[2] += SIMD4<Double>(line.byRow)
        bySignals[3] += SIMD4<Double>(line.byColumn)
    }

    mutating func add(_ other: CorrelationSums) {
        fixed += other.fixed
        signals += other.signals
        byFixed += other.byFixed
        for index in bySignals.indices { bySignals[index] += other.bySignals[index] }
    }

    /// Covariance (times the count) of two of the signals 0 moving, 1 angle, 2 row, 3 column.
    private func covariance(_ a: Int, _ b: Int) -> Double { bySignals[a][b] - signals[a] * signals[b] / count }
    /// The same with the fixed section.
    private func covarianceWithFixed(_ a: Int) -> Double { byFixed[a] - fixed[1] * signals[a] / count }

    var correlation: Double {
        let variances = (fixed[2] - fixed[1] * fixed[1] / count) * covariance(0, 0)
        return variances > 0 ? covarianceWithFixed(0) / variances.squareRoot() : -1
    }

    /// The change of (angle, row, column): Evangelidis and Psarakis 2008, equations 18 to 20.
    func step() -> [Double]? {
        let normal = (1...3).flatMap { a in (1...3).map { b in covariance(a, b) } }
        let ofFixed = (1...3).map { covarianceWithFixed($0) }
        let ofMoving = (1...3).map { covariance($0, 0) }
        guard let fixedPart = solveSymmetricPositive(normal, ofFixed),
            let movingPart = solveSymmetricPositive(normal, ofMoving)
        else { return nil }
        func inner(_ a: [Double], _ b: [Double]) -> Double { a[0] * b[0] + a[1] * b[1] + a[2] * b[2] }
        let upper = covariance(0, 0) - inner(ofMoving, movingPart)
        let lower = covarianceWithFixed(0) - inner(ofFixed, movingPart)
        // A negative denominator means that no gain aligns them; the plain least squares step is left.
        let variance = max(fixed[2] - fixed[1] * fixed[1] / count, .leastNormalMagnitude)
        let gain = lower > 0 ? upper / lower : max(covarianceWithFixed(0), 0) / variance
        let step = (0..<3).map { gain * fixedPart[$0] - movingPart[$0] }
        return step.allSatisfy(\.isFinite) ? step : nil
    }
}
