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
///
/// A class, as a structure would be copied for every row, with a count of references for each of its arrays.
private final class CorrelationAscent: Sendable {
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
                // More than half of the steps are refused, and a correlation alone takes half as long as all the sums.
                if correlation(next) > here.correlation, let there = sums(next) {
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
            // Sampled first and added up then: together they need more registers than there are.
            sloped.withSamples(sampled) { samples in
                fixed.gray.elements.withUnsafeBufferPointer { gray in
                    fixed.tissue.elements.withUnsafeBufferPointer { tissue in
                        var line = LineSums()
                        for column in sampled.columns {
                            let sample = samples[column - sampled.columns.lowerBound]
                            guard tissue[start + column] != 0 || sample.w >= 0.5 else { continue }
                            let turning = SIMD2<Float>(turn + turnStep * Double(column))
                            line.add(
                                fixed: gray[start + column] - background,
                                SIMD4(sample.x, turning.x * sample.y + turning.y * sample.z, sample.y, sample.z))
                        }
                        sums.add(line)
                    }
                }
            }
        }
        return total.count > 8 ? total : nil
    }

    /// The correlation of `sums`, to the last bit; −1 where hardly a pixel is tissue.
    private func correlation(_ back: RigidTransform) -> Double {
        let matrix = back.matrix
        let background = fixed.background
        let total = sumsOverRows(fixed.rows, threads: threads) { (row, sums: inout LevelSums) in
            let sampled = SampledRow(row, of: fixed, in: moving, back: matrix)
            let start = row * fixed.columns
            sloped.withLevels(sampled, of: moving) { (levels, isTissue) in
                fixed.gray.elements.withUnsafeBufferPointer { gray in
                    fixed.tissue.elements.withUnsafeBufferPointer { tissue in
                        var line = LevelLineSums()
                        for column in sampled.columns {
                            let index = column - sampled.columns.lowerBound
                            guard tissue[start + column] | isTissue[index] != 0 else { continue }
                            line.add(fixed: gray[start + column] - background, moving: levels[index])
                        }
                        sums.add(line)
                    }
                }
            }
        }
        return total.levels[0] > 8 ? total.correlation : -1
    }
}

/// Sums along one row of pixels, short enough for single precision.
private struct LineSums {
    /// Of 1, fixed, fixed², moving².
    var levels = SIMD4<Float>(repeating: 0)
    /// Of the signals moving, angle, row, column: by themselves and times fixed, angle, row, column.
    var signals = SIMD4<Float>(repeating: 0)
    var byFixed = SIMD4<Float>(repeating: 0)
    var byAngle = SIMD4<Float>(repeating: 0)
    var byRow = SIMD4<Float>(repeating: 0)
    var byColumn = SIMD4<Float>(repeating: 0)

    @inline(__always) mutating func add(fixed level: Float, _ values: SIMD4<Float>) {
        levels += SIMD4(1, level, level * level, values.x * values.x)
        signals += values
        byFixed += values * level
        byAngle += values * values.y
        byRow += values * values.z
        byColumn += values * values.w
    }
}

/// The part of `LineSums` that the correlation is made from.
private struct LevelLineSums {
    /// Of 1, fixed, fixed², moving².
    var levels = SIMD4<Float>(repeating: 0)
    /// Of moving, by itself and times fixed.
    var moving = SIMD2<Float>(repeating: 0)

    @inline(__always) mutating func add(fixed level: Float, moving value: Float) {
        levels += SIMD4(1, level, level * level, value * value)
        moving += SIMD2(value, value * level)
    }
}

/// Sums of products of the gray levels.
private struct LevelSums: RowSums {
    var levels = SIMD4<Double>(repeating: 0)
    var moving = SIMD2<Double>(repeating: 0)

    mutating func add(_ line: LevelLineSums) {
        levels += SIMD4<Double>(line.levels)
        moving += SIMD2<Double>(line.moving)
    }

    mutating func add(_ other: LevelSums) {
        levels += other.levels
        moving += other.moving
    }

    var correlation: Double {
        let count = levels[0]
        let variances = (levels[2] - levels[1] * levels[1] / count) * (levels[3] - moving[0] * moving[0] / count)
        return variances > 0 ? (moving[1] - levels[1] * moving[0] / count) / variances.squareRoot() : -1
    }
}

/// Sums of products of the signals 1, fixed, moving, and the three slopes.
private struct CorrelationSums: RowSums {
    var levels = SIMD4<Double>(repeating: 0)
    var signals = SIMD4<Double>(repeating: 0)
    var byFixed = SIMD4<Double>(repeating: 0)
    /// Each by moving, angle, row, column.
    var byAngle = SIMD4<Double>(repeating: 0)
    var byRow = SIMD4<Double>(repeating: 0)
    var byColumn = SIMD4<Double>(repeating: 0)

    var count: Double { levels[0] }

    mutating func add(_ line: LineSums) {
        levels += SIMD4<Double>(line.levels)
        signals += SIMD4<Double>(line.signals)
        byFixed += SIMD4<Double>(line.byFixed)
        byAngle += SIMD4<Double>(line.byAngle)
        byRow += SIMD4<Double>(line.byRow)
        byColumn += SIMD4<Double>(line.byColumn)
    }

    mutating func add(_ other: CorrelationSums) {
        levels += other.levels
        signals += other.signals
        byFixed += other.byFixed
        byAngle += other.byAngle
        byRow += other.byRow
        byColumn += other.byColumn
    }

    /// Covariances (times the count) of a slope, 1 angle, 2 row, 3 column, with moving and the slopes.
    private func covariances(_ slope: Int) -> SIMD4<Double> {
        let products = slope == 1 ? byAngle : slope == 2 ? byRow : byColumn
        return products - signals[slope] * signals / count
    }
    /// The variance (times the count) of the moving section.
    private var movingVariance: Double { levels[3] - signals[0] * signals[0] / count }
    /// The covariances with the fixed section.
    private func covarianceWithFixed(_ a: Int) -> Double { byFixed[a] - levels[1] * signals[a] / count }

    var correlation: Double {
        let variances = (levels[2] - levels[1] * levels[1] / count) * movingVariance
        return variances > 0 ? covarianceWithFixed(0) / variances.squareRoot() : -1
    }

    /// The change of (angle, row, column): Evangelidis and Psarakis 2008, equations 18 to 20.
    func step() -> [Double]? {
        let slopes = (1...3).map { covariances($0) }
        let normal = slopes.flatMap { [$0[1], $0[2], $0[3]] }
        let ofFixed = (1...3).map { covarianceWithFixed($0) }
        let ofMoving = slopes.map { $0[0] }
        guard let fixedPart = solveSymmetricPositive(normal, ofFixed),
            let movingPart = solveSymmetricPositive(normal, ofMoving)
        else { return nil }
        func inner(_ a: [Double], _ b: [Double]) -> Double { a[0] * b[0] + a[1] * b[1] + a[2] * b[2] }
        let upper = movingVariance - inner(ofMoving, movingPart)
        let lower = covarianceWithFixed(0) - inner(ofFixed, movingPart)
        // A negative denominator means that no gain aligns them; the plain least squares step is left.
        let variance = max(levels[2] - levels[1] * levels[1] / count, .leastNormalMagnitude)
        let gain = lower > 0 ? upper / lower : max(covarianceWithFixed(0), 0) / variance
        let step = (0..<3).map { gain * fixedPart[$0] - movingPart[$0] }
        return step.allSatisfy(\.isFinite) ? step : nil
    }
}
