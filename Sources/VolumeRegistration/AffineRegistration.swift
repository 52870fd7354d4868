internal import LinearAlgebra
internal import NDArray
internal import SpatialTransforms

/// Which affine maps are tried.
enum AffineFreedom {
    /// Rotation, shift, one scale.
    case similarity
    case affine

    /// Rows of the unknowns' basis: 12 numbers each, the rows of (E | e).
    var directions: [[Double]] {
        func direction(_ entries: [(Int, Double)]) -> [Double] {
            var row = [Double](repeating: 0, count: 12)
            for (place, value) in entries { row[place] = value }
            return row
        }
        switch self {
        case .affine: return (0..<12).map { direction([($0, 1)]) }
        case .similarity:
            return [
                direction([(3, 1)]), direction([(7, 1)]), direction([(11, 1)]),
                direction([(6, -1), (9, 1)]), direction([(2, 1), (8, -1)]), direction([(1, -1), (4, 1)]),
                direction([(0, 1), (5, 1), (10, 1)]),
            ]
        }
    }
}

/// Gauss–Newton on the weighted squared difference of tissue shares.
///
/// - Parameter start: from template mm to moving mm.
/// - Returns: the map found and its misfit; never worse than the start.
func refineAffine(
    template: ChannelGrid, moving: ChannelGrid, start: AffineTransform, freedom: AffineFreedom, iterations: Int,
    channelWeights: SIMD4<Float>, centreMm: SIMD3<Double>, unitMm: Double, threads: Int
) -> (map: AffineTransform, misfit: Double) {
    let directions = freedom.directions
    let count = directions.count
    var map = start
    var sums = linearise(
        template: template, moving: moving, map: map, centreMm: centreMm, unitMm: unitMm,
        channelWeights: channelWeights, withSlopes: true, threads: threads)
    var damping = 1e-3
    for _ in 0..<iterations {
        var matrix = [Double](repeating: 0, count: count * count)
        var right = [Double](repeating: 0, count: count)
        for i in 0..<count {
            for a in 0..<12 where directions[i][a] != 0 {
                right[i] += directions[i][a] * sums.right[a]
                for j in 0..<count {
                    for b in 0..<12 where directions[j][b] != 0 {
                        matrix[count * i + j] += directions[i][a] * sums.matrix[12 * a + b] * directions[j][b]
                    }
                }
            }
        }
        // Levenberg–Marquardt; the small constant keeps directions without any slope out.
        let trace = (0..<count).reduce(0) { $0 + matrix[count * $1 + $1] }
        guard trace > 0 else { break }
        for i in 0..<count { matrix[count * i + i] += damping * matrix[count * i + i] + 1e-9 * trace }
        guard let solution = solveSymmetricPositive(matrix, right) else { break }
        var entries = [Double](repeating: 0, count: 12)
        for i in 0..<count { for a in 0..<12 { entries[a] += solution[i] * directions[i][a] } }
        // x ↦ x + E (x − centre) / unit + e
        let step = SIMD3(entries[3], entries[7], entries[11])
        var change = AffineTransform(
            x: [1 + entries[0] / unitMm, entries[4] / unitMm, entries[8] / unitMm],
            y: [entries[1] / unitMm, 1 + entries[5] / unitMm, entries[9] / unitMm],
            z: [entries[2] / unitMm, entries[6] / unitMm, 1 + entries[10] / unitMm])
        change.translation = centreMm - change.linear(centreMm) + step
        let tried = change.followed(by: map)
        let next = linearise(
            template: template, moving: moving, map: tried, centreMm: centreMm, unitMm: unitMm,
            channelWeights: channelWeights, withSlopes: true, threads: threads)
        if next.misfit < sums.misfit {
            let gain = sums.misfit - next.misfit
            (map, sums) = (tried, next)
            damping = max(damping * 0.3, 1e-4)
            if gain < 1e-5 * sums.misfit { break }
        } else {
            damping *= 20
            if damping > 1e3 { break }
        }
    }
    return (map, sums.misfit)
}

/// The affine part of a registration, with what it was chosen from.
struct AffineMatch: Sendable {
    /// From template mm to the brain's mm.
    var map: AffineTransform
    /// The start that won.
    var start: AffineTransform
    var misfit: Double
    var half: BrainHalf
    /// In-plane turn of the start that won.
    var startRollDeg: Double
}

/// Finds the affine map from the template to a brain whose frame may be turned and shifted.
///
/// Many starts are rated on a coarse grid: the middles and volumes of the two tissues laid on each other, turned in the
/// plane of the sections, shifted along y and z (a template with a cerebellum has its middle elsewhere). The best are refined
/// by a similarity, the best of these by an affine map on finer grids.
///
/// - Parameters:
///   - half: what of the template to compare with.
///   - settings: `maximumRollDeg` says how far the frame may be turned in the plane of the sections.
func matchAffine(
    template: TissueTemplate, brain: TissueLabels, extent: TissueExtent, coverage: PlaneCoverage, half: BrainHalf,
    settings: TemplateRegistrationSettings, threads: Int
) -> AffineMatch? {
    guard let templateBox = template.extent.box, let brainBox = extent.box else { return nil }
    let (maximumRollDeg, channelWeights) = (settings.maximumRollDeg, settings.channelWeights)
    let coarseMm = max(templateBox.longest / 20, 2 * settings.spacingMm)
    let fineMm = max(templateBox.longest / 50, settings.spacingMm)
    // Tissue that is still off by a quarter of a brain must be seen from the grid.
    let size = templateBox.highMm - templateBox.lowMm
    let box = templateBox.grown(byMm: 0.12 * size.max())
    let fine = template.shares(
        on: ChannelGrid(covering: box, spacingMm: fineMm, multiple: 2), half: half, threads: threads)
    let coarse = template.shares(
        on: ChannelGrid(covering: box, spacingMm: coarseMm), half: half, threads: threads
    ).smoothed(sigmaVoxels: 1, threads: threads)
    let own = brainBox.grown(byMm: 4 * coarseMm)
    let ownFine = brain.shares(
        on: ChannelGrid(covering: own, spacingMm: fineMm), through: .identity, coverage: coverage, threads: threads)
    let ownCoarse = brain.shares(
        on: ChannelGrid(covering: own, spacingMm: coarseMm), through: .identity, coverage: coverage,
        threads: threads
    ).smoothed(sigmaVoxels: 1, threads: threads)

    let templateVolume = template.extent.volumeMm3 * (half == .both ? 1 : 0.5)
    let scale = Math.pow(extent.volumeMm3 / templateVolume, 1.0 / 3)
    var centre = template.extent.centreMm
    if half != .both { centre.x += (half == .left ? -0.25 : 0.25) * size.x }
    let unit = 0.25 * size.max()

    var starts: [(map: AffineTransform, misfit: Double, rollDeg: Double)] = []
    let steps = Int((maximumRollDeg / 10).rounded(.up))
    for number in -steps...steps {
        let rollDeg = steps == 0 ? 0 : maximumRollDeg * Double(number) / Double(steps)
        // 180° and −180° are the same.
        if maximumRollDeg >= 180, number == -steps { continue }
        let (c, s) = (Math.cos(rollDeg * .pi / 180) * scale, Math.sin(rollDeg * .pi / 180) * scale)
        for along in -1...1 {
            for up in -1...1 {
                let shift = SIMD3(0, 0.08 * size.y * Double(along), 0.08 * size.z * Double(up))
                var map = AffineTransform(x: [c, 0, s], y: [0, scale, 0], z: [-s, 0, c])
                map.translation = extent.centreMm - map.linear(centre + shift)
                let misfit = linearise(
                    template: coarse, moving: ownCoarse, map: map, centreMm: centre, unitMm: unit,
                    channelWeights: channelWeights, withSlopes: false, threads: threads
                ).misfit
                starts.append((map, misfit, rollDeg))
            }
        }
    }
    // The best of each turn, then the best turns: neighbours in the list are then really different.
    var best: [(map: AffineTransform, misfit: Double, rollDeg: Double)] = []
    for start in starts.sorted(by: { $0.misfit < $1.misfit })
    where best.count < 6 && !best.contains(where: { $0.rollDeg == start.rollDeg }) { best.append(start) }
    var match: AffineMatch?
    for start in best {
        let similar = refineAffine(
            template: coarse, moving: ownCoarse, start: start.map, freedom: .similarity, iterations: 20,
            channelWeights: channelWeights, centreMm: centre, unitMm: unit, threads: threads)
        if similar.misfit < match?.misfit ?? .infinity {
            match = AffineMatch(
                map: similar.map, start: start.map, misfit: similar.misfit, half: half, startRollDeg: start.rollDeg)
        }
    }
    guard var match else { return nil }
    for (fixed, moving) in [
        (coarse, ownCoarse),
        (fine.smoothed(sigmaVoxels: 1.5, threads: threads), ownFine.smoothed(sigmaVoxels: 1.5, threads: threads)),
        (fine.smoothed(sigmaVoxels: 0.7, threads: threads), ownFine.smoothed(sigmaVoxels: 0.7, threads: threads)),
    ] {
        let refined = refineAffine(
            template: fixed, moving: moving, start: match.map, freedom: .affine, iterations: 15,
            channelWeights: channelWeights, centreMm: centre, unitMm: unit, threads: threads)
        (match.map, match.misfit) = (refined.map, refined.misfit)
    }
    return match
}
