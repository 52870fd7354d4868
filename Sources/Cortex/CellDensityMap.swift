internal import NDArray

/// A kernel density estimate of cells on a grid of points, cells per area.
///
/// f(x) = Σᵢ K(x − xᵢ), K the Gaussian of standard deviation `bandwidthUm` with integral 1. Where `isKnown` is given, f is divided by the
/// share of K around x that lies in the known part: at the edge of a patch cells are not fewer, only not seen (the paper does not
/// say what it does there). The kernel is cut off at six standard deviations, where it has fallen to 1.5 · 10⁻⁸.
///
/// - Parameters:
///   - cellsUm: (row, column) of the cells; those off the known part must be left out by the caller.
///   - side: of the grid.
///   - spacingUm: distance of its points.
///   - firstUm: coordinate of its first row and column.
///   - bandwidthUm: the paper's is 100 µm.
///   - isKnown: one a grid point; nil: everything is known, without end.
/// - Returns: cells per mm², NaN where nothing around is known.
/// - Complexity: O(cells · (bandwidth / spacing)²).
///
/// **Reference**: as `scipy.stats.gaussian_kde` and `sklearn.neighbors.KernelDensity` times the number of cells.
public func cellDensityMap(
    cellsUm: [SIMD2<Double>], side: Int, spacingUm: Double, firstUm: Double, bandwidthUm: Double,
    isKnown: [Bool]? = nil
) -> [Double] {
    precondition(side >= 1 && spacingUm > 0 && bandwidthUm > 0, "A density needs a grid and a bandwidth.")
    precondition(isKnown.map { $0.count == side * side } ?? true, "Grid and known part differ in size.")
    var density = [Double](repeating: 0, count: side * side)
    let scale = 1 / bandwidthUm
    // Cells per µm² to cells per mm²; 1/√2π for each axis.
    let height = 1e6 * scale * scale / (2 * Double.pi)
    var (rowWeights, columnWeights) = ([Double](), [Double]())
    density.withUnsafeMutableBufferPointer { density in
        for cell in cellsUm {
            let rows = gridRange(cell.x, firstUm: firstUm, spacingUm: spacingUm, reachUm: 6 * bandwidthUm, side: side)
            let columns = gridRange(
                cell.y, firstUm: firstUm, spacingUm: spacingUm, reachUm: 6 * bandwidthUm, side: side)
            guard !rows.isEmpty, !columns.isEmpty else { continue }
            rowWeights.removeAll(keepingCapacity: true)
            columnWeights.removeAll(keepingCapacity: true)
            for row in rows {
                let z = (firstUm + Double(row) * spacingUm - cell.x) * scale
                rowWeights.append(height * Math.exp(-z * z / 2))
            }
            for column in columns {
                let z = (firstUm + Double(column) * spacingUm - cell.y) * scale
                columnWeights.append(Math.exp(-z * z / 2))
            }
            for (row, weight) in zip(rows, rowWeights) {
                let line = row * side + columns.lowerBound
                for place in columnWeights.indices { density[line + place] += weight * columnWeights[place] }
            }
        }
    }
    guard let isKnown else { return density }
    let shares = knownShares(isKnown, side: side, sigmaPx: bandwidthUm / spacingUm)
    return density.indices.map { shares[$0] > 1e-9 ? density[$0] / shares[$0] : .nan }
}

/// The mean of a density over each layer.
///
/// - Parameters:
///   - layers: I … VI as 1 … 6 for each point of the density.
///   - isKnown: which points count; all if left out.
/// - Returns: six values, NaN for a layer that has no such point.
public func layerMeans(_ density: [Double], layers: [UInt8], isKnown: [Bool]? = nil) -> [Double] {
    precondition(density.count == layers.count, "A density and its layers differ in size.")
    var sums = [Double](repeating: 0, count: 7)
    var counts = [Double](repeating: 0, count: 7)
    for index in density.indices where (isKnown?[index] ?? true) && layers[index] <= 6 && !density[index].isNaN {
        sums[Int(layers[index])] += density[index]
        counts[Int(layers[index])] += 1
    }
    return (1...6).map { counts[$0] > 0 ? sums[$0] / counts[$0] : .nan }
}

/// Indices of the grid's points within reach of a coordinate.
private func gridRange(
    _ at: Double, firstUm: Double, spacingUm: Double, reachUm: Double, side: Int
) -> Range<Int> {
    let low = max(0, ((at - reachUm - firstUm) / spacingUm).rounded(.up))
    let high = min(Double(side - 1), ((at + reachUm - firstUm) / spacingUm).rounded(.down))
    return low <= high ? Int(low)..<Int(high) + 1 : 0..<0
}

/// Share of a Gaussian around each point that lies in the known part, the points' squares taken whole: integrals of the Gaussian over each square.
private func knownShares(_ isKnown: [Bool], side: Int, sigmaPx: Double) -> [Double] {
    let reach = min(Int((6 * sigmaPx).rounded(.up)), side)
    let scale = 1 / (sigmaPx * 2.0.squareRoot())
    let kernel = (0...reach).map { offset in
        (Math.erf((Double(offset) + 0.5) * scale) - Math.erf((Double(offset) - 0.5) * scale)) / 2
    }
    func pass(_ input: [Double], alongRows: Bool) -> [Double] {
        var output = [Double](repeating: 0, count: side * side)
        for line in 0..<side {
            for place in 0..<side {
                var sum = 0.0
                for other in max(0, place - reach)...min(side - 1, place + reach) {
                    sum += kernel[abs(other - place)] * input[alongRows ? line * side + other : other * side + line]
                }
                output[alongRows ? line * side + place : place * side + line] = sum
            }
        }
        return output
    }
    return pass(pass(isKnown.map { $0 ? 1 : 0 }, alongRows: true), alongRows: false)
}
