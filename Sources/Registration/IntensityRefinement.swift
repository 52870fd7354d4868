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
///   - levels: reductions to go through, coarsest first; ones that leave fewer than 24 pixels a side are skipped.
/// - Returns: the refined transform, or the given one where that correlates better at full resolution.
/// - Complexity: O(pixels · steps), 30 steps a level at most.
///
/// **Reference**: G. Evangelidis, E. Psarakis, IEEE PAMI 30, 1858 (2008), doi:10.1109/TPAMI.2008.113.
/// **Differs**: not part of the paper's recipe, which stops at the keypoints.
public func refinedTransform(
    _ transform: RigidTransform, moving: RegistrationImage, fixed: RegistrationImage, levels: [Int] = [4, 2, 1],
    threads: Int = 1
) -> RigidTransform {
    var refined = transform
    for factor in levels {
        let smallest = min(min(moving.rows, moving.columns), min(fixed.rows, fixed.columns)) / factor
        guard smallest >= 24 || factor == 1 else { continue }
        let sigmaPx = factor == 1 ? 0.7 : 0.5 * Double(factor)
        let coarse = CorrelationAscent(
            moving: moving.reduced(factor: factor, sigmaPx: sigmaPx, threads: threads),
            fixed: fixed.reduced(factor: factor, sigmaPx: sigmaPx, threads: threads), threads: threads)
        let scale = Double(factor)
        // Pixel centres of both grids: x = (X + ½) / factor − ½.
        let shift = RigidTransform(
            rotationRad: 0, translation: PlanarPoint(row: (scale - 1) / 2, column: (scale - 1) / 2))
        let onCoarse = shift.inverse.after(refined).after(shift).inUnits(of: scale)
        let better = coarse.climbed(from: onCoarse)
        refined = shift.after(better.inUnits(of: 1 / scale)).after(shift.inverse)
    }
    let before = overlap(of: moving, on: fixed, under: transform, threads: threads)
    let after = overlap(of: moving, on: fixed, under: refined, threads: threads)
    return after.correlation > before.correlation ? refined : transform
}

/// The ascent at one resolution, on the inverse transform (fixed to moving), since the moving image is what is resampled.
private struct CorrelationAscent {
    let moving: RegistrationImage
    let fixed: RegistrationImage
    let threads: Int

    func climbed(from transform: RigidTransform) -> RigidTransform {
        var back = transform.inverse
        // Turning about the tissue's middle keeps angle and shift apart.
        let pivot = fixed.tissueCentre
        let reach = Double(max(fixed.rows, fixed.columns)) / 2
        guard var here = normalEquations(back, pivot: pivot) else { return transform }
        for _ in 0..<30 {
            guard var step = here.step() else { break }
            var accepted = false
            for _ in 0..<5 {
                let target = back(pivot)
                let next = RigidTransform.about(
                    pivot,
                    onto: PlanarPoint(row: target.row + step[1], column: target.column + step[2]),
                    rotationRad: back.rotationRad + step[0], isMirrored: back.isMirrored)
                if let there = normalEquations(next, pivot: pivot), there.correlation > here.correlation {
                    back = next
                    here = there
                    accepted = true
                    break
                }
                step = step.map { $0 / 2 }
            }
            guard accepted, max(abs(step[0]) * reach, abs(step[1]), abs(step[2])) > 0.002 else { break }
        }
        return back.inverse
    }

    private func normalEquations(_ back: RigidTransform, pivot: PlanarPoint) -> CorrelationSums? {
        let matrix = back.matrix
        let (cosine, sine) = (Math.cos(back.rotationRad), Math.sin(back.rotationRad))
        let sign = back.isMirrored ? -1.0 : 1.0
        let band = 32
        let bands = (fixed.rows + band - 1) / band
        guard bands > 0 else { return nil }
        var parts = [CorrelationSums](repeating: CorrelationSums(), count: bands)
        parts.withUnsafeMutableBufferPointer { parts in
            let parts = DisjointSlices(parts)
            parallelFor(bands, threads: threads) { index in
                var sums = CorrelationSums()
                fixed.gray.elements.withUnsafeBufferPointer { fixedGray in
                    fixed.tissue.elements.withUnsafeBufferPointer { fixedTissue in
                        moving.gray.elements.withUnsafeBufferPointer { gray in
                            moving.tissue.elements.withUnsafeBufferPointer { movingTissue in
                                for row in index * band..<min(fixed.rows, (index + 1) * band) {
                                    for column in 0..<fixed.columns {
                                        let (y, x) = (Double(row), Double(column))
                                        let u = matrix[0] * y + matrix[1] * x + matrix[2]
                                        let v = matrix[3] * y + matrix[4] * x + matrix[5]
                                        let at = row * fixed.columns + column
                                        guard
                                            fixedTissue[at] != 0
                                                || moving.isTissue(movingTissue, row: u, column: v)
                                        else { continue }
                                        let level = moving.level(gray, row: u, column: v)
                                        let slopeRow =
                                            Double(
                                                moving.level(gray, row: u + 1, column: v)
                                                    - moving.level(gray, row: u - 1, column: v)) / 2
                                        let slopeColumn =
                                            Double(
                                                moving.level(gray, row: u, column: v + 1)
                                                    - moving.level(gray, row: u, column: v - 1)) / 2
                                        // d/dφ of R(φ) M (x − pivot).
                                        let (dy, dx) = (y - pivot.row, sign * (x - pivot.column))
                                        let turning =
                                            slopeRow * (-sine * dy - cosine * dx) + slopeColumn
                                            * (cosine * dy - sine * dx)
                                        sums.add(
                                            fixed: Double(fixedGray[at]), moving: Double(level),
                                            turning, slopeRow, slopeColumn)
                                    }
                                }
                            }
                        }
                    }
                }
                parts[index] = sums
            }
        }
        var total = CorrelationSums()
        for part in parts {
            for index in total.values.indices { total.values[index] += part.values[index] }
        }
        return total.values[0] > 8 ? total : nil
    }
}

/// Sums of products of the five signals 1, fixed, moving, and the three slopes: upper triangle of a 6 × 6 table.
private struct CorrelationSums: Sendable {
    /// (a, b) with a ≤ b stands at a · (11 − a) / 2 + b.
    var values = [Double](repeating: 0, count: 21)

    mutating func add(fixed: Double, moving: Double, _ turning: Double, _ row: Double, _ column: Double) {
        values.withUnsafeMutableBufferPointer { values in
            values[0] += 1
            values[1] += fixed
            values[2] += moving
            values[3] += turning
            values[4] += row
            values[5] += column
            values[6] += fixed * fixed
            values[7] += fixed * moving
            values[8] += fixed * turning
            values[9] += fixed * row
            values[10] += fixed * column
            values[11] += moving * moving
            values[12] += moving * turning
            values[13] += moving * row
            values[14] += moving * column
            values[15] += turning * turning
            values[16] += turning * row
            values[17] += turning * column
            values[18] += row * row
            values[19] += row * column
            values[20] += column * column
        }
    }

    /// Covariance (times the count) of two of the signals 1 fixed, 2 moving, 3 angle, 4 row, 5 column.
    private func covariance(_ a: Int, _ b: Int) -> Double {
        let (low, high) = (min(a, b), max(a, b))
        return values[low * (11 - low) / 2 + high] - values[low] * values[high] / values[0]
    }

    var correlation: Double {
        let variances = covariance(1, 1) * covariance(2, 2)
        return variances > 0 ? covariance(1, 2) / variances.squareRoot() : -1
    }

    /// The change of (angle, row, column): Evangelidis and Psarakis 2008, equations 18 to 20.
    func step() -> [Double]? {
        let normal = (3...5).flatMap { a in (3...5).map { b in covariance(a, b) } }
        let ofFixed = (3...5).map { covariance($0, 1) }
        let ofMoving = (3...5).map { covariance($0, 2) }
        guard let fixedPart = solveSymmetricPositive(normal, ofFixed),
            let movingPart = solveSymmetricPositive(normal, ofMoving)
        else { return nil }
        func inner(_ a: [Double], _ b: [Double]) -> Double { a[0] * b[0] + a[1] * b[1] + a[2] * b[2] }
        let upper = covariance(2, 2) - inner(ofMoving, movingPart)
        let lower = covariance(1, 2) - inner(ofFixed, movingPart)
        // A negative denominator means that no gain aligns them; the plain least squares step is left.
        let gain = lower > 0 ? upper / lower : max(covariance(1, 2), 0) / max(covariance(1, 1), .leastNormalMagnitude)
        let step = (0..<3).map { gain * fixedPart[$0] - movingPart[$0] }
        return step.allSatisfy(\.isFinite) ? step : nil
    }
}
