internal import NDArray

/// What a tensor holds before training.
enum FirstValues: Sendable {
    case constant(Float)
    /// Uniform in ± the bound.
    case uniform(bound: Double)
    /// Normal, cut off at two standard deviations where `truncated`.
    case normal(sd: Double, truncated: Bool)

    /// He initialisation by the number of outputs that an input reaches, for ReLU: sd = √(2 / (outputs · kernel²)).
    ///
    /// **Reference** He et al. 2015, DOI 10.1109/ICCV.2015.123.
    static func he(outputs: Int, kernel: Int) -> FirstValues {
        .normal(sd: (2 / Double(outputs * kernel * kernel)).squareRoot(), truncated: false)
    }

    /// Values drawn from the seed and the name, in bands with a stream each.
    func values(count: Int, seed: UInt64, name: String, threads: Int) -> [Float] {
        [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            initialized = count
            guard count > 0 else { return }
            let slices = DisjointSlices(buffer)
            parallelBands(count, band: 1 << 16, threads: threads) { band in
                var generator = SeededGenerator(seed: seed, stream: name, band.lowerBound)
                for index in band { slices[index] = draw(from: &generator) }
            }
        }
    }

    private func draw(from generator: inout SeededGenerator) -> Float {
        switch self {
        case .constant(let value): return value
        case .uniform(let bound): return Float(bound * (2 * generator.uniform() - 1))
        case .normal(let sd, let truncated):
            var value = generator.normal()
            while truncated, abs(value) > 2 { value = generator.normal() }
            return Float(sd * value)
        }
    }
}
