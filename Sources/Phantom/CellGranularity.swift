internal import NDArray

/// The graininess of cells in a pixel that is larger than they are: Poisson counts of bodies of log-normal area.
///
/// For a mean count the share of the expected cover is a compound Poisson variable of mean 1. The table holds, for counts a
/// quarter of an octave apart, its values at 256 evenly likely levels; each is the mean over its level, so that the mean is exactly 1.
///
/// **Reference**: Panjer 1981, DOI 10.1017/S0515036100006796 (the recursion for compound Poisson sums).
struct CellGranularity: Sendable {
    static let quantiles = 256
    private static let perOctave: Float = 4
    private static let lowest: Float = 1.0 / 64
    private static let levels = 53  // up to 128 cells

    /// `level × 256 + quantile`.
    let values: [Float]

    /// Start of the values for pixels that hold `count` cells on average.
    static func start(count: Float) -> Int {
        guard count > lowest else { return 0 }
        // To the nearest level: the largest number below one half lifts halves alone, and calls no function.
        let level = Int(perOctave * Float(Math.log(Double(count / lowest)) / 0.693_147_180_56) + 0.499_999_97)
        return min(level, levels - 1) * quantiles
    }

    /// Builds the table; a few hundred microseconds.
    init() {
        let sizes = CellGranularity.sizes()
        var table: [Float] = []
        table.reserveCapacity(CellGranularity.levels * CellGranularity.quantiles)
        for level in 0..<CellGranularity.levels {
            let count =
                CellGranularity.lowest
                * Float(Math.exp(Double(level) / Double(CellGranularity.perOctave) * 0.693_147_180_56))
            table +=
                count < 12 ? CellGranularity.compound(count: count, sizes: sizes) : CellGranularity.gamma(count: count)
        }
        values = table
    }

    /// Bins a cell's mean area is divided into.
    private static let bins = 6

    /// Probability of each area in bins of a sixth of the mean area.
    private static func sizes() -> [Float] {
        let spread = CellBody.areaSpread
        var probability = [Float](repeating: 0, count: 5 * bins)
        // Normal quantiles at the middles of 512 levels.
        for quantile in normalQuantiles(512) {
            let area = Math.expf(spread * quantile - spread * spread / 2) * Float(bins)
            let first = min(max(Int(area), 1), probability.count - 2)
            let share = min(max(area - Float(first), 0), 1)
            probability[first] += (1 - share) / 512
            probability[first + 1] += share / 512
        }
        return probability
    }

    private static func compound(count: Float, sizes: [Float]) -> [Float] {
        let mean = count * Float(bins)
        let length = Int(mean + 9 * (mean * Float(bins) * 1.2).squareRoot()) + 5 * bins
        var probability = [Float](repeating: 0, count: length)
        probability[0] = Math.expf(-count)
        for sum in 1..<length {
            var value: Float = 0
            for size in 1..<min(sizes.count, sum + 1) { value += Float(size) * sizes[size] * probability[sum - size] }
            probability[sum] = count / Float(sum) * value
        }
        // The mean over each of the evenly likely levels.
        var result = [Float](repeating: 0, count: quantiles)
        var (level, filled) = (0, Float(0))
        let share = 1 / Float(quantiles)
        for sum in 0..<length {
            var rest = probability[sum]
            while rest > 0, level < quantiles {
                let taken = min(rest, share - filled)
                result[level] += taken * Float(sum)
                filled += taken
                rest -= taken
                if filled >= share * 0.999_99 { (level, filled) = (level + 1, 0) }
                if taken <= 0 { (level, filled) = (level + 1, 0) }
            }
        }
        return scaled(result)
    }

    /// Wilson and Hilferty's cube of a normal for the sum of many cells.
    private static func gamma(count: Float) -> [Float] {
        let shape = count / CellBody.areaMoment
        return scaled(
            normalQuantiles(quantiles).map { quantile in
                let root = max(1 - 1 / (9 * shape) + quantile / (3 * shape.squareRoot()), 0)
                return root * root * root
            })
    }

    private static func scaled(_ values: [Float]) -> [Float] {
        let mean = values.reduce(0, +) / Float(values.count)
        return mean > 0 ? values.map { $0 / mean } : values.map { _ in 1 }
    }
}

/// The standard normal's values at the middles of evenly likely levels.
///
/// **Reference**: Acklam's rational approximation, relative error 1.2·10⁻⁹; here in its central and tail forms.
func normalQuantiles(_ count: Int) -> [Float] {
    let a = [
        -39.6968302866538, 220.946098424521, -275.928510446969, 138.357751867269, -30.6647980661472, 2.50662827745924,
    ]
    let b = [-54.4760987982241, 161.585836858041, -155.698979859887, 66.8013118877197, -13.2806815528857]
    let c = [
        -0.00778489400243029, -0.322396458041136, -2.40075827716184, -2.54973253934373, 4.37466414146497,
        2.93816398269878,
    ]
    let d = [0.00778469570904146, 0.32246712907004, 2.445134137143, 3.75440866190742]
    func tail(_ probability: Double) -> Double {
        let q = (-2 * Math.log(probability)).squareRoot()
        let over = ((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]
        return over / ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1)
    }
    return (0..<count).map { index in
        let p = (Double(index) + 0.5) / Double(count)
        if p < 0.02425 { return Float(tail(p)) }
        if p > 1 - 0.02425 { return Float(-tail(1 - p)) }
        let q = p - 0.5
        let r = q * q
        let over = (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q
        return Float(over / (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1))
    }
}
