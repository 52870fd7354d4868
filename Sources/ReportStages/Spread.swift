/// Values of the same thing from several runs: their mean, and how far they scatter.
package struct Spread: Sendable, Equatable {
    package var values: [Double]

    /// Takes what is finite; the others were not defined in their run.
    package init(_ values: [Double]) { self.values = values.filter(\.isFinite) }

    package var count: Int { values.count }
    /// NaN where there is nothing.
    package var mean: Double { values.isEmpty ? .nan : values.reduce(0, +) / Double(values.count) }

    /// Standard deviation of the sample (n − 1); nil for fewer than two values.
    package var deviation: Double? {
        guard values.count > 1 else { return nil }
        let mean = mean
        let square = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (square / Double(values.count - 1)).squareRoot()
    }

    /// `0.51 ± 0.02`, or the mean alone for a single run.
    package func text(decimals: Int? = nil) -> String {
        guard !values.isEmpty else { return "–" }
        let digits = decimals ?? NumberText.decimals(for: mean)
        // The same number in every run is no measurement of a spread: a count, or what is fixed by the data.
        guard let deviation, decimals != nil || Set(values).count > 1 else { return NumberText.fixed(mean, digits) }
        return NumberText.fixed(mean, digits) + " ± " + NumberText.fixed(deviation, digits)
    }
}

/// The q-quantile of sorted values, linear between ranks (the default of NumPy); nil where there are none.
package func quantile(_ q: Double, ofSorted values: [Double]) -> Double? {
    guard !values.isEmpty else { return nil }
    let place = q * Double(values.count - 1)
    let lower = Int(place)
    let upper = min(lower + 1, values.count - 1)
    return values[lower] + (place - Double(lower)) * (values[upper] - values[lower])
}
